"""Requests drawn at random from an OpenAPI document: what its schemas describe, and what is almost that."""

import base64
import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

Json = Any

REFERENCES = ("https://example.com/a?b=%C3%A9#c", "urn:a:b", "a/b", "../Users/x", "mailto:a@example.com")
WORDS = ("a", "A", "é", "ß", "Straße", "%", "_", '"', "\\", "'", "work", "true", "null", "0", "a b", "👩‍👩‍👧", "\x00")
JUNK: tuple[Json, ...] = (
    None, "", [], {}, 0, -1, 1.5, 10**30, True, "x", "\x00", "\ud800", ["x"], [[]], [None], {"value": "x"}, {"foo": 1},
    [{"value": {"value": []}}], "true", "2026-02-30T00:00:00Z", "x" * 600,
)  # fmt: skip
OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "Eq", "like")
TAGS = ("*", 'W/"1"', '"1"', "1", 'W/"9", W/"1"', 'W/"9"', "", ",", '"')

_texts = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_anything = st.sampled_from(JUNK) | _texts | st.integers() | st.floats()


@dataclass(frozen=True)
class Drawing:
    """Draws from one document. `ids` are those of resources that are there."""

    document: dict[str, Json]
    ids: Sequence[str]

    def schema(self, name: str) -> dict[str, Json]:
        """The schema of that name."""
        found: dict[str, Json] = self.document["components"]["schemas"][name]
        return found

    def resolved(self, value: dict[str, Json]) -> dict[str, Json]:
        """What a reference stands for, or the value itself."""
        if not isinstance(value.get("$ref"), str):
            return value
        found: Json = self.document
        for step in value["$ref"].split("/")[1:]:
            found = found[step]
        return dict(found)

    def values(self, schema: dict[str, Json]) -> st.SearchStrategy[Json]:
        """What the schema describes."""
        schema = self.resolved(schema)
        if "const" in schema or "enum" in schema:
            return st.sampled_from(schema.get("enum", [schema.get("const")]))
        match schema.get("type"):
            case "object":
                return self._objects(schema)
            case "array":
                return self._arrays(schema)
            case "string":
                return _strings(schema)
            case "boolean":
                return st.booleans()
            case "integer":
                return st.integers(schema.get("minimum", -9), schema.get("maximum", 99))
            case "number":
                return st.integers(-(10**15) + 1, 10**15 - 1).map(lambda number: number / 1000)
        return _anything

    def _objects(self, schema: dict[str, Json]) -> st.SearchStrategy[Json]:
        """Objects with all that is required and a few of the others; who refers by value and $ref names an id."""
        properties = schema.get("properties", {})
        if {"value", "$ref"} <= properties.keys():
            return st.sampled_from(self.ids).map(lambda id: {"value": id}) if self.ids else st.just({})
        required = [*schema.get("required", ())]
        others = [name for name in properties if name not in required]
        some = st.lists(st.sampled_from(others), max_size=5, unique=True) if others else st.just([])
        return some.flatmap(
            lambda chosen: st.fixed_dictionaries({name: self.values(properties[name]) for name in required + chosen})
        )

    def _arrays(self, schema: dict[str, Json]) -> st.SearchStrategy[Json]:
        if "contains" in schema:
            return st.just([schema["contains"]["const"]]).map(list)
        return st.lists(self.values(schema["items"]), min_size=schema.get("minItems", 0), max_size=3)

    def names(self, type: str) -> dict[str, dict[str, Json]]:
        """Every attribute that may be written of a resource type: its name, and the schema of its value."""
        return dict(self._paths(self.schema(f"New{type}")["properties"]))

    def _paths(self, properties: dict[str, Json], before: str = "") -> Iterator[tuple[str, dict[str, Json]]]:
        for name, schema in properties.items():
            yield before + name, schema
            inner = schema.get("items", schema)
            yield from self._paths(inner.get("properties", {}), before + name + (":" if ":" in name else "."))

    def filters(self, type: str) -> st.SearchStrategy[str]:
        """Filters over the attributes of a type, some of them wrong."""
        return st.recursive(
            st.sampled_from(sorted(self.names(type).items())).flatmap(lambda pair: self._comparisons(*pair)),
            lambda inner: st.one_of(
                st.tuples(inner, st.sampled_from((" and ", " or ", " AND ")), inner).map("".join),
                inner.map(lambda text: f"not ({text})"),
                inner.map(lambda text: f"emails[{text}]"),
            ),
            max_leaves=3,
        ) | _texts  # fmt: skip

    def _comparisons(self, name: str, schema: dict[str, Json]) -> st.SearchStrategy[str]:
        inner = schema.get("items", schema)
        literals = self.values(inner) if inner.get("type") != "object" else _texts
        compared = st.tuples(st.just(name), st.sampled_from(OPERATORS), literals.map(json.dumps)).map(" ".join)
        return st.one_of(compared, compared, st.just(f"{name} pr"), st.just(f'{name} eq "{name}"'))

    def parameters(self, operation: dict[str, Json], type: str) -> st.SearchStrategy[dict[str, str]]:
        """Some of the parameters that an operation has, the one in its path apart."""
        known = {"filter": self.filters(type), "attributes": self._lists(type), "excludedAttributes": self._lists(type)}
        known |= {"sortBy": st.sampled_from(sorted(self.names(type))) | _texts, "cursor": st.just("") | _texts}
        known |= dict.fromkeys(("If-Match", "If-None-Match"), st.sampled_from(TAGS))
        named = [self.resolved(each) for each in operation.get("parameters", ())]
        strategies = {
            each["name"]: known.get(each["name"], self.values(each["schema"]).map(str) | _texts)
            for each in named
            if each["in"] != "path"
        }
        return (
            st.lists(st.sampled_from(sorted(strategies)), max_size=3, unique=True).flatmap(
                lambda chosen: st.fixed_dictionaries({name: strategies[name] for name in chosen})
            )
            if strategies
            else st.just({})
        )

    def _lists(self, type: str) -> st.SearchStrategy[str]:
        names = st.sampled_from([*sorted(self.names(type)), "id", "meta", "groups", "meta.version", "nothing"])
        return st.lists(names, min_size=1, max_size=3).map(",".join) | _texts

    def patches(self, type: str) -> st.SearchStrategy[Json]:
        """PatchOp messages about the attributes of a type."""
        pairs = st.sampled_from(sorted(self.names(type).items()))
        operations = st.lists(pairs.flatmap(lambda pair: self._changes(*pair)), min_size=1, max_size=3)
        message = self.schema("PatchOp")["properties"]
        return st.fixed_dictionaries({"schemas": self.values(message["schemas"]), "Operations": operations})

    def _changes(self, name: str, schema: dict[str, Json]) -> st.SearchStrategy[Json]:
        """Operations on one attribute: by its path, by a path with brackets, or without a path."""
        operation = self.schema("PatchOp")["properties"]["Operations"]["items"]["properties"]
        values = self.values(schema)
        elements = self.values(schema["items"]) if "items" in schema else values
        outer, dot, sub = name.rpartition(".")
        bracketed = f'{outer}[type eq "work"].{sub}' if dot else f'{name}[value eq "a"]'
        forms = st.one_of(
            st.fixed_dictionaries({"path": st.just(name), "value": values}),
            st.fixed_dictionaries({"path": st.just(bracketed), "value": elements}),
            st.fixed_dictionaries({"value": values.map(lambda value: {name: value})}),
            st.just({"path": name}),
        )
        return st.tuples(self.values(operation["op"]), forms).map(lambda pair: {"op": pair[0], **pair[1]})

    def bodies(self, operation: dict[str, Json], type: str) -> st.SearchStrategy[bytes | None]:
        """Bodies for an operation: what its schema describes, the same with a mistake, and what is no JSON at all."""
        content = operation.get("requestBody", {}).get("content", {}).values()
        for each in content:
            name = each["schema"]["$ref"].rpartition("/")[2]
            whole = self.patches(type) if name == "PatchOp" else self.values(each["schema"])
            return st.one_of(whole.map(_bytes), whole.map(_bytes), mutated(whole).map(_bytes), cut(whole))
        return st.none()


def _strings(schema: dict[str, Json]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"].removesuffix("$") + r"\Z")
    if schema.get("format") == "date-time":
        instants = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
        return instants.map(datetime.isoformat)
    if schema.get("format") == "uri-reference":
        return st.sampled_from(REFERENCES)
    if schema.get("contentEncoding") == "base64":
        return st.binary(max_size=9).map(lambda data: base64.b64encode(data).decode())
    texts = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=schema.get("minLength", 0),
        max_size=min(20, schema.get("maxLength", 20)),
    )  # fmt: skip
    return st.sampled_from(schema["examples"]) if "examples" in schema else texts


@st.composite
def mutated(draw: st.DrawFn, whole: st.SearchStrategy[Json]) -> Json:
    """A value with a mistake somewhere in it: something left out, of another type, unknown, or spelled otherwise."""
    value = copy.deepcopy(draw(whole))
    holder = draw(st.sampled_from([*_holders(value)]))
    keys = [*holder] if isinstance(holder, dict) else [*range(len(holder))]
    key = draw(st.sampled_from(keys)) if keys else None
    kind = draw(st.sampled_from(("junk", "junk", "less", "more", "case")))
    if kind == "more" or key is None:
        _add(holder, draw(st.sampled_from(("foo", "displayName", "ID", "", "urn:x:y", "é"))), draw(_anything))
    elif kind == "junk":
        holder[key] = draw(_anything)
    elif kind == "less":
        del holder[key]
    else:
        _add(holder, str(key).swapcase(), holder.pop(key))
    return value


def _holders(value: Json) -> Iterator[Json]:
    """Every object and list of a value, itself first."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _holders(inner)


def _add(holder: Json, key: str, value: Json) -> None:
    if isinstance(holder, dict):
        holder[key] = value
    else:
        holder.append(value)


@st.composite
def cut(draw: st.DrawFn, whole: st.SearchStrategy[Json]) -> bytes:
    """The bytes of a value, cut off or with others in their midst."""
    data = _bytes(draw(whole))
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.sampled_from((b"", b"\xff", b"\x00", b'"', b"{", b"[[", b"\\ud800", b"NaN"))) + data[at:]


def _bytes(value: Json) -> bytes:
    return json.dumps(value).encode()
