"""Attributes, and the one function that resolves their names (RFC 7643 §2, §7; RFC 7644 §3.10)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from re import Pattern
from typing import Any

from scim.compare import COMPARISONS
from scim.errors import ScimError
from scim.types import TYPES

FORBIDDEN_KEY = "Invalid or forbidden key found: {}"
"""What a refusal says of a key that is unknown or that the preset forbids. Nothing follows it: administrators search
for this sentence."""

MEMBER = frozenset({"value", "$ref", "type", "display"})
"""The sub-attributes of `members`. A membership is a row of its own, which cannot hold others."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must look like beyond its type: a pattern, and what messages say where it does not."""

    pattern: Pattern[str]
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute with its characteristics (RFC 7643 §2.2, §7). An extension is a complex attribute named by its URN.

    `forbidden`: known, so that it can be named as the schema spells it, but refused and not published.
    `computed`: the server makes it from other resources, so it is not part of the stored document.
    `identifies`: holds the user's identifier, which a client cannot remove.
    `default`: stored where the client gives nothing.
    `hint`: the key of the hint for a value that is refused, or for the attribute where it is forbidden (scim.hints).
    `ignored`: keys of an element, in lower case, that clients are known to add and that have no meaning.
    `compare`: the rule by which text is compared, a key of `scim.compare.COMPARISONS`; without it, caseExact decides.
    `cache`: what other modules built from it once, for as long as the attribute exists.
    """

    name: str
    type: str = "string"
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    uniqueness: str = "none"
    canonical_values: tuple[str, ...] = ()
    reference_types: tuple[str, ...] = ()
    sub_attributes: tuple["Attribute", ...] = ()
    description: str = ""
    max_length: int | None = None
    max_elements: int | None = None
    rule: Rule | None = None
    default: object = None
    forbidden: bool = False
    computed: bool = False
    identifies: bool = False
    compare: str | None = None
    hint: str | None = None
    ignored: frozenset[str] = frozenset()
    cache: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    @property
    def is_extension(self) -> bool:
        """Whether this is the container of a schema extension (RFC 7643 §3.3)."""
        return ":" in self.name

    def sub(self, name: str) -> "Attribute | None":
        """The sub-attribute of that name, in any letter case."""
        lowered = name.lower()
        return next((attribute for attribute in self.sub_attributes if attribute.name.lower() == lowered), None)


@dataclass(frozen=True, eq=False)
class Target:
    """What a resolved name stands for: the attributes on the way from the resource to it. `emails.value` is (emails,
    value); `urn:…:enterprise:2.0:User:manager.value` is (the extension, manager, value). What follows from them is
    worked out once, since every search and every PATCH asks for it."""

    attributes: tuple[Attribute, ...]

    def __repr__(self) -> str:
        return f"<{self.name}>"

    @cached_property
    def attribute(self) -> Attribute:
        """The last attribute of the name."""
        return self.attributes[-1]

    @cached_property
    def name(self) -> str:
        """The name as the schema spells it, qualified where it belongs to an extension."""
        first, *rest = self.path
        separator = ":" if self.attributes[0].is_extension else "."
        return first + separator + ".".join(rest) if rest else first

    @cached_property
    def path(self) -> tuple[str, ...]:
        """The member names that lead to the value in a document."""
        return tuple(attribute.name for attribute in self.attributes)

    @cached_property
    def container(self) -> "Target | None":
        """The complex or multi-valued attribute this is a sub-attribute of, extensions not counted."""
        *outer, _ = self.attributes
        return Target(tuple(outer)) if outer and not outer[-1].is_extension else None

    @cached_property
    def multi_valued(self) -> bool:
        """Whether the walk meets a multi-valued attribute, so that there may be several values."""
        return any(attribute.multi_valued for attribute in self.attributes)

    @cached_property
    def is_returned(self) -> bool:
        """Whether a client may see the value, and so filter by it."""
        return all(attribute.returned != "never" for attribute in self.attributes)

    def sub(self, name: str) -> "Target | None":
        """The sub-attribute of that name, in any letter case, as a target; None where there is none."""
        return self._subs.get(name.lower())

    @cached_property
    def _subs(self) -> "dict[str, Target]":
        subs = self.attribute.sub_attributes
        return {attribute.name.lower(): Target((*self.attributes, attribute)) for attribute in subs}


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema or schema extension: a URN and its attributes (RFC 7643 §7). `short`: its attributes may also be named
    without the URN, as Microsoft's documentation does with `manager`. Raises ValueError for an attribute that could not
    be served, so that a wrong table is refused at start."""

    id: str
    name: str
    description: str
    attributes: tuple[Attribute, ...]
    short: bool = False

    def __post_init__(self) -> None:
        for attribute in self.attributes:
            _check(attribute)


def _check(attribute: Attribute) -> None:
    if attribute.type not in TYPES and attribute.type != "complex":
        raise ValueError(f"{attribute.name} is of type {attribute.type}, which scim.types does not have.")
    if attribute.compare is not None and attribute.compare not in COMPARISONS:
        raise ValueError(f"{attribute.name} compares as {attribute.compare}, which scim.compare does not have.")
    subs = {each.name for each in attribute.sub_attributes}
    if attribute.name == "members" and attribute.type == "complex" and subs != MEMBER:
        raise ValueError(f"members must have the sub-attributes {', '.join(sorted(MEMBER))} and no others.")
    for sub_attribute in attribute.sub_attributes:
        _check(sub_attribute)


@dataclass(frozen=True, eq=False)
class ResourceType:
    """A resource type: its endpoint, schema and extensions (RFC 7643 §6), and the names of all its attributes.

    `by_preset`: the preset decides on its attributes, and a tenant's custom fields are one of its extensions.
    `cache`: what other modules built from it once, for as long as the type exists.
    """

    name: str
    endpoint: str
    description: str
    schema: Schema
    extensions: tuple[Schema, ...] = ()
    tolerated_schemas: frozenset[str] = frozenset()
    by_preset: bool = False
    common: tuple[Attribute, ...] = ()
    cache: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    @cached_property
    def containers(self) -> tuple[Attribute, ...]:
        """The extensions as complex attributes named by their URN."""
        # scim2-client repeats an extension's URN as `schemas` inside the extension.
        ignored = frozenset({"schemas"})
        return tuple(
            Attribute(each.id, "complex", sub_attributes=each.attributes, description=each.description, ignored=ignored)
            for each in self.extensions
        )

    @cached_property
    def attributes(self) -> tuple[Attribute, ...]:
        """Every attribute of a resource in the order in which documents carry them: common, core, extensions."""
        return (*self.common, *self.schema.attributes, *self.containers)

    @cached_property
    def urns(self) -> dict[str, str]:
        """The schema URNs of this type: lower case -> as the schema spells it."""
        return {schema.id.lower(): schema.id for schema in (self.schema, *self.extensions)}

    def takes(self, urn: str) -> bool:
        """Whether `schemas` may hold the URN, which may be one that clients are known to add."""
        return urn.lower() in self.urns or urn.lower() in self.tolerated_schemas

    @cached_property
    def targets(self) -> dict[str, Target]:
        """Every name in lower case, short and qualified, and what it stands for."""
        targets: dict[str, Target] = {}
        for container, schema in zip(self.containers, self.extensions, strict=True):
            urn = schema.id.lower()
            targets[urn] = Target((container,))
            for target in _walk((container,)):
                name = target.name.lower()
                short = name.removeprefix(f"{urn}:")
                # Entra jobs made before December 2018 put a dot between the extension's URN and the attribute.
                targets[name] = targets[f"{urn}.{short}"] = target
                if schema.short:
                    targets[short] = target
        for attribute in (*self.schema.attributes, *self.common):
            for target in (Target((attribute,)), *_walk((attribute,))):
                targets[target.name.lower()] = target
                targets[f"{self.schema.id}:{target.name}".lower()] = target
        return targets

    def resolve(self, name: str, error: type[ScimError]) -> Target:
        """What `name` stands for, in any letter case, with or without its schema's URN (RFC 7644 §3.10). Raises `error`
        for an unknown name, spelled as the client sent it, and for a forbidden one, spelled as in the schema."""
        target = self.targets.get(name.lower())
        if target is None:
            raise unknown_key(error, name)
        for attribute in target.attributes:
            if attribute.forbidden:
                raise forbidden_key(error, attribute)
        return target


def unknown_key(error: type[ScimError], name: str) -> ScimError:
    """The refusal of a key that is unknown, named as the client sent it."""
    return error(FORBIDDEN_KEY.format(name[:200]), hint="undeclared field" if is_custom_field(name) else "unknown key")


def forbidden_key(error: type[ScimError], attribute: Attribute) -> ScimError:
    """The refusal of a key that the preset forbids, named as the schema spells it."""
    return error(FORBIDDEN_KEY.format(attribute.name), hint=attribute.hint or "unknown key")


def is_custom_field(name: str) -> bool:
    """Whether the name is that of a custom field or of their schema, declared or not."""
    return name.lower().startswith("urn:ietf:params:scim:schemas:extension:360learning:")


def _walk(outer: tuple[Attribute, ...]) -> Iterator[Target]:
    """Every target below an attribute."""
    for attribute in outer[-1].sub_attributes:
        target = Target((*outer, attribute))
        yield target
        yield from _walk(target.attributes)
