"""Which attributes of a resource are returned (RFC 7644 §3.4.2.5, §3.9; `returned` of RFC 7643 §7)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scim.attributes import ResourceType, Target
from scim.errors import InvalidValue

_Names = dict[str, Any]
"""Member names and, under each, the names inside it; a name with nothing under it stands for the whole attribute."""


@dataclass(frozen=True, slots=True)
class Projection:
    """The attributes that a client asks for: only these, or all but these."""

    resource_type: ResourceType
    names: _Names
    excluding: bool

    @classmethod
    def read(
        cls, resource_type: ResourceType, attributes: Iterable[str] | None, excluded: Iterable[str] | None
    ) -> "Projection | None":
        """The projection of the two parameters, None if neither names anything; names come one by one or separated by
        commas. Those that are unknown, forbidden or never returned are ignored. Raises InvalidValue if both are given.
        """
        wanted, unwanted = _given(attributes), _given(excluded)
        if wanted and unwanted:
            raise InvalidValue("attributes and excludedAttributes exclude each other: give one of them.")
        if wanted:
            named = (target.path for target in _targets(resource_type, wanted))
            always = ((attribute.name,) for attribute in resource_type.attributes if attribute.returned == "always")
            return cls(resource_type, _nested([*always, *named]), excluding=False)
        if unwanted:
            named = (t.path for t in _targets(resource_type, unwanted) if t.attributes[0].returned != "always")
            return cls(resource_type, _nested([*named]), excluding=True)
        return None

    def apply(self, resource: dict[str, Any]) -> dict[str, Any]:
        """The part of a whole JSON representation that is returned; complex values left empty are left out."""
        projected: dict[str, Any] = (_without if self.excluding else _only)(resource, self.names)
        return projected

    def takes_only(self, name: str) -> bool:
        """Whether it leaves out this attribute and nothing else."""
        return self.excluding and self.names.keys() == {name} and not self.names[name]

    def wants(self, name: str) -> bool:
        """Whether anything of an attribute, or of an extension named by its URN, is returned and so must be read."""
        target = self.resource_type.targets.get(name.lower())
        names = self.names
        for step in target.path if target else ():
            if step not in names:
                return self.excluding
            names = names[step]
            if not names:
                return not self.excluding
        return target is not None


def _given(parameter: Iterable[str] | None) -> list[str]:
    """The names in a parameter, trimmed."""
    names = (name.strip() for item in parameter or () for name in item.split(","))
    return [name for name in names if name]


def _targets(resource_type: ResourceType, names: Iterable[str]) -> Iterator[Target]:
    """The targets of the names, without those that a client may not see."""
    for name in names:
        target = resource_type.targets.get(name.lower())
        if target and not any(attribute.forbidden or attribute.returned == "never" for attribute in target.attributes):
            yield target


def _nested(paths: list[tuple[str, ...]]) -> _Names:
    """The paths as names inside names; a path inside another one adds nothing."""
    nested: _Names = {}
    whole = set(paths)
    for path in paths:
        if not any(path[:length] in whole for length in range(1, len(path))):
            names = nested
            for step in path:
                names = names.setdefault(step, {})
    return nested


def _only(value: Any, names: _Names) -> Any:
    """The part of a value that the names select, all of it without names; elements left empty are left out."""
    if not names:
        return value
    if isinstance(value, list):
        return [kept for element in value if (kept := _only(element, names))]
    return _filled({name: _only(inner, names[name]) for name, inner in value.items() if name in names})


def _without(value: Any, names: _Names) -> Any:
    """The part of a value that the names do not select; elements left empty are left out."""
    if isinstance(value, list):
        return [kept for element in value if (kept := _without(element, names))]
    left = {name: inner for name, inner in value.items() if names.get(name) != {}}
    return _filled({name: _without(inner, names[name]) if name in names else inner for name, inner in left.items()})


def _filled(document: dict[str, Any]) -> dict[str, Any]:
    """A document without empty complex and multi-valued attributes."""
    return {name: value for name, value in document.items() if value not in ({}, [])}
