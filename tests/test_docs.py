"""The pages that are made from the code are up to date, and every requirement has its test."""

import re

from tests.conformance_page import PAGE, page


def test_the_conformance_page_shows_the_tests_as_they_are():
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_each_of_the_thirty_requirements_is_held_by_a_test():
    held = set(re.findall(r"^\| R(\d+) \|", page(), re.MULTILINE))
    assert held == {str(number) for number in range(1, 31)}
