"""The grammar of filters and PATCH paths (RFC 7644 §3.4.2.2, §3.5.2)."""

import pytest

from scim.errors import InvalidFilter, InvalidPath
from scim.filter import (
    MAX_DEPTH,
    MAX_DIGITS,
    MAX_LENGTH,
    MAX_LEVELS,
    MAX_TERMS,
    OPERATORS,
    PatchPath,
    parse_filter,
    parse_path,
)
from scim.nodes import And, Compare, Not, Or, Present, ValuePath
from tests.printing import printed

CORE = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def eq(attribute, value):
    return Compare(attribute, "eq", value)


def pr(attribute):
    return Present(attribute)


A, B, C, D = pr("a"), pr("b"), pr("c"), pr("d")
EMAILS = "emails"
WORK = eq("type", "work")

FILTERS = {
    # names, operators and literals
    'userName Eq "John"': eq("userName", "John"),
    'externalID EQ "ABC"': eq("externalID", "ABC"),
    'name.familyName co "O\'Malley"': Compare("name.familyName", "co", "O'Malley"),
    "title PR": pr("title"),
    'members.$ref ew "/42"': Compare("members.$ref", "ew", "/42"),
    '  userName \t eq\n "a"  ': eq("userName", "a"),
    'userName eq"a"': eq("userName", "a"),
    "not eq 1": eq("not", 1),
    "eq eq 1 and pr pr": And(eq("eq", 1), pr("pr")),
    # precedence and groups
    'title pr and userType eq "E" or active eq false': Or(
        And(pr("title"), eq("userType", "E")), eq("active", value=False)
    ),
    "a pr or b pr and c pr": Or(A, And(B, C)),
    "(a pr or b pr) and c pr": And(Or(A, B), C),
    "a pr AND b pr Or c pr": Or(And(A, B), C),
    "((a pr))": A,
    "not(a pr)": Not(A),
    "NOT (a pr)": Not(A),
    "not (a pr) and b pr": And(Not(A), B),
    "not (not(a pr) or b pr)": Not(Or(Not(A), B)),
    "(a pr)and(b pr)": And(A, B),
    "a pr or b pr or c pr or d pr": Or(Or(A, B), Or(C, D)),
    # value paths
    'emails[type eq "work" and value co "@x"]': ValuePath(EMAILS, And(WORK, Compare("value", "co", "@x"))),
    'emails.type eq "work" and emails.value co "@x"': And(
        eq("emails.type", "work"), Compare("emails.value", "co", "@x")
    ),
    'emails [ type eq "work" ] and a pr': And(ValuePath(EMAILS, WORK), A),
    'emails[not (type eq "work") and (primary eq true or display pr)]': ValuePath(
        EMAILS, And(Not(WORK), Or(eq("primary", value=True), pr("display")))
    ),
    'schemas[value eq "urn:x"]': ValuePath("schemas", eq("value", "urn:x")),
    f'{ENTERPRISE}:tags[value eq "x"]': ValuePath(f"{ENTERPRISE}:tags", eq("value", "x")),
    # qualified names
    f'{CORE}:name.familyName co "O\'Malley"': Compare(f"{CORE}:name.familyName", "co", "O'Malley"),
    'URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:department eq "X"': Compare(
        "URN:IETF:params:scim:schemas:extension:enterprise:2.0:user:department", "eq", "X"
    ),
    f"{ENTERPRISE} pr": Present(ENTERPRISE),
    f'{ENTERPRISE}.department eq "X"': Compare(f"{ENTERPRISE}.department", "eq", "X"),
}


@pytest.mark.parametrize(("text", "tree"), FILTERS.items())
def test_a_filter_becomes_its_tree(text, tree):
    assert parse_filter(text) == tree
    assert repr(parse_filter(text)) == repr(tree)


@pytest.mark.parametrize("text", FILTERS)
def test_a_tree_prints_as_a_filter_that_is_read_back(text):
    tree = parse_filter(text)
    assert repr(parse_filter(printed(tree))) == repr(tree)


@pytest.mark.parametrize("op", [op for op in OPERATORS if op != "pr"])
def test_every_operator_is_read_in_any_case(op):
    assert parse_filter(f'a {op} "x"') == parse_filter(f'a {op.upper()} "x"') == Compare("a", op, "x")


VALUES = {
    r'"a\"b\\c\u00e9"': 'a"b\\cé',
    r'"\b\f\n\r\t\/"': "\b\f\n\r\t/",
    r'"\ud83d\ude00"': "😀",
    '"😀 Straße [x] (y) and z"': "😀 Straße [x] (y) and z",
    '"100%_"': "100%_",
    '""': "",
    "true": True,
    "FALSE": False,
    "True": True,
    "Null": None,
    "0": 0,
    "-12": -12,
    "9" * MAX_DIGITS: 10**MAX_DIGITS - 1,
    "1.0": 1.0,
    "1e3": 1000.0,
    "-2.5E-3": -0.0025,
}


@pytest.mark.parametrize(("text", "value"), VALUES.items())
def test_a_value_is_a_json_literal(text, value):
    tree = parse_filter(f"a eq {text}")
    assert isinstance(tree, Compare)
    assert (tree.operand, type(tree.operand)) == (value, type(value))


def test_true_and_one_are_different_values():
    trees = {repr(parse_filter(text)) for text in ("a eq true", "a eq 1", "a eq 1.0")}
    assert len(trees) == 3
    assert eq("a", 1) != pr("a")


# The comparison behind the brackets, and the form of RFC 7644 with the comparison inside them.
SAME_ELEMENT = {
    'emails[type eq "work"].value eq "x"': 'emails[type eq "work" and value eq "x"]',
    'emails[type eq "work"] eq "x"': 'emails[type eq "work" and value eq "x"]',
    'emails[type eq "work"].value SW "x"': 'emails[type eq "work" and value sw "x"]',
    'emails[type eq "work"].display pr': 'emails[type eq "work" and display pr]',
    'emails[type eq "work"] pr': 'emails[type eq "work"]',
    'emails[type eq "work"].value ne "x"': 'not (emails[type eq "work" and value eq "x"])',
    'emails[type eq "work"].value eq null': 'not (emails[type eq "work" and value pr])',
    'emails[type eq "work"].value ne null': 'emails[type eq "work" and value pr]',
    'emails[type eq "work" or a pr].value eq "x"': 'emails[(type eq "work" or a pr) and value eq "x"]',
    'emails[a pr and b pr].value eq "x" and c pr': 'emails[a pr and b pr and value eq "x"] and c pr',
    'a pr or emails[b pr].value eq "x"': 'a pr or emails[b pr and value eq "x"]',
}


@pytest.mark.parametrize(("behind", "inside"), SAME_ELEMENT.items())
def test_a_comparison_behind_the_brackets_is_of_the_same_element(behind, inside):
    assert parse_filter(behind) == parse_filter(inside)
    assert printed(parse_filter(behind)) == inside


# What each refusal says, so that an administrator can correct the filter.
REFUSALS = {
    "": "The filter ends too early: an attribute is expected",
    " ": "ends too early",
    "userName": "is followed by an operator, one of eq, ne, co",
    "userName eq": "put the value in double quotes",
    'a eq "x" and': "ends too early: an attribute is expected",
    "userName eq a": "at character 13, 'a': put the value in double quotes",
    "userName eq 'a'": "put the value in double quotes",
    "externalId eq jyoung and a pr": "at character 15, 'jyoung': put the value in double quotes",
    "not title pr": "not is followed by parentheses",
    'userName like "x"': "at character 10, 'like': the attribute is followed by an operator, one of eq, ne",
    'a eq "x" b eq 1': 'joined by "and" or "or"',
    "a pr)": "close only brackets that were opened",
    "(a pr": ") is expected",
    "(a pr]": ") is expected",
    "()": "an attribute is expected",
    "emails[a pr": "] is expected",
    "emails[]": "an attribute is expected",
    "emails[0]": "an attribute is expected",
    'emails[type eq "work" and emails[primary eq true]]': "cannot hold other brackets",
    'emails[a pr and b[c pr].d eq "x"]': "cannot hold other brackets",
    "emails.value[a pr]": "not its sub-attribute",
    "emails[a pr].b.c pr": "cannot be read at character 13, '.b.c'",
    '"userName" eq "a"': "an attribute is expected",
    'a.b.c eq "x"': "an attribute is expected",
    "1a pr": "an attribute is expected",
    "a$b pr": "an attribute is expected",
    "naïve pr": "an attribute is expected",
    "urn:x:2.0 pr": "an attribute is expected",
    'a eq "x': "a value ends with a double quote",
    'a pr and b eq "\\x"': "a value ends with a double quote",
    'a pr and b eq "\t"': "a value ends with a double quote",
    r'a eq "\ud83d"': "half a character",
    r'a eq "\ude00\ud83d"': "half a character",
    'a eq "\ud83d"': "half a character",
    "a eq NaN": "put the value in double quotes",
    "a eq Infinity": "put the value in double quotes",
    "a eq 01": "put the value in double quotes",
    "a eq +1": "put the value in double quotes",
    "a eq .5": "put the value in double quotes",
    "a eq 1.": "put the value in double quotes",
    "a eq ٣": "put the value in double quotes",
    "a eq 1e999": "too large",
    "a eq -" + "9" * (MAX_DIGITS + 1): "at most 40 digits",
}


@pytest.mark.parametrize(("text", "sentence"), REFUSALS.items())
def test_a_broken_filter_is_refused_with_a_sentence_that_says_how_to_correct_it(text, sentence):
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text)
    assert sentence in refusal.value.detail
    assert refusal.value.detail.endswith(".")


def test_a_refusal_repeats_little_of_the_text_and_nothing_that_cannot_be_sent():
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter("a eq " + "\ud83d\u202e" * 1000)
    assert len(refusal.value.detail) < 200
    assert refusal.value.detail.replace("…", "").isascii()


UNESCAPED = {
    'displayName eq "The "A" team"': eq("displayName", 'The "A" team'),
    'externalId eq "CONTOSO\\adele"': eq("externalId", "CONTOSO\\adele"),
    'displayName EQ "rock "and" roll"': eq("displayName", 'rock "and" roll'),
    'name.familyName eq "O"Neil" ': eq("name.familyName", 'O"Neil'),
    'displayName eq "C:\\"': eq("displayName", "C:\\"),
    f'{ENTERPRISE}:department eq "R"D"': Compare(f"{ENTERPRISE}:department", "eq", 'R"D'),
}


@pytest.mark.parametrize(("text", "tree"), UNESCAPED.items())
def test_a_lone_eq_is_read_from_the_first_quote_to_the_last(text, tree):
    assert parse_filter(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "a" and title eq b"',
        'userName eq "a" OR x "b"',
        'userName eq "a and "b""',
        'userName eq "a"b',
        'userName co "a"b"',
        'emails[type eq "work"].value eq "a"b"',
        'userName eq "a',
        r'userName eq "a"b\ud83d"',
        'userName eq "a"b\ud83d"',
    ],
)
def test_no_other_broken_filter_is_guessed_at(text):
    with pytest.raises(InvalidFilter):
        parse_filter(text)


def test_a_strict_reading_comes_before_the_lenient_one():
    assert parse_filter(r'a eq "\"x\" \\y"') == eq("a", '"x" \\y')
    assert parse_filter('a eq "x" and b eq "y"') == And(eq("a", "x"), eq("b", "y"))


PATHS = {
    "displayName": PatchPath("displayName"),
    "name.givenName": PatchPath("name.givenName"),
    'members[value eq "1"]': PatchPath("members", eq("value", "1")),
    'members[value eq"1"]': PatchPath("members", eq("value", "1")),
    'addresses[type eq "work"].streetAddress': PatchPath("addresses", WORK, "streetAddress"),
    'emails[not (type eq "work")].$ref': PatchPath("emails", Not(WORK), "$ref"),
    f"{CORE}:name.familyName": PatchPath(f"{CORE}:name.familyName"),
    f"{ENTERPRISE}:manager.value": PatchPath(f"{ENTERPRISE}:manager.value"),
    f'{CORE}:emails[type eq "work"].value': PatchPath(f"{CORE}:emails", WORK, "value"),
    ENTERPRISE: PatchPath(ENTERPRISE),
    f"{ENTERPRISE}.employeeNumber": PatchPath(f"{ENTERPRISE}.employeeNumber"),
}


@pytest.mark.parametrize(("text", "path"), PATHS.items())
def test_a_patch_path_names_its_target(text, path):
    assert parse_path(text) == path
    assert parse_path(printed(path)) == path


@pytest.mark.parametrize("text", [ENTERPRISE, f"{ENTERPRISE}.manager", f"{CORE}:name.givenName", "$ref", "a-b_c.D9"])
def test_a_name_gives_back_its_whole_text(text):
    assert parse_path(text) == PatchPath(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "/emails",
            "name..x",
            "name.",
            ".x",
            "a.b.c",
            "a b",
            "urn:x:",
            "name eq 1",
            "a,b",
            "a]",
            '"a"',
            "[a pr]",
        ),
        *("emails.x[a pr]", "emails[a pr]x", "emails[a pr].", "emails[a pr].b.c", "emails[a pr][b pr]"),
        "emails[a pr].b eq 1",
    ],
)
def test_a_malformed_path_is_an_invalid_path(text):
    with pytest.raises(InvalidPath):
        parse_path(text)


@pytest.mark.parametrize(
    "text",
    [
        *("emails[0]", "emails[]", 'emails[type eq "work"', "emails[type eq work]", "emails[a pr and b[c pr]].d"),
        "emails[a pr b pr]",
        f"emails[{'(' * MAX_DEPTH}a pr{')' * MAX_DEPTH}]",
    ],
)
def test_a_fault_between_the_brackets_of_a_path_is_an_invalid_filter(text):
    with pytest.raises(InvalidFilter):
        parse_path(text)


def nested(depth, opening="(", closing=")"):
    return opening * depth + "a pr" + closing * depth


def test_a_text_of_the_greatest_length_is_read_and_a_longer_one_refused():
    filling = "x" * (MAX_LENGTH - len('a eq ""'))
    assert parse_filter(f'a eq "{filling}"') == eq("a", filling)
    with pytest.raises(InvalidFilter, match="at most 65536"):
        parse_filter(f'a eq "{filling}x"')
    with pytest.raises(InvalidPath, match="at most 65536"):
        parse_path("a" * (MAX_LENGTH + 1))


def test_parentheses_are_read_to_the_greatest_depth():
    assert parse_filter(nested(MAX_DEPTH)) == A
    with pytest.raises(InvalidFilter, match="at most 50 deep"):
        parse_filter(nested(MAX_DEPTH + 1))


def test_a_tree_has_at_most_so_many_levels():
    assert parse_filter(nested(MAX_LEVELS, "not("))
    assert parse_filter(nested(MAX_LEVELS, "(", " or b pr)"))
    with pytest.raises(InvalidFilter, match="17 levels deep: simplify it to at most 16"):
        parse_filter(nested(MAX_LEVELS + 1, "not("))
    with pytest.raises(InvalidFilter, match="17 levels deep"):
        parse_path(f"emails[{nested(MAX_LEVELS + 1, '(', ' or b pr)')}].value")


@pytest.mark.parametrize("word", [" or ", " and "])
def test_a_chain_has_at_most_so_many_terms_and_is_shallow(word):
    text = word.join(["a pr"] * MAX_TERMS)
    assert parse_filter(f"emails[{text}]") == ValuePath(EMAILS, parse_filter(text))
    assert printed(parse_filter(text)) == text
    with pytest.raises(InvalidFilter, match="at most 200 comparisons"):
        parse_filter(text + word + "a pr")
