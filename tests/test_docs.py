"""The pages that are made from the code are up to date, and every requirement has its test."""

import re
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conformance_page import PAGE, page

ROOT = Path(__file__).parents[1]


def test_the_conformance_page_shows_the_tests_as_they_are():
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_every_page_is_in_the_menu_of_the_site():
    site = tomllib.loads((ROOT / "zensical.toml").read_text("utf-8"))
    listed = re.findall(r"'([\w.-]+\.md)'", str(site["project"]["nav"]))
    assert sorted(listed) == sorted(each.name for each in (ROOT / "docs").glob("*.md"))


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "README.md", "SECURITY.md", "docs/architecture.md"])
def test_every_file_that_a_page_names_exists(page):
    named = set(
        re.findall(r"(?<![\w/])(?:app|bench|docs|scim|store|tests)/[\w/.-]*\w", (ROOT / page).read_text("utf-8"))
    )
    assert named
    assert [each for each in sorted(named) if not (ROOT / each).exists()] == []


def test_each_change_begins_where_contributing_says():
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    begins = re.findall(r"^\| [^|]+ \| `([\w/.]+)`: `(\w+)` \|", page, re.MULTILINE)
    assert len(begins) == 20
    assert [each for each in begins if not re.search(rf"\b{each[1]}\b", (ROOT / each[0]).read_text("utf-8"))] == []


def test_each_of_the_thirty_requirements_is_held_by_a_test():
    held = set(re.findall(r"^\| R(\d+) \|", page(), re.MULTILINE))
    assert held == {str(number) for number in range(1, 31)}


@pytest.mark.parametrize("package", ["app", "scim", "store"])
def test_every_module_is_on_the_map(package):
    on_the_map = set(re.findall(r"`([\w/]+\.py)`", (ROOT / "docs" / "architecture.md").read_text("utf-8")))
    modules = {str(each.relative_to(ROOT)) for each in (ROOT / package).rglob("*.py") if each.stat().st_size}
    packages = {each for each in modules if each.endswith("/__init__.py")}
    assert sorted(modules - packages - on_the_map) == []


def test_a_request_takes_the_way_that_the_architecture_describes(entra):
    """The functions on the way, in the order in which they are called."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    steps = re.findall(r"^\| `([\w/]+\.py)`: `(\w+)` \|", page, re.MULTILINE)
    assert len(steps) > 10
    bob, group = entra.user("bob"), entra.group("Team")
    way = followed(steps, lambda: entra.patch(f"/Groups/{group['id']}", join(bob)))
    assert way == steps


def join(user):
    return {"op": "add", "path": "members", "value": [{"value": user["id"]}]}


def followed(steps, work):
    """Those of the steps that the work takes, each looked for after the one before."""
    files = {str(ROOT / file): file for file, _ in steps}
    found: list[tuple[str | None, str]] = []

    def called(frame, event, _):
        step = (files.get(frame.f_code.co_filename), frame.f_code.co_name)
        if event == "call" and len(found) < len(steps) and step == steps[len(found)]:
            found.append(step)

    sys.setprofile(called)
    try:
        assert work().status_int == 204
    finally:
        sys.setprofile(None)
    return found
