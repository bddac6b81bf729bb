"""scim2-tester reads the discovery endpoints and writes every attribute that they publish in every way (RFC 7643 §5 to
§7, RFC 7644 §3.3 to §3.6, §4)."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, get_args

import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from tests.conformance.conftest import Endpoint
from tests.conformance.expected import TESTER

GOOD = {Status.SUCCESS, Status.COMPLIANT, Status.ACCEPTABLE}


class Addresses:
    """Work e-mails, each a new one: the suite draws from what it takes for a list of examples."""

    def __init__(self, model: type[Any]) -> None:
        self._model = model

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Any:
        return self._model(value=f"{uuid.uuid4()}@example.com", type="work", primary=True)


def tell(client: SyncSCIMClient, preset: str) -> None:
    """Give the suite examples of what /Schemas has no words for, or what it has no random values of."""
    user: Any = client.get_resource_model("User")
    fields = next(model for urn, model in user.get_extension_models().items() if "360learning" in urn)
    fields.model_fields["hired"].examples = [datetime(2026, 1, 31, 8, tzinfo=UTC)]
    fields.model_fields["score"].examples = [1.5]
    if preset == "360learning":
        user.model_fields["preferred_language"].examples = ["fr"]
        emails = get_args(get_args(user.model_fields["emails"].annotation)[0])[0]
        emails.model_fields["type"].examples = ["work"]
        user.model_fields["emails"].examples = Addresses(emails)


def named(result: CheckResult) -> str:
    """What a finding is about: resource type, check, attribute."""
    attribute = result.data.get("urn") if isinstance(result.data, dict) else None
    return " ".join(word for word in (result.resource_type, result.title, attribute) if word)


@pytest.mark.parametrize("preset", ["rfc", "360learning"])
def test_scim2_tester_finds_what_is_expected_and_nothing_else(make_endpoint: Callable[[str], Endpoint], preset: str):
    """(RFC 7643, RFC 7644)"""
    with make_endpoint(preset).connect() as http:
        client = SyncSCIMClient(http)
        client.discover()
        tell(client, preset)
        results = check_server(client)
    assert len(results) > 140
    found = {named(result): result for result in results if result.status not in GOOD}
    assert found.keys() == TESTER[preset].keys(), [found[name].reason for name in found.keys() - TESTER[preset].keys()]
