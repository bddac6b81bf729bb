"""The operations of a PATCH in normal form: every client quirk is resolved here (RFC 7644 §3.5.2).

An operation in normal form has a lower-case op, a resolved target, a bound filter and a checked value.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from scim.attributes import ResourceType, Target, unknown_key
from scim.binding import Bound, bind
from scim.envelopes import refuse_repeated_keys
from scim.errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, TooLarge
from scim.filter import parse_path
from scim.types import json_type_name
from scim.validation import load_element, load_value

MAX_OPERATIONS = 2_000
"""The most operations that a PATCH may have. One operation of Entra's may name any number of members."""


ABSENT = object()
"""The value of an operation without a value."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One change in normal form. If the path has brackets, `filter` selects elements of `selected`, which is the target
    or the attribute around it. The value is checked: ABSENT only in a remove, None if it unassigns."""

    op: str
    target: Target
    value: Any = ABSENT
    filter: Bound | None = None
    selected: Target | None = None


class Read(NamedTuple):
    """Operations in normal form, in order, and the names of attributes that are accepted but never stored."""

    operations: list[Operation]
    dropped: list[str]


def read_operations(resource_type: ResourceType, operations: Any, id: str) -> Read:
    """The operations of a PatchOp message for the resource with this id. Raises InvalidSyntax, InvalidPath,
    InvalidFilter, InvalidValue, NoTarget, Mutability or TooLarge."""
    if isinstance(operations, dict):
        operations = [operations]
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("Operations must be a list of at least one operation.")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(f"A PATCH has at most {MAX_OPERATIONS} operations, not {len(operations)}.")
    read = Read([], [])
    for operation in operations:
        for each in _read(resource_type, operation, id):
            if each.target.attribute.returned == "never":
                read.dropped.append(each.target.name)
            else:
                read.operations.append(each)
    return read


def _read(resource_type: ResourceType, operation: Any, id: str) -> Iterator[Operation]:
    if not isinstance(operation, dict):
        wanted = "an object with op, path and value"
        raise InvalidSyntax(f"Each of the Operations must be {wanted}, not {json_type_name(operation)}.")
    refuse_repeated_keys(operation)
    members = {key.lower(): value for key, value in operation.items()}
    # Entra writes "Add", "Replace" and "Remove".
    op = str(members.get("op", "")).lower()
    if op not in {"add", "replace", "remove"}:
        raise InvalidSyntax('The op of each operation must be "add", "replace" or "remove".')
    value = members.get("value", ABSENT)
    if op != "remove" and value is ABSENT:
        raise InvalidValue(f'An operation with op "{op}" needs a value.')
    path = members.get("path")
    if path is None or path == "":
        yield from _pathless(resource_type, op, value, id)
    elif not isinstance(path, str):
        raise InvalidPath(f"The path of an operation must be text, not {json_type_name(path)}.")
    else:
        yield _with_path(resource_type, op, path, value)


def _pathless(resource_type: ResourceType, op: str, value: Any, id: str) -> Iterator[Operation]:
    """One operation for each key. Keys may be paths: Entra sends "name.givenName" and URN-qualified names."""
    if op == "remove":
        raise NoTarget("A remove operation needs a path that says what to remove.")
    if not isinstance(value, dict):
        wanted = "an object of attributes as its value"
        raise InvalidValue(f"An operation without a path needs {wanted}, not {json_type_name(value)}.")
    refuse_repeated_keys(value)
    for key, item in value.items():
        if key.lower() not in {"id", "meta", "schemas"}:
            try:
                yield _with_path(resource_type, op, key, item)
            except InvalidPath as error:
                raise InvalidSyntax(error.detail, hint=error.hint) from error
        elif key.lower() == "id" and item != id:
            # Okta sends the id when it renames a group; another id is another resource.
            raise Mutability("id is given by the server and cannot be changed.")


def _with_path(resource_type: ResourceType, op: str, path: str, value: Any) -> Operation:
    target, selected, condition = _resolved(resource_type, path)
    if target.attribute.returned == "never":
        return Operation(op, target)
    if any(attribute.mutability == "readOnly" for attribute in target.attributes):
        raise Mutability(f"{target.name} is read-only: the server sets it.", hint="read-only")
    if target.attribute.mutability == "immutable":
        raise Mutability(f"{target.name} is immutable: remove the element and add the other one.")
    return Operation(op, target, _value(op, target, value, condition is not None), condition, selected)


def _resolved(resource_type: ResourceType, path: str) -> tuple[Target, Target | None, Bound | None]:
    """The target of a path and, with brackets, the attribute in front of them and the filter in them."""
    if path.lower() in resource_type.targets:
        # A known name needs no parser; `resolve` still refuses a forbidden one.
        return resource_type.resolve(path, InvalidPath), None, None
    parsed = parse_path(path)
    selected = resource_type.resolve(parsed.path, InvalidPath)
    if parsed.filter is None:
        return selected, None, None
    if selected.attribute.type != "complex" and not selected.attribute.multi_valued:
        raise InvalidFilter(f"{selected.name} is a single simple value: name it without brackets.")
    condition = bind(resource_type, parsed.filter, selected)
    target = selected.sub(parsed.sub) if parsed.sub else selected
    if target is None:
        raise unknown_key(InvalidPath, f"{selected.name}.{parsed.sub}")
    return target, selected, condition


def _value(op: str, target: Target, value: Any, one_element: bool) -> Any:
    """The checked value. A path with brackets stands for one element, even of a multi-valued attribute."""
    attribute = target.attribute
    if op == "remove":
        # Only Entra's removal of listed elements uses the value (`Remove` on members).
        listed = attribute.multi_valued and not one_element and value is not ABSENT and value is not None
        return (load_value(attribute, value, target.name) or []) if listed else ABSENT
    if value == {} and attribute.type == "complex" and (one_element or not attribute.multi_valued):
        # Merging an empty object changes nothing; only null unassigns the attribute.
        return {}
    if one_element and attribute.multi_valued:
        return load_element(attribute, value[0] if isinstance(value, list) and len(value) == 1 else value, target.name)
    return load_value(attribute, value, target.name, nulls=not attribute.multi_valued)
