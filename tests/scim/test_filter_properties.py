"""Properties of all filters and texts, checked with random ones (RFC 7644 §3.4.2.2)."""

import json
import time
from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scim.errors import ScimError
from scim.filter import (
    MAX_LENGTH,
    OPERATORS,
    PatchPath,
    parse_filter,
    parse_path,
)
from scim.nodes import And, Compare, Not, Or, Present, ValuePath, levels
from tests.printing import printed

unhurried = settings(max_examples=200, deadline=None)

names = st.from_regex(r"\A\$?[A-Za-z][A-Za-z0-9_-]{0,8}\Z") | st.sampled_from(["not", "and", "or", "eq", "pr", "true"])
uris = st.from_regex(r"\Aurn:[a-z]{1,5}(:[A-Za-z0-9.-]{1,6}){0,3}\Z")


def named(uri, name, sub=None):
    return f"{f'{uri}:' if uri else ''}{name}{f'.{sub}' if sub else ''}"


paths = st.builds(named, st.none() | uris, names, st.none() | names)
attributes = st.builds(named, st.none() | uris, names)
values = (
    st.text()
    | st.booleans()
    | st.none()
    | st.integers(-(10**39), 10**39)
    | st.floats(allow_nan=False, allow_infinity=False)
)
operators = st.sampled_from([op for op in OPERATORS if op != "pr"])
comparisons = st.builds(Compare, paths, operators, values) | st.builds(Present, paths)


def combined(operands):
    return st.builds(And, operands, operands) | st.builds(Or, operands, operands) | st.builds(Not, operands)


element_filters = st.recursive(comparisons, combined, max_leaves=8)
value_paths = st.builds(ValuePath, attributes, element_filters)
filters = st.recursive(comparisons | value_paths, combined, max_leaves=12).filter(lambda tree: levels(tree) <= 16)
patch_paths = st.builds(PatchPath, paths) | st.builds(
    PatchPath, attributes, element_filters.filter(lambda tree: levels(tree) <= 16), st.none() | names
)

# Pieces of the language in any order reach deeper into the grammar than random letters.
pieces = st.sampled_from(
    [
        *(
            *OPERATORS,
            "and",
            "or",
            "not",
            "(",
            ")",
            "[",
            "]",
            '"',
            '"x"',
            '"\\',
            "\\u",
            "d83d",
            " ",
            "emails",
            ".value",
        ),
        *("urn:a:2.0:User:", "true", "null", "-1.5e3", "'a'", "\ud83d", "\x00", "é", "$ref", ".", ":"),
    ]
)
texts = st.text(st.characters(exclude_categories=[])) | st.lists(pieces, max_size=30).map("".join)
spaced = st.lists(pieces, max_size=30).map(" ".join)


@unhurried
@given(filters)
def test_a_printed_filter_is_read_back_as_the_same_tree(tree):
    again = parse_filter(printed(tree))
    # The repr shows the types of values; true, 1 and 1.0 are equal in Python.
    assert (again, repr(again)) == (tree, repr(tree))
    assert hash(again) == hash(tree)


@unhurried
@given(patch_paths)
def test_a_printed_path_is_read_back_as_the_same_path(path):
    again = parse_path(printed(path))
    assert (again, repr(again)) == (path, repr(path))


@unhurried
@given(paths)
def test_a_name_is_read_back_from_its_text(path):
    assert parse_path(path) == PatchPath(path)


@unhurried
@given(st.text())
def test_every_text_that_json_can_write_can_be_a_value(value):
    tree = Compare("userName", "eq", value)
    assert parse_filter(f"userName eq {json.dumps(value)}") == tree
    assert parse_filter(f"userName eq {json.dumps(value, ensure_ascii=False)}") == tree


@unhurried
@given(texts | spaced)
@example('a eq "\\')
@example("emails[")
def test_any_text_is_read_or_refused_in_a_short_sentence(text):
    for parse in (parse_filter, parse_path):
        read_or_refused(parse, text)


@unhurried
@given(filters | patch_paths, st.data())
def test_any_change_to_a_filter_is_read_or_refused_in_a_short_sentence(tree, data):
    text = printed(tree)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 3)))
    text = text[:start] + data.draw(pieces | st.just("")) + text[end:]
    for parse in (parse_filter, parse_path):
        read_or_refused(parse, text)


def read_or_refused(parse, text):
    """What is read is printed and read again; a refusal is a short sentence that can be sent."""
    try:
        tree = parse(text)
    except ScimError as error:
        refusal = error.detail
    else:
        assert repr(parse(printed(tree))) == repr(tree)
        return
    assert len(refusal) < 250
    assert refusal.encode()


HOSTILE = {
    "a long word": "x" * 1_000_000,
    "a long value": f'userName eq "{"x" * 1_000_000}"',
    "parentheses": "(" * 3_000,
    "closed parentheses": "(" * 3_000 + "a pr" + ")" * 3_000,
    "negations": "not(" * 3_000,
    "brackets": "emails[" * 3_000,
    "terms": " or ".join(["a pr"] * 3_000),
    "blanks": " " * MAX_LENGTH,
    "quotes": "a eq " + '"' * (MAX_LENGTH - 5),
    "escaped quotes": 'a eq "' + r"\"" * (MAX_LENGTH // 2 - 3),
    "values": 'a eq "' + '" ' * (MAX_LENGTH // 2 - 4) + "x",
    "conjunctions": 'a eq "' + " and" * (MAX_LENGTH // 4 - 3) + '"x"',
    "quotes far apart": 'a eq "b"' + " " * (MAX_LENGTH - 12) + '"c"',
    "colons": "a:" * (MAX_LENGTH // 2 - 1) + "!",
    "dots": "a." * (MAX_LENGTH // 2),
    "a name": "a" * (MAX_LENGTH - 1) + "!",
    "an integer": "a eq " + "1" * (MAX_LENGTH - 6) + "x",
    "a decimal": "a eq 1." + "1" * (MAX_LENGTH - 8) + "x",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_is_answered_within_a_second(text):
    start = time.perf_counter()
    for parse in (parse_filter, parse_path):
        with suppress(ScimError):
            assert printed(parse(text))
    assert time.perf_counter() - start < 1
