"""The pages that are made from the code are up to date, and every requirement has its test."""

import re
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


@pytest.mark.parametrize("folder", ["app", "app/cli", "scim", "store"])
def test_every_module_is_on_the_map(folder):
    on_the_map = re.findall(r"[\w/]+\.py", (ROOT / "docs" / "architecture.md").read_text("utf-8"))
    named = {name.rpartition("/")[2] for name in on_the_map}
    assert [each.name for each in (ROOT / folder).glob("*.py") if each.name not in named | {"__init__.py"}] == []
