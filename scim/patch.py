"""PATCH: operations brought to a normal form, and applied to a document (RFC 7644 §3.5.2).

`read_operations` ends every client quirk: after it an operation has a lower-case op, a resolved target, a bound filter
and a checked value. `apply` is pure: a new document, the old one untouched.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scim import binding, match
from scim.attributes import FORBIDDEN_KEY, Attribute, ResourceType, Target
from scim.envelopes import refuse_repeated_keys
from scim.errors import InvalidFilter, InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget, TooLarge
from scim.filter import parse_path
from scim.keys import keys
from scim.nodes import And, Compare
from scim.validation import check_elements, json_type_name, load_element, load_value

Document = dict[str, Any]

MAX_OPERATIONS = 2_000
"""How many operations a PATCH has at most. A member operation of Entra's may name any number of members."""

MAX_EFFORT = 100_000
"""How many elements the operations of a PATCH go through at most, each time counted: they cost microseconds each."""

_OPS = ("add", "replace", "remove")
_SERVER_KEYS = frozenset({"id", "meta", "schemas"})


class Absent:
    """The type of the value that an operation without a value has."""


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Operation:
    """One change in normal form.

    `target` is what is changed; `filter`, where the path has brackets, selects the elements of `selected`, which is the
    target itself or the attribute around it. `value` is checked: ABSENT only in a remove, None where it unassigns.
    """

    op: str
    target: Target
    value: Any = ABSENT
    filter: binding.Bound | None = None
    selected: Target | None = None


def read_operations(resource_type: ResourceType, operations: Any, id: str, dropped: list[str]) -> list[Operation]:
    """The operations of a PatchOp message for the resource with this id, in order, in normal form.

    The names of attributes that are accepted but never stored are added to `dropped`. Raises InvalidSyntax,
    InvalidPath, InvalidFilter, InvalidValue, NoTarget or Mutability.
    """
    if isinstance(operations, dict):
        operations = [operations]
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax("Operations must be a list of at least one operation.")
    if len(operations) > MAX_OPERATIONS:
        raise TooLarge(f"A PATCH has at most {MAX_OPERATIONS} operations, not {len(operations)}.")
    return [read for operation in operations for read in _read(resource_type, operation, id, dropped)]


def _read(resource_type: ResourceType, operation: Any, id: str, dropped: list[str]) -> Iterator[Operation]:
    if not isinstance(operation, dict):
        raise InvalidSyntax(
            f"Each of the Operations must be an object with op, path and value, not {json_type_name(operation)}."
        )
    refuse_repeated_keys(operation)
    members = {key.lower(): value for key, value in operation.items()}
    # Entra writes "Add", "Replace" and "Remove".
    op = str(members.get("op", "")).lower()
    if op not in _OPS:
        raise InvalidSyntax('The op of each operation must be "add", "replace" or "remove".')
    value = members.get("value", ABSENT)
    if op != "remove" and value is ABSENT:
        raise InvalidValue(f'An operation with op "{op}" needs a value.')
    path = members.get("path")
    if path is None or path == "":
        yield from _pathless(resource_type, op, value, id, dropped)
    elif not isinstance(path, str):
        raise InvalidPath(f"The path of an operation must be text, not {json_type_name(path)}.")
    else:
        yield from _with_path(resource_type, op, path, value, dropped)


def _pathless(resource_type: ResourceType, op: str, value: Any, id: str, dropped: list[str]) -> Iterator[Operation]:
    """One operation for each key. Keys may be paths: Entra sends "name.givenName" and URN-qualified names."""
    if op == "remove":
        raise NoTarget("A remove operation needs a path that says what to remove.")
    if not isinstance(value, dict):
        raise InvalidValue(
            f"An operation without a path needs an object of attributes as its value, not {json_type_name(value)}."
        )
    refuse_repeated_keys(value)
    for key, item in value.items():
        if key.lower() not in _SERVER_KEYS:
            try:
                yield from _with_path(resource_type, op, key, item, dropped)
            except InvalidPath as error:
                raise InvalidSyntax(error.detail) from error
        elif key.lower() == "id" and item != id:
            # Okta renames groups with the id inside; another id is another resource.
            raise Mutability("id is given by the server and cannot be changed.")


def _with_path(resource_type: ResourceType, op: str, path: str, value: Any, dropped: list[str]) -> Iterator[Operation]:
    target, selected, condition = _resolved(resource_type, path)
    if target.attribute.returned == "never":
        dropped.append(target.name)
        return
    if any(attribute.mutability == "readOnly" for attribute in target.attributes):
        raise Mutability(f"{target.name} is read-only: the server sets it.")
    if target.attribute.mutability == "immutable":
        raise Mutability(f"{target.name} is immutable: remove the element and add the other one.")
    yield Operation(op, target, _value(op, target, value, condition is not None), condition, selected)


def _resolved(resource_type: ResourceType, path: str) -> tuple[Target, Target | None, binding.Bound | None]:
    """Where a path leads: its target and, with brackets, the attribute whose elements the filter selects."""
    if path.lower() in resource_type.targets:
        # A name that is known as it stands needs no grammar; the gate still refuses what is forbidden.
        return resource_type.resolve(path, InvalidPath), None, None
    parsed = parse_path(path)
    if parsed.filter is None:
        return resource_type.resolve(parsed.path.text, InvalidPath), None, None
    outer = parsed.path.text.removesuffix(f".{parsed.path.sub}") if parsed.path.sub else parsed.path.text
    selected = resource_type.resolve(outer, InvalidPath)
    if selected.attribute.type != "complex" and not selected.attribute.multi_valued:
        raise InvalidFilter(f"{selected.name} is a single simple value: name it without brackets.")
    condition = binding.bind(resource_type, parsed.filter, selected)
    target = selected.sub(parsed.path.sub) if parsed.path.sub else selected
    if target is None:
        raise InvalidPath(FORBIDDEN_KEY.format(f"{selected.name}.{parsed.path.sub}"[:200]))
    return target, selected, condition


def _value(op: str, target: Target, value: Any, one_element: bool) -> Any:
    """The checked value. What a path with brackets points at is one element, even of a multi-valued attribute."""
    attribute = target.attribute
    if op == "remove":
        # Only Entra's removal of listed elements has a use for the value (`Remove` on members).
        listed = attribute.multi_valued and not one_element and value is not ABSENT and value is not None
        return (load_value(attribute, value, target.name) or []) if listed else ABSENT
    if value == {} and attribute.type == "complex" and (one_element or not attribute.multi_valued):
        # Merging nothing changes nothing; only null takes the attribute away.
        return {}
    if one_element and attribute.multi_valued:
        return load_element(attribute, value[0] if isinstance(value, list) and len(value) == 1 else value, target.name)
    return load_value(attribute, value, target.name, nulls=not attribute.multi_valued)


def apply(resource_type: ResourceType, document: Document, operations: Iterable[Operation]) -> Document:
    """A new document: the operations applied in order, each to what the one before left (RFC 7644 §3.5.2).

    Raises NoTarget, Mutability or InvalidValue; required attributes are the caller's to check, at the end.
    """
    changed = tidied(document)
    effort = 0
    for operation in operations:
        attribute = operation.target.attributes[0]
        if attribute.name == "schemas":
            _apply_schemas(resource_type, changed, operation)
            continue
        _apply(changed, operation)
        _tidy_member(changed, attribute)
        effort += _elements(changed, attribute)
        if effort > MAX_EFFORT:
            raise TooLarge(f"The operations go through more than {MAX_EFFORT} elements: send fewer in one request.")
    return changed


def _tidy_member(document: Document, attribute: Attribute) -> None:
    """Tidy what an operation has touched; the rest is tidy. A list that grew too long ends here, not after the last."""
    tidy = _tidy(document.get(attribute.name))
    if tidy in (None, "", [], {}):
        document.pop(attribute.name, None)
    else:
        document[attribute.name] = tidy
    check_elements(attribute, document)


def _elements(document: Document, attribute: Attribute) -> int:
    """Of how many elements an operation on the attribute has to think."""
    return len(document.get(attribute.name, ())) if attribute.multi_valued else 0


def tidied(value: Document) -> Document:
    """The document without what counts as unassigned: null, "", [] and {} (RFC 7643 §2.5), at any depth, and without
    elements that are there already (RFC 7643 §2.4)."""
    return {name: tidy for name, item in value.items() if (tidy := _tidy(item)) not in (None, "", [], {})}


def _tidy(item: Any) -> Any:
    if isinstance(item, dict):
        return tidied(item)
    if isinstance(item, list):
        tidy = (_tidy(element) for element in item)
        # Sub-attributes are simple (RFC 7643 §2.3.8), so that what an element holds can be compared as a set.
        return list({frozenset(element.items()): element for element in tidy if element}.values())
    return item


def _apply(document: Document, operation: Operation) -> None:
    target = operation.target
    removed = operation.op == "remove" and operation.filter is None
    if removed and target.attribute.required and not target.attribute.identifies:
        raise Mutability(f"{target.name} is required and cannot be removed.")
    selected = operation.selected or _plural_around(target)
    if selected is not None:
        _apply_to_elements(_holder(document, selected), operation, selected)
    elif target.attribute.multi_valued:
        _apply_to_list(_holder(document, target), operation)
    elif operation.op == "remove":
        _holder(document, target).pop(target.attribute.name, None)
    else:
        _assign(_holder(document, target), target.attribute, operation.value)


def _plural_around(target: Target) -> Target | None:
    """The multi-valued attribute that a path without brackets reaches into, as `emails.type` does."""
    container = target.container
    return container if container is not None and container.attribute.multi_valued else None


def _holder(document: Document, target: Target) -> Document:
    """The object that has the target as a member, made where it is missing."""
    holder = document
    for name in target.path[:-1]:
        holder = holder.setdefault(name, {})
    return holder


def _assign(holder: Document, attribute: Attribute, value: Any) -> None:
    """Set a value; an object is merged into the one that is there, None unassigns (RFC 7644 §3.5.2.1, §3.5.2.3)."""
    if value is None:
        holder.pop(attribute.name, None)
    elif attribute.type == "complex" and not attribute.multi_valued:
        inner = holder.setdefault(attribute.name, {})
        for sub in attribute.sub_attributes:
            if sub.name in value:
                _assign(inner, sub, value[sub.name])
    else:
        holder[attribute.name] = value


def _apply_to_list(holder: Document, operation: Operation) -> None:
    """Add to, replace or remove from a multi-valued attribute as a whole."""
    attribute, value = operation.target.attribute, operation.value
    elements = holder.get(attribute.name, [])
    if operation.op == "remove":
        listed = [_compared(attribute, each) for each in value] if value is not ABSENT else []
        holder[attribute.name] = [e for e in elements if value is not ABSENT and not _is_listed(attribute, e, listed)]
    elif operation.op == "replace":
        holder[attribute.name] = value
    elif value is not None:
        touched = _added(attribute, elements, value)
        _keep_one_primary(operation.target, elements, touched)
        holder[attribute.name] = elements


def _compared(attribute: Attribute, element: Document) -> Document:
    """An element with comparison keys for its values."""
    return keys(attribute.sub_attributes, element)


def _is_listed(attribute: Attribute, element: Document, listed: list[Document]) -> bool:
    """Whether an element is one of those that a client lists, perhaps by some of their sub-attributes only."""
    compared = _compared(attribute, element).items()
    return any(each and each.items() <= compared for each in listed)


def _added(attribute: Attribute, elements: list[Document], new: list[Document]) -> list[Document]:
    """Append elements, or merge them into those of the same value and type (RFC 7643 §2.4); returns where they are."""
    equal = {frozenset(element.items()): element for element in elements}
    known = {_distinct(attribute, element): element for element in reversed(elements)}
    touched = []
    for element in new:
        identity = _distinct(attribute, element)
        found = equal.get(frozenset(element.items()), known.get(identity))
        if found is None:
            found = known[identity] = {}
            elements.append(found)
        found.update(element)
        touched.append(found)
    return touched


def _distinct(attribute: Attribute, element: Document) -> object:
    """What tells the elements of an attribute apart: value and type, or all there is where there is no value."""
    compared = _compared(attribute, element)
    return (compared["value"], compared.get("type")) if "value" in compared else frozenset(element.items())


def _apply_to_elements(holder: Document, operation: Operation, selected: Target) -> None:
    """Change those elements of an attribute that the filter selects, all of them where there is no filter."""
    attribute = selected.attribute
    stored = holder.get(attribute.name)
    elements = stored if isinstance(stored, list) else [] if stored is None else [stored]
    condition = operation.filter
    chosen = [e for e in elements if condition is None or match.matches(condition, e, selected)]
    sub = None if operation.target.attribute is attribute else operation.target.attribute
    if operation.op != "remove" and not chosen:
        if not attribute.multi_valued and elements:
            raise NoTarget(f"The value of {selected.name} is not the one that the filter selects.")
        chosen = [_created(condition, selected)]
        elements.append(chosen[0])
    for element in chosen:
        _change(elements, element, operation, sub, attribute)
    if operation.op != "remove":
        _keep_one_primary(selected, elements, chosen)
    holder[attribute.name] = elements if attribute.multi_valued else next(iter(elements), None)


def _change(
    elements: list[Any], element: Any, operation: Operation, sub: Attribute | None, attribute: Attribute
) -> None:
    """One selected element: removed, a sub-attribute of it set or unassigned, or merged with an object."""
    if operation.op == "remove" and sub is None:
        elements[:] = [other for other in elements if other is not element]
    elif operation.op == "remove" and sub is not None:
        element.pop(sub.name, None)
    elif sub is not None:
        _assign(element, sub, operation.value)
    elif operation.value is None:
        elements[:] = [other for other in elements if other is not element]
    else:
        for member in attribute.sub_attributes:
            if member.name in operation.value:
                _assign(element, member, operation.value[member.name])


def _created(condition: binding.Bound | None, selected: Target) -> Document:
    """The element that a filter describes where none satisfies it: Entra sets `emails[type eq "work"].value` on people
    without a work e-mail (RFC 7644 erratum 8097). A filter that pins nothing describes no element."""
    described: Document = {}
    if condition is None or not _describe(condition, described) or not match.matches(condition, described, selected):
        raise NoTarget(f"No element of {selected.name} is selected, and the filter does not say what to create.")
    if selected.attribute.multi_valued:
        return dict(load_element(selected.attribute, described, selected.name))
    return dict(load_value(selected.attribute, described, selected.name, nulls=True))


def _describe(condition: binding.Bound, described: Document) -> bool:
    """Gather what equalities joined by `and` pin; whether there is nothing else in the filter."""
    match condition:
        case And(left, right):
            return _describe(left, described) and _describe(right, described)
        case Compare(target, "eq", operand, literal):
            return described.setdefault(target.attribute.name, operand if literal is None else literal) is not None
    return False


def _keep_one_primary(selected: Target, elements: list[Any], touched: list[Any]) -> None:
    """What an operation makes primary stays the only primary element (RFC 7643 §2.4, RFC 7644 §3.5.2)."""
    primary = [element for element in touched if isinstance(element, dict) and element.get("primary") is True]
    if len({id(element) for element in primary}) > 1:
        raise InvalidValue(f"{selected.name} must have at most one element whose primary is true.")
    for element in elements if primary else []:
        if element is not primary[0] and element.get("primary"):
            element["primary"] = False


def _apply_schemas(resource_type: ResourceType, document: Document, operation: Operation) -> None:
    """`schemas` follows the document; taking an extension's URN away clears the extension (RFC 7644 §3.5.2)."""
    given = [operation.value] if isinstance(operation.value, str) else operation.value
    given = given if isinstance(given, list) else []
    for urn in given:
        if urn.lower() not in resource_type.urns and urn.lower() not in resource_type.tolerated_schemas:
            raise InvalidValue(f'schemas cannot hold "{urn[:200]}", which is no schema of a {resource_type.name} here.')
    if operation.op == "add":
        return
    named = {urn.lower() for urn in given}
    gone = {urn for urn in resource_type.urns.values() if _goes(operation, urn, named)}
    if resource_type.schema.id in gone:
        raise Mutability(f'schemas must keep "{resource_type.schema.id}".')
    for urn in gone:
        document.pop(urn, None)


def _goes(operation: Operation, urn: str, named: set[str]) -> bool:
    if operation.op == "replace":
        return urn.lower() not in named
    if operation.filter is not None and operation.selected is not None:
        return match.matches(operation.filter, urn, operation.selected)
    return operation.value is ABSENT or urn.lower() in named


@dataclass(frozen=True, slots=True)
class MemberChange:
    """A change of a group's members in normal form: `ids` are those named, None for all; `filter` selects some."""

    op: str
    ids: tuple[str, ...] | None = None
    filter: binding.Bound | None = None


def member_changes(operations: Iterable[Operation]) -> tuple[list[MemberChange], list[Operation]]:
    """The operations on `members`, which become rows, and the rest, which change the document; both in order."""
    changes: list[MemberChange] = []
    rest: list[Operation] = []
    for operation in operations:
        if operation.target.attributes[0].name == "members":
            changes.append(_member_change(operation))
        else:
            rest.append(operation)
    return changes, rest


def _member_change(operation: Operation) -> MemberChange:
    if operation.filter is None:
        return MemberChange(operation.op, None if operation.value is ABSENT else member_ids(operation.value))
    if operation.op == "remove":
        return MemberChange("remove", _pinned(operation.filter), operation.filter)
    # A member's sub-attributes are immutable, so a value path can only name a member that is to be there.
    described: Document = {}
    if not _describe(operation.filter, described) or "value" not in described:
        raise NoTarget('Members are added by their id: use the path members and the value [{"value": "id"}].')
    if (operation.value or {}).get("value", described["value"]) != described["value"]:
        raise Mutability("members.value is immutable: remove the member and add the other one.")
    return MemberChange("add", (described["value"],))


def _pinned(condition: binding.Bound) -> tuple[str, ...] | None:
    """The id where the filter is `value eq "id"` and nothing else."""
    described: Document = {}
    return (described["value"],) if _describe(condition, described) and list(described) == ["value"] else None


def member_ids(members: list[Document] | None) -> tuple[str, ...]:
    """The ids that a list of members names, each once, in order. Raises InvalidValue for a member without one."""
    ids = dict.fromkeys(member.get("value") for member in members or [])
    if None in ids:
        raise InvalidValue('Each member needs a value: the id of a user or group, as in {"value": "id"}.')
    return tuple(str(id) for id in ids)
