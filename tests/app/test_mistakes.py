"""The usual mistakes of Entra's administrators: docs/entra.md lists each sentence, and the log has a hint (RFC 7644
§3.12)."""

import re
from pathlib import Path
from typing import Any

import pytest

from store.tenants.fields import Fields
from store.tenants.log import Call

GUIDE = Path(__file__).parents[2] / "docs" / "entra.md"
NOBODY = "2819c223-7f76-453a-919d-413861904646"
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"


def listed() -> list[re.Pattern[str]]:
    """The sentences in the guide's table of refusals; … stands for any text, the end of the cell for any end."""
    table = GUIDE.read_text("utf-8").partition("## What Entra's log says")[2].partition("## Tokens")[0]
    cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| ")]
    sentences = [sentence for cell in cells for sentence in re.findall(r"`([^`]+)`", cell)]
    return [re.compile(".*".join(map(re.escape, sentence.split("…")))) for sentence in sentences]


def user(name: str, **attributes: Any) -> tuple[str, str, dict[str, Any]]:
    """The request that creates a user."""
    work = [{"type": "work", "primary": True, "value": f"{name}@example.com"}]
    return "POST", "/Users", {"schemas": [CORE_USER], "userName": name, "emails": work} | attributes


def group(name: str, **attributes: Any) -> tuple[str, str, dict[str, Any]]:
    """The request that creates a group."""
    return "POST", "/Groups", {"schemas": [CORE_GROUP], "displayName": name} | attributes


def change(path: str, value: Any, whom: str = "/Users/{adele}") -> tuple[str, str, dict[str, Any]]:
    """The request that replaces one attribute, as Entra sends it."""
    return "PATCH", whom, {"Operations": [{"op": "Replace", "path": path, "value": value}]}


MISTAKES = {
    "displayName in a new user": user("bob", displayName="Bob"),
    "displayName in a change": change("displayName", "Adele"),
    "a field nobody declared": user("bob", **{FIELDS: {"shoeSize": 42}}),
    "a target that SCIM does not know": change("custom_field", "42"),
    "a language of five letters": user("bob", preferredLanguage="fr-FR"),
    "no mail": user("bob", emails=[]),
    "the mail of somebody else": user("bob", emails=[{"type": "work", "value": "adele@example.com"}]),
    "the userName of somebody else": user("ADELE", emails=[{"type": "work", "value": "bob@example.com"}]),
    "a userName that is taken": change("userName", "cleo"),
    "no userName": user("bob", userName=""),
    "an endless userName": user("b" * 600),
    "a word for active": change("active", "perhaps"),
    "text in an integer field": change(f"{FIELDS}:level", "high"),
    "an endless integer": change(f"{FIELDS}:level", "9" * 20),
    "a boolean for a text": change("title", True),
    "a manager who is not there": change(MANAGER, NOBODY),
    "an attribute of the server": change("id", NOBODY),
    "groups mapped for users": change("groups", []),
    "a user who is not there": change("active", "False", f"/Users/{NOBODY}"),
    "a group that is not there": change("displayName", "Sales", f"/Groups/{NOBODY}"),
    "a group name that is taken": group("SALES"),
    "no group name": group(""),
    "a description of groups": group("New", description="Everybody"),
    "members who are not there": group("New", members=[{"value": NOBODY}]),
    "a URL that is none": ("GET", "/Nothing", None),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_guide_lists_what_is_said_of_a_mistake_and_the_log_has_a_hint(entra, mistake):
    adele, _, _ = entra.user("adele"), entra.user("cleo"), entra.group("Sales")
    Fields(entra.database, entra.tenant).add("level", "integer", call=Call())
    method, path, body = MISTAKES[mistake]
    answer = entra.request(method, path.format(adele=adele["id"]), body)
    assert 400 <= answer.status_int < 500, answer.text
    detail = answer.json["detail"]
    assert any(sentence.match(detail) for sentence in listed()), detail
    assert entra.log(1)[0].get("hint"), detail
