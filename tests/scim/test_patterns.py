"""Filters read by a pattern equal those read by the grammar (RFC 7644 §3.4.2.2)."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from scim.binding import bind
from scim.errors import InvalidFilter
from scim.filter import parse_filter
from scim.patterns import PATTERNS, bind_text
from scim.schemas import ENTERPRISE_USER
from tests.strategies import RFC, TEXTS


def bound(text: str) -> Any:
    return bind(RFC.user, parse_filter(text))


STARTS = (
    "userName eq ", "USERNAME eq ", "title eq ", "externalId eq ", "active eq ", "meta.created eq ", "integerField eq ",
    'emails[type eq "work"].value eq ', 'emails[type eq "work"] and title eq ', "emails.value eq ", "emails eq ",
    'title eq "a" or not (title eq "b") and nickName eq ', "title ne ", "not (title eq ", "title  eq ", "title eq\t",
    'title eq "a', 'title eq "a" nickName eq ', 'title eq "\\" eq ', 'title eq "\\"" and nickName eq ', "shoe eq ",
    'emails[type eq "\\"].value eq ', 'title eq "a"] eq ', 'emails[type eq "work" and value eq ',
    'emails[type eq "work"] eq ', 'emails[type eq "work"].value eq "a" or title eq ',
    "password eq ", "name eq ", "schemas eq ", "groups.display eq ", f'{ENTERPRISE_USER}:manager.value eq ', "eq ", "",
)  # fmt: skip


def outcome(read: Any, text: str) -> str:
    """The bound filter of a text, or the refusal."""
    try:
        return repr(read(text))
    except InvalidFilter as refused:
        return f"refused: {refused.detail}"


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(STARTS), st.lists(st.sampled_from(TEXTS) | st.text(max_size=5), min_size=2, max_size=2), st.data()
)
def test_a_filter_read_by_its_pattern_is_the_one_that_the_grammar_reads(start, literals, data):
    ends = data.draw(st.sampled_from(['"', '")', '" ', '"]', ""]))
    for literal in literals:
        for text in (f'{start}"{literal}{ends}', start + json.dumps(literal)):
            assert outcome(lambda each: bind_text(RFC.user, each), text) == outcome(bound, text)


def test_patterns_are_kept_within_their_bound():
    for number in range(2 * PATTERNS + 1):
        bind_text(RFC.user, f'emails[type eq "{number}"].value eq "babs@example.com"')
    assert len(RFC.user.cache["patterns"]) <= PATTERNS
