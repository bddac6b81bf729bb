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
from scim.validation import check_elements, load_element

MAX_EFFORT = 100_000
"""The most elements that the operations of a PATCH may visit, counted at every visit, which takes microseconds."""


def apply(resource_type: ResourceType, document: Document, operations: Iterable[Operation]) -> Document:
    """A new document: the operations applied in order, each to the result of the one before (RFC 7644 §3.5.2). Raises
    NoTarget, Mutability, InvalidValue or TooLarge. The caller checks required attributes, in the result."""
    changed = tidied(document)
    effort = 0
    for operation in operations:
        attribute = operation.target.attributes[0]
        if attribute.name == "schemas":
            _apply_schemas(resource_type, changed, operation)
            continue
        _apply(changed, operation)
        _tidy_member(changed, attribute)
        effort += len(changed.get(attribute.name, ())) if attribute.multi_valued else 0
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


def tidied(value: Document) -> Document:
    """The document without null, "", [] and {} at any depth (RFC 7643 §2.5), and without repeated elements (§2.4)."""
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
    # A path without brackets may reach into all elements, as `emails.type` does.
    container = target.container
    selected = operation.selected or (container if container and container.attribute.multi_valued else None)
    if selected is not None:
        _apply_to_elements(_holder(document, selected), operation, selected)
    elif target.attribute.multi_valued:
        _apply_to_list(_holder(document, target), operation)
    else:
        _assign(_holder(document, target), target.attribute, None if operation.op == "remove" else operation.value)


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
        _merge(holder.setdefault(attribute.name, {}), attribute, value)
    else:
        holder[attribute.name] = value


def _merge(stored: Document, attribute: Attribute, value: Document) -> None:
    for sub in attribute.sub_attributes:
        if sub.name in value:
            _assign(stored, sub, value[sub.name])


def _apply_to_list(holder: Document, operation: Operation) -> None:
    """Add to, replace or remove from a multi-valued attribute as a whole."""
    attribute, value = operation.target.attribute, operation.value
    elements = holder.get(attribute.name, [])
    if operation.op == "remove":
        listed = None if value is ABSENT else [keys(attribute.sub_attributes, each) for each in value]
        holder[attribute.name] = [] if listed is None else [e for e in elements if not _is_listed(attribute, e, listed)]
    elif operation.op == "replace":
        holder[attribute.name] = value
    elif value is not None:
        _keep_one_primary(operation.target, elements, _added(attribute, elements, value))
        holder[attribute.name] = elements


def _is_listed(attribute: Attribute, element: Document, listed: list[Document]) -> bool:
    """Whether a client lists an element; some of its sub-attributes are enough."""
    compared = keys(attribute.sub_attributes, element).items()
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
    compared = keys(attribute.sub_attributes, element)
    return (compared["value"], compared.get("type")) if "value" in compared else frozenset(element.items())


def _apply_to_elements(holder: Document, operation: Operation, selected: Target) -> None:
    """Change the elements of an attribute that the filter selects; without a filter, all of them."""
    attribute = selected.attribute
    stored = holder.get(attribute.name)
    elements = stored if isinstance(stored, list) else [] if stored is None else [stored]
    condition = operation.filter
    chosen = [e for e in elements if condition is None or matches(condition, e, selected)]
    if operation.op != "remove" and not chosen:
        if not attribute.multi_valued and elements:
            raise NoTarget(f"The value of {selected.name} is not the one that the filter selects.")
        chosen = [_created(condition, selected)]
        elements.append(chosen[0])
    elements = _changed(elements, chosen, operation, attribute)
    if operation.op != "remove":
        _keep_one_primary(selected, elements, chosen)
    holder[attribute.name] = elements if attribute.multi_valued else next(iter(elements), None)


def _changed(elements: list[Any], chosen: list[Any], operation: Operation, attribute: Attribute) -> list[Any]:
    """The elements, of which the chosen ones are removed, merged with an object, or given another sub-attribute."""
    value, changed = None if operation.op == "remove" else operation.value, operation.target.attribute
    if value is None and changed is attribute:
        gone = {id(element) for element in chosen}
        return [element for element in elements if id(element) not in gone]
    for element in chosen:
        if changed is attribute:
            _merge(element, attribute, operation.value)
        else:
            _assign(element, changed, value)
    return elements


def _created(condition: Bound | None, selected: Target) -> Document:
    """A new element as the filter describes it: Entra sets `emails[type eq "work"].value` for people without a work
    e-mail (RFC 7644 erratum 8097). Raises NoTarget if the filter has anything but equalities."""
    described: Document = {}
    if condition is None or not describe(condition, described) or not matches(condition, described, selected):
        raise NoTarget(f"No element of {selected.name} is selected, and the filter does not say what to create.")
    return dict(load_element(selected.attribute, described, selected.name))


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
    """Change `schemas`: removing the URN of an extension clears the extension (RFC 7644 §3.5.2)."""
    given = [operation.value] if isinstance(operation.value, str) else operation.value
    given = given if isinstance(given, list) else []
    for urn in given:
        if not resource_type.takes(urn):
            sentence = f'schemas cannot hold "{urn[:200]}", which is not a schema of a {resource_type.name} here.'
            raise InvalidValue(sentence)
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
