"""Writes of resources as clients ask for them: bodies and operations checked by scim, then applied by the store."""

from collections.abc import Iterable
from typing import Any

from scim.document import Document
from scim.operations import read_operations
from scim.projection import Projection
from scim.validation import load
from store.resources.reading import Answer
from store.resources.writing import Resources
from store.tenants.log import Call


def create(resources: Resources, body: Any, projection: Projection | None = None) -> Answer:
    """A new resource from a POST body (RFC 7644 §3.3). Raises InvalidSyntax, InvalidValue or Uniqueness."""
    # A body that is refused is found in the log by the name in it.
    resources.call.resource_type, resources.call.name = resources.name, resources.given_name(body)
    return resources.create(_loaded(resources, body), projection)


def replace(resources: Resources, id: str, body: Any, projection: Projection | None = None) -> Answer:
    """The resource as a PUT body describes it (RFC 7644 §3.5.1). Raises NotFound and what `create` raises."""
    resources.about(id)
    document = _loaded(resources, body)
    return resources.replace(id, document, frozenset(key.lower() for key in body), projection)


def patch(
    resources: Resources, id: str, operations: Any, projection: Projection | None = None, *, body: bool = True
) -> Answer:
    """The resource after the operations of a PatchOp message (RFC 7644 §3.5.2), all of them or none.

    Without `body` the answer has no text. Raises NotFound, the errors of `scim.operations` and `scim.patch`,
    InvalidValue or Uniqueness.
    """
    resources.about(id)
    read = read_operations(resources.type, operations, id)
    _warn(resources.call, read.dropped)
    return resources.patch(id, read.operations, projection, body=body)


def _loaded(resources: Resources, body: Any) -> Document:
    loaded = load(resources.type, body)
    _warn(resources.call, loaded.dropped)
    return loaded.document


def _warn(call: Call, dropped: Iterable[str]) -> None:
    """Note the attributes that are accepted and not stored; each is a warning in the log."""
    call.warnings += [f"{name} was accepted but is never stored." for name in dropped]
