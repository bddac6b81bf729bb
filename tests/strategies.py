"""Directories, filters, sorts and PATCH operations drawn at random, for the property tests of scim and store.

Values come from small stocks of what is known to go wrong (letters that fold to several, one instant in two spellings,
numbers that a double cannot hold), so that a filter often meets a value that is really there.
"""

import json
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st

from scim.attributes import Attribute, ResourceType, Target
from scim.document import Document, Representations
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from scim.types import TYPES

ENDPOINT = "https://scim.example.com/scim/acme/v2"
FIELDS = tuple(CustomField(f"{type}Field", type) for type in TYPES)
RFC = profile(PRESETS["rfc"], FIELDS)
LEARNING = profile(PRESETS["360learning"], FIELDS)

USER_IDS = tuple(f"{letter}0000000-0000-4000-8000-00000000000{i}" for i, letter in enumerate("caebdf"))
GROUP_IDS = tuple(f"{letter}1111111-1111-4111-8111-11111111111{i}" for i, letter in enumerate("bdac"))

# Case that folds to more or other letters, composed and decomposed forms, wide and narrow ones; wildcards of LIKE and
# of globs, quotes and escapes; neighbours of the surrogates and the last character; blanks and controls.
TEXTS = (
    *("a", "A", "ab", "Ab", "aB", "b", "ba", "abc", "Z", "z", "10", "9", "0", "-1", "true", "null", "work", "Work"),
    *("é", "e\u0301", "É", "Straße", "STRASSE", "ß", "ẞ", "ſ", "s", "S", "İ", "i\u0307", "ı", "I", "i", "ﬁ", "fi"),
    *("Å", "Å", "å", "ΑΣ", "ας", "ασ", "ᾳ", "α\u0345", "ǰ", "ａ", "ｶﾞ", "ガ", "가", "\u1112\u1161", "ⅷ", "ϐ"),
    *("%", "_", "a%", "a_", "*", "?", "[a]", "\\", '"', 'a"b', "'", "a\\b", "\\u0041", "$", "&amp;"),
    *("\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff", "a\U0010ffff", "\U0010ffff\U0010ffff", "👩‍👩‍👧"),
    *(" ", "a ", " a", "a b", "\t", "\n", "\x01", "\x7f", "\u0085", "\u2028", "\ufeff"),
    *("\u0301", "\u0301\u0327", "\u0327\u0301"),
)  # fmt: skip
REFERENCES = ("https://example.com/a", "https://example.com/A", "https://example.com/é", "https://example.com/e\u0301",
              "urn:a:b", "a", "../A", "mailto:é@example.com", "https://example.com/?q=%25_&r=1")  # fmt: skip
INSTANTS = (
    *("2026-11-23T08:00:00Z", "2026-11-23T09:00:00+01:00", "2026-11-23T08:00:00.000Z", "2026-11-23t08:00:00"),
    *("2026-11-23T08:00:00.123456Z", "2026-11-23T08:00:00.1234567899Z", "2026-11-23T08:00:00.123Z"),
    *("2026-11-22T24:00:00Z", "2026-11-23T00:00:00Z", "2026-11-22T18:00:00-06:00", "2026-11-23T13:45:00+05:45"),
    *("9999-12-31T23:59:59.999999999Z", "0999-06-01T00:00:00Z", "2024-02-29T12:00:00-14:00", "0001-01-01T00:00:00Z"),
    "1969-12-31T23:59:59Z",
)  # fmt: skip
INTEGERS = (0, 1, -1, 9, 10, 42, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, 2**63 - 2, -(2**63) + 1, 10**15)
DECIMALS = (0, 1, -1, 0.1, 0.3, -0.5, 42, 41.5, 1e-7, 1e15, 999999999999999, 123456789.012345, 1e20, 1e300, -1e300,
            1.5e-300, 9007199254740990, 0.000000000000001)  # fmt: skip
BINARIES = ("AA==", "AA", "AQ==", "YWI=", "YWI", "YWJj", "+/8=", "QUE=", "qUE=", "/w==")
CLOCK = tuple(f"2026-11-2{day}T08:00:00.{part}000Z" for day in (1, 3) for part in ("123456", "123000", "124999"))
"""When resources were made and changed, as the store writes it: keys of instants, in microseconds."""

_NUMBERS = {"integer": st.integers(-(2**63) + 1, 2**63 - 1), "decimal": st.integers(-(10**15) + 1, 10**15 - 1)}
_LONG = (255, 256, 257, 300, 10_000)
_SHORTENED = 100


def _exact(mantissa: int, exponent: int) -> float:
    """A decimal of at most 15 digits."""
    return float(f"{mantissa}e{exponent}")


def _stretched(text: str, length: int, tail: str) -> str:
    return (text * length)[:length] + tail


# Characters that no database or JSON text can hold are refused by validation.
_characters = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
_texts = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from(TEXTS),
    st.lists(st.sampled_from(TEXTS), min_size=2, max_size=3).map("".join),
    st.text(_characters, min_size=1, max_size=6),
)
_long_texts = st.builds(
    _stretched, st.sampled_from(TEXTS), st.sampled_from(_LONG), st.sampled_from(("", "a", "b", "é"))
)
_strings = st.integers(0, 24).flatmap(lambda n: _long_texts if n == 0 else _texts)

SIMPLE: dict[str, st.SearchStrategy[Any]] = {
    "string": _strings,
    "boolean": st.booleans(),
    "integer": st.sampled_from(INTEGERS) | _NUMBERS["integer"],
    "decimal": st.sampled_from(DECIMALS) | st.builds(_exact, _NUMBERS["decimal"], st.integers(-290, 290)),
    "dateTime": st.sampled_from(INSTANTS),
    "reference": st.sampled_from(REFERENCES),
    "binary": st.sampled_from(BINARIES),
}
"""The values of each simple type, as validation stores them."""


def values(attribute: Attribute) -> st.SearchStrategy[Any]:
    """What an attribute may hold in a document."""
    single = _elements(attribute) if attribute.type == "complex" else _simple(attribute)
    return st.lists(single, min_size=1, max_size=3).map(_one_primary) if attribute.multi_valued else single


def _simple(attribute: Attribute) -> st.SearchStrategy[Any]:
    if attribute.rule is not None:
        return st.sampled_from(("en", "fr", "FR"))
    if attribute.canonical_values:
        known = attribute.canonical_values
        return st.sampled_from((*known[:2], known[0].upper())) | st.sampled_from(TEXTS)
    strategy = SIMPLE[attribute.type]
    return strategy.map(lambda text: text[:_SHORTENED]) if attribute.max_length is not None else strategy


def _elements(attribute: Attribute) -> st.SearchStrategy[Document]:
    """A complex value with some of its sub-attributes."""
    writable = [sub for sub in attribute.sub_attributes if sub.mutability != "readOnly" and sub.name != "manager"]
    some = st.lists(
        st.sampled_from(writable or attribute.sub_attributes), min_size=1, max_size=4, unique_by=lambda sub: sub.name
    )
    return some.flatmap(lambda chosen: st.fixed_dictionaries({sub.name: values(sub) for sub in chosen}))


def _one_primary(elements: list[Any]) -> list[Any]:
    """The list without a second primary element."""
    seen = False
    for element in elements:
        if isinstance(element, dict) and element.get("primary") is True:
            element["primary"] = not seen
            seen = True
    return elements


def documents(resource_type: ResourceType) -> st.SearchStrategy[Document]:
    """Some attributes of a resource, those apart that are unique or kept elsewhere."""
    apart = {"User": {"userName", "password"}, "Group": {"displayName", "members"}}[resource_type.name]
    chosen = [
        attribute
        for attribute in resource_type.attributes
        if not attribute.computed and not attribute.forbidden and attribute.name not in apart
    ]
    weighted = [*chosen, *(attribute for attribute in chosen if attribute.is_extension)]
    some = st.lists(st.sampled_from(weighted), max_size=10, unique_by=lambda attribute: attribute.name)
    return some.flatmap(
        lambda chosen: st.fixed_dictionaries({attribute.name: values(attribute) for attribute in chosen})
    )


@dataclass(frozen=True)
class Directory:
    """Users and groups, the n-th with the n-th id.

    A manager is a user's number, members are numbers of users and nested ones those of groups; `clock` gives the times
    of each resource.
    """

    users: list[Document]
    managers: list[int | None]
    groups: list[Document]
    members: list[list[int]]
    nested: list[list[int]]
    clock: list[tuple[str, str]] = field(default_factory=list)


@st.composite
def directories(draw: st.DrawFn) -> Directory:
    """A few users, who manage each other, and groups, which hold users and groups before them."""
    users = draw(st.lists(documents(RFC.user), min_size=2, max_size=5))
    groups = draw(st.lists(documents(RFC.group), min_size=draw(st.integers(0, 2)), max_size=4))
    people, names = st.integers(0, len(users) - 1), st.sampled_from(TEXTS)
    return Directory(
        # Numbers in front keep the names apart, however they fold.
        [{"schemas": [CORE_USER], "userName": f"{i}{draw(names)}"} | user for i, user in enumerate(users)],
        [draw(st.none() | people) for _ in users],
        [{"schemas": [CORE_GROUP], "displayName": f"{i}{draw(names)}"} | group for i, group in enumerate(groups)],
        [draw(st.lists(people, max_size=3, unique=True)) for _ in groups],
        [draw(st.lists(st.integers(0, i - 1), max_size=2, unique=True)) if i else [] for i, _ in enumerate(groups)],
        [(draw(st.sampled_from(CLOCK)), draw(st.sampled_from(CLOCK))) for _ in (*users, *groups)],
    )


def asked(resource_type: ResourceType) -> dict[str, Target]:
    """The names of everything that may be filtered, each with what it stands for."""
    return {
        name: target
        for name, target in resource_type.targets.items()
        if not any(attribute.forbidden or attribute.returned == "never" for attribute in target.attributes)
        # Of the old spelling with a dot behind the URN, the grammar reads one name only.
        and name.rpartition(":")[2].count(".") < 2
    }


_URLS = tuple(
    [Representations(RFC.user, ENDPOINT).location(id) for id in USER_IDS[:3]]
    + [Representations(RFC.group, ENDPOINT).location(id) for id in GROUP_IDS[:2]]
)
_IDS = (*USER_IDS[:4], *GROUP_IDS[:3])
_TIMES = (*(f"{time[:23]}Z" for time in CLOCK), *CLOCK, "2026-11-23T09:00:00.123+01:00")
_MANAGER = f"{ENTERPRISE_USER}:manager"
_COMPUTED: dict[str, tuple[str, ...]] = {
    "id": _IDS,
    "schemas": (CORE_USER, CORE_GROUP, ENTERPRISE_USER, RFC.preset.fields_urn, CORE_USER.upper()),
    "meta.resourceType": ("User", "Group", "user"),
    "meta.location": _URLS,
    "meta.version": ('W/"1"', 'W/"2"', "1"),
    "meta.created": _TIMES,
    "meta.lastModified": _TIMES,
    "groups.value": _IDS,
    "groups.$ref": _URLS,
    "groups.type": ("direct", "indirect", "Direct"),
    "members.value": _IDS,
    "members.$ref": _URLS,
    "members.type": ("User", "Group", "user"),
    f"{_MANAGER}.value": _IDS,
    f"{_MANAGER}.$ref": _URLS,
}

Stock = Mapping[str, Sequence[Any]]
"""What there is to compare with, by the name of the target."""


def stock(resource_type: ResourceType, directory: Directory) -> dict[str, Sequence[Any]]:
    """The values that a directory holds, and some that the server computes."""
    bodies = directory.users if resource_type.name == "User" else directory.groups
    names = [body.get("displayName", body.get("userName")) for body in directory.groups or directory.users]
    people = [body.get("displayName", body["userName"]) for body in directory.users]
    found: dict[str, Sequence[Any]] = {
        target.name: held
        for target in asked(resource_type).values()
        if (held := [value for body in bodies for value in held_at(body, target.path)])
    }
    shown = {"groups.display": names, "members.display": people, f"{_MANAGER}.displayName": people}
    known = {target.name for target in asked(resource_type).values()}
    return found | {name: values for name, values in (shown | _COMPUTED).items() if name in known}


def held_at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """The simple values at a path of a document, those of all elements."""
    for inner in value if isinstance(value, list) else [value]:
        if path and isinstance(inner, dict) and path[0] in inner:
            yield from held_at(inner[path[0]], path[1:])
        elif not path and not isinstance(inner, dict):
            yield inner


@st.composite
def filters(draw: st.DrawFn, resource_type: ResourceType, stock: Stock, levels: int = 2) -> str:
    """Filters over every attribute of a resource type, as text; mostly over values that are there."""
    kind = draw(st.integers(0, 9)) if levels else 9
    if kind > 2:
        return draw(_bracketed(resource_type, stock) if kind < 6 else _plain(resource_type, stock))
    inner = filters(resource_type, stock, levels - 1)
    return f"not ({draw(inner)})" if kind == 0 else draw(_joined(inner))


@st.composite
def _joined(draw: st.DrawFn, operands: st.SearchStrategy[str]) -> str:
    word = draw(st.sampled_from((" and ", " or ")))
    return f"({word.join(draw(st.lists(operands, min_size=2, max_size=3)))})"


def _named(resource_type: ResourceType, stock: Stock) -> st.SearchStrategy[tuple[str, Target]]:
    """A name and its target, mostly one that has a value somewhere."""
    named = sorted(asked(resource_type).items())
    return st.sampled_from([pair for pair in named if pair[1].name in stock]) | st.sampled_from(named)


@st.composite
def _plain(draw: st.DrawFn, resource_type: ResourceType, stock: Stock) -> str:
    name, target = draw(_named(resource_type, stock))
    return draw(_comparisons(draw(_spelled(name)), target, stock))


@st.composite
def _bracketed(draw: st.DrawFn, resource_type: ResourceType, stock: Stock) -> str:
    """A value path, alone or with a comparison behind the brackets as Entra writes it."""
    name, target = draw(_named(resource_type, stock))
    if target.container is not None:
        # Brackets follow the attribute itself, not its sub-attribute.
        name, target = name.rpartition(".")[0], target.container
    if "." in name.rpartition(":")[2]:
        name = target.name
    text = f"{draw(_spelled(name))}[{draw(_within(target, stock, 2))}]"
    subs = [sub for sub in _subs(target) if sub.name in stock]
    if not subs or draw(st.booleans()):
        return text
    sub = draw(st.sampled_from(subs))
    return text + draw(_comparisons(f".{sub.attribute.name}", sub, stock))


@st.composite
def _within(draw: st.DrawFn, target: Target, stock: Stock, levels: int) -> str:
    """A filter between the brackets of a target."""
    kind = draw(st.integers(0, 5)) if levels else 5
    if kind < 2:
        inner = _within(target, stock, levels - 1)
        return f"not ({draw(inner)})" if kind == 0 else draw(_joined(inner))
    subs = _subs(target)
    held = [sub for sub in subs if sub.name in stock]
    if not subs:
        return draw(_comparisons(draw(_spelled("value")), target, stock))
    sub = draw(st.sampled_from(held) | st.sampled_from(subs) if held else st.sampled_from(subs))
    return draw(_comparisons(draw(_spelled(sub.attribute.name)), sub, stock))


def _subs(target: Target) -> list[Target]:
    return [Target((*target.attributes, sub)) for sub in target.attribute.sub_attributes]


def _spelled(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from((name, name, name.upper(), string.capwords(name)))


@st.composite
def _comparisons(draw: st.DrawFn, name: str, target: Target, stock: Stock) -> str:
    """A comparison of one name, with any operator that its type knows."""
    simple = target if target.attribute.type != "complex" else target.sub("value")
    if simple is None or draw(st.integers(0, 7)) == 0:
        return f"{name} {draw(st.sampled_from(('pr', 'eq null', 'ne null')))}"
    op = draw(st.sampled_from([*sorted(TYPES[simple.attribute.type].operators), "ne", "eq"]))
    return f"{name} {op} {json.dumps(draw(_literals(simple, stock)), ensure_ascii=False)}"


@st.composite
def _literals(draw: st.DrawFn, target: Target, stock: Stock) -> Any:
    """A value to compare a simple target with: one that is there, a part of it, or any."""
    held = stock.get(target.name)
    any_value = SIMPLE[target.attribute.type]
    value = draw(st.sampled_from(held) if held and draw(st.integers(0, 4)) else any_value)
    if target.attribute.type == "boolean":
        return draw(st.sampled_from((value, str(value))))
    if target.attribute.type not in ("string", "reference"):
        return value
    cut = draw(st.integers(0, min(len(value), 300)))
    return draw(st.sampled_from((value, value, value.upper(), value[:cut], value[cut:])))


def sorts(resource_type: ResourceType, stock: Stock) -> st.SearchStrategy[tuple[str, bool]]:
    """A name to sort by, and whether descending."""
    sortable = lambda pair: pair[1].attribute.type != "complex" or pair[1].sub("value") is not None  # noqa: E731
    return st.tuples(_named(resource_type, stock).filter(sortable).map(lambda pair: pair[0]), st.booleans())


@st.composite
def filtered(draw: st.DrawFn, resource_type: ResourceType) -> tuple[Directory, list[str]]:
    """A directory and filters to ask of it."""
    directory = draw(directories())
    return directory, draw(st.lists(filters(resource_type, stock(resource_type, directory)), min_size=4, max_size=12))


@st.composite
def ordered(draw: st.DrawFn, resource_type: ResourceType) -> tuple[Directory, list[tuple[str, bool]]]:
    """A directory and orders to ask it in."""
    directory = draw(directories())
    return directory, draw(st.lists(sorts(resource_type, stock(resource_type, directory)), min_size=4, max_size=12))


_NOTHING: tuple[Any, ...] = (None, "", [], {})
_JUNK: tuple[Any, ...] = (
    7,
    1.5,
    "x",
    ["x", "y"],
    [[]],
    [None],
    {"value": "x"},
    {"value": None},
    {"foo": 1},
    True,
    "\x00",
)


@st.composite
def operations(draw: st.DrawFn, resource_type: ResourceType, document: Document) -> list[Document]:
    """Operations of a PATCH, most of which can be applied to the document."""
    held = {t.name: list(held_at(document, t.path)) for t in asked(resource_type).values()}
    stock = {name: values for name, values in held.items() if values}
    return draw(st.lists(_operation(resource_type, stock), min_size=1, max_size=4))


@st.composite
def _operation(draw: st.DrawFn, resource_type: ResourceType, stock: Stock) -> Document:
    op = draw(st.sampled_from(("add", "Add", "replace", "Replace", "remove", "Remove")))
    if draw(st.integers(0, 4)) == 0:
        members = draw(st.lists(_change(resource_type, stock), min_size=1, max_size=3))
        return {"op": op, "value": dict(members)}
    path, value = draw(_change(resource_type, stock))
    if op.lower() == "remove" and draw(st.integers(0, 3)):
        return {"op": op, "path": path}
    return {"op": op, "path": path, "value": value}


@st.composite
def _change(draw: st.DrawFn, resource_type: ResourceType, stock: Stock) -> tuple[str, Any]:
    """A path and a value that it may take."""
    name, target = draw(_named(resource_type, stock))
    container = target.container
    if container is not None and container.attribute.multi_valued and draw(st.integers(0, 3)):
        target = container if draw(st.booleans()) else target
        name = container.name
    if target.attribute.type == "complex" or (
        container is not None and target.container is not None and name == container.name
    ):
        return draw(_into_elements(name, target, stock))
    return draw(_spelled(name)), draw(_patch_values(target.attribute))


@st.composite
def _into_elements(draw: st.DrawFn, name: str, target: Target, stock: Stock) -> tuple[str, Any]:
    """A path to a complex attribute, mostly to elements that a filter selects."""
    sub = target.attribute if target.attribute.type != "complex" else None
    outer = target.container if sub is not None and target.container is not None else target
    if sub is None and draw(st.integers(0, 2)) == 0:
        return draw(_spelled(name)), draw(_patch_values(target.attribute))
    path = f"{draw(_spelled(name.removesuffix(f'.{sub.name}') if sub else name))}[{draw(_within(outer, stock, 1))}]"
    if sub is not None:
        return f"{path}.{sub.name}", draw(_patch_values(sub))
    return path, draw(_patch_values(replace(target.attribute, multi_valued=False)))


def _patch_values(attribute: Attribute) -> st.SearchStrategy[Any]:
    """A value for an attribute, or one that unassigns it, or one of the wrong kind."""
    return st.integers(0, 9).flatmap(
        lambda n: st.sampled_from(_NOTHING) if n == 0 else st.sampled_from(_JUNK) if n == 1 else values(attribute)
    )
