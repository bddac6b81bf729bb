"""Writes through the store alone, of bodies and operations as clients send them."""

from typing import Any

from scim.operations import read_operations
from scim.validation import load
from store.resources.reading import Answer
from store.resources.writing import Resources


def create(resources: Resources, body: dict[str, Any]) -> Answer:
    """A new resource from a POST body."""
    return resources.create(load(resources.type, body).document)


def replace(resources: Resources, id: str, body: dict[str, Any]) -> Answer:
    """The resource as a PUT body describes it."""
    return resources.replace(id, load(resources.type, body).document, frozenset(key.lower() for key in body))


def patch(resources: Resources, id: str, *operations: dict[str, Any]) -> Answer:
    """The resource after these operations; the answer has no text."""
    return resources.patch(id, read_operations(resources.type, list(operations), id).operations, body=False)
