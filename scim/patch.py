"""Applies the operations of a PATCH to a document, without changing that document (RFC 7644 §3.5.2)."""

from collections.abc import Iterable
from typing import Any

from scim.attributes import Attribute, ResourceType, Target
from scim.binding import Bound
from scim.document import Document
from scim.errors import InvalidValue, Mutability, NoTarget, TooLarge
from scim.keys import keys
from scim.match import matches
from scim.nodes import And, Compare
from scim.operations import ABSENT, Operation
from scim.validation import check_elements, load_element, load_value

MAX_EFFORT = 100_000
"""The most elements that the operations of a PATCH may visit, counted at every visit, which takes microseconds."""


def apply(resource_type: ResourceType, document: Document, operations: Iterable[Operation]) -> Document:
    """A new document: the operations applied in order, each to the result of the one before (RFC 7644 §3.5.2).

    Raises NoTarget, Mutability, InvalidValue or TooLarge. The caller checks required attributes, in the result.
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
    """Tidy the attribute that an operation changed; the rest is tidy. A list that grew too long is refused at once."""
    tidy = _tidy(document.get(attribute.name))
    if tidy in (None, "", [], {}):
        document.pop(attribute.name, None)
    else:
        document[attribute.name] = tidy
    check_elements(attribute, document)


def _elements(document: Document, attribute: Attribute) -> int:
    """How many elements an operation on the attribute visits."""
    return len(document.get(attribute.name, ())) if attribute.multi_valued else 0


def tidied(value: Document) -> Document:
    """The document without unassigned values, which are null, "", [] and {} (RFC 7643 §2.5), at any depth, and without
    repeated elements (RFC 7643 §2.4)."""
    return {name: tidy for name, item in value.items() if (tidy := _tidy(item)) not in (None, "", [], {})}


def _tidy(item: Any) -> Any:
    if isinstance(item, dict):
        return tidied(item)
    if isinstance(item, list):
        tidy = (_tidy(element) for element in item)
        # Sub-attributes are simple (RFC 7643 §2.3.8), so the members of an element can be compared as a set.
        return list({frozenset(element.items()): element for element in tidy if element}.values())
    return item


def _apply(document: Document, operation: Operation) -> None:
    target = operation.target
    removed = operation.op == "remove" and operation.filter is None
    if removed and target.attribute.required and not target.attribute.identifies:
        raise Mutability(f"{target.name} is required and cannot be removed.")
    selected = operation.selected or _list_around(target)
    if selected is not None:
        _apply_to_elements(_holder(document, selected), operation, selected)
    elif target.attribute.multi_valued:
        _apply_to_list(_holder(document, target), operation)
    elif operation.op == "remove":
        _holder(document, target).pop(target.attribute.name, None)
    else:
        _assign(_holder(document, target), target.attribute, operation.value)


def _list_around(target: Target) -> Target | None:
    """The multi-valued attribute that a path without brackets reaches into, as `emails.type` does."""
    container = target.container
    return container if container is not None and container.attribute.multi_valued else None


def _holder(document: Document, target: Target) -> Document:
    """The object that has the target as a member; it is made if it is missing."""
    holder = document
    for name in target.path[:-1]:
        holder = holder.setdefault(name, {})
    return holder


def _assign(holder: Document, attribute: Attribute, value: Any) -> None:
    """Set a value; an object is merged into the stored one, None unassigns (RFC 7644 §3.5.2.1, §3.5.2.3)."""
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
    """An element with its values replaced by their comparison keys."""
    return keys(attribute.sub_attributes, element)


def _is_listed(attribute: Attribute, element: Document, listed: list[Document]) -> bool:
    """Whether a client lists an element; some of its sub-attributes are enough."""
    compared = _compared(attribute, element).items()
    return any(each and each.items() <= compared for each in listed)


def _added(attribute: Attribute, elements: list[Document], new: list[Document]) -> list[Document]:
    """Append elements, or merge them into those of the same value and type (RFC 7643 §2.4); returns those."""
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
    """What distinguishes the elements of an attribute: value and type, or everything in an element without a value."""
    compared = _compared(attribute, element)
    return (compared["value"], compared.get("type")) if "value" in compared else frozenset(element.items())


def _apply_to_elements(holder: Document, operation: Operation, selected: Target) -> None:
    """Change the elements of an attribute that the filter selects; without a filter, all of them."""
    attribute = selected.attribute
    stored = holder.get(attribute.name)
    elements = stored if isinstance(stored, list) else [] if stored is None else [stored]
    condition = operation.filter
    chosen = [e for e in elements if condition is None or matches(condition, e, selected)]
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
    """Remove one selected element, set or unassign a sub-attribute of it, or merge an object into it."""
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


def _created(condition: Bound | None, selected: Target) -> Document:
    """A new element as the filter describes it: Entra sets `emails[type eq "work"].value` for people without a work
    e-mail (RFC 7644 erratum 8097). Raises NoTarget if the filter has anything but equalities."""
    described: Document = {}
    if condition is None or not describe(condition, described) or not matches(condition, described, selected):
        raise NoTarget(f"No element of {selected.name} is selected, and the filter does not say what to create.")
    if selected.attribute.multi_valued:
        return dict(load_element(selected.attribute, described, selected.name))
    return dict(load_value(selected.attribute, described, selected.name, nulls=True))


def describe(condition: Bound, described: Document) -> bool:
    """Add the values that equalities joined by `and` ask for; whether the filter has nothing else."""
    match condition:
        case And(left, right):
            return describe(left, described) and describe(right, described)
        case Compare(target, "eq", operand, literal):
            return described.setdefault(target.attribute.name, operand if literal is None else literal) is not None
    return False


def _keep_one_primary(selected: Target, elements: list[Any], touched: list[Any]) -> None:
    """Make the element that an operation made primary the only primary one (RFC 7643 §2.4, RFC 7644 §3.5.2)."""
    primary = [element for element in touched if isinstance(element, dict) and element.get("primary") is True]
    if len({id(element) for element in primary}) > 1:
        raise InvalidValue(f"{selected.name} must have at most one element whose primary is true.")
    for element in elements if primary else []:
        if element is not primary[0] and element.get("primary"):
            element["primary"] = False


def _apply_schemas(resource_type: ResourceType, document: Document, operation: Operation) -> None:
    """Change `schemas`, which follows from the document: removing an extension's URN clears the extension (RFC 7644
    §3.5.2)."""
    given = [operation.value] if isinstance(operation.value, str) else operation.value
    given = given if isinstance(given, list) else []
    for urn in given:
        if urn.lower() not in resource_type.urns and urn.lower() not in resource_type.tolerated_schemas:
            raise InvalidValue(
                f'schemas cannot hold "{urn[:200]}", which is not a schema of a {resource_type.name} here.'
            )
    if operation.op == "add":
        return
    named = {urn.lower() for urn in given}
    removed = {urn for urn in resource_type.urns.values() if _is_removed(operation, urn, named)}
    if resource_type.schema.id in removed:
        raise Mutability(f'schemas must keep "{resource_type.schema.id}".')
    for urn in removed:
        document.pop(urn, None)


def _is_removed(operation: Operation, urn: str, named: set[str]) -> bool:
    if operation.op == "replace":
        return urn.lower() not in named
    if operation.filter is not None and operation.selected is not None:
        return matches(operation.filter, urn, operation.selected)
    return operation.value is ABSENT or urn.lower() in named
