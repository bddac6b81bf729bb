"""Bulk jobs: their operations, the references between them and the order in which they can run (RFC 7644 §3.7)."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scim.envelopes import BULK_REQUEST, check_message, member, refuse_repeated_keys
from scim.errors import InvalidSyntax, InvalidValue, TooLarge, sendable

METHODS = ("POST", "PUT", "PATCH", "DELETE")

# A reference is a whole text, or it follows a slash, or the quote in the filter of a PATCH path.
_REFERENCE = re.compile(r'(?:^|(?<=["/]))bulkId:([^"\]\s/]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One operation of a job, as it was sent; it is checked when it runs."""

    method: str
    path: str
    bulk_id: str | None
    version: str | None
    data: Any


@dataclass(frozen=True, slots=True)
class Job:
    """A job: its operations, and the number of errors after which it stops; None if it never does."""

    operations: tuple[BulkOperation, ...]
    fail_on_errors: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan: run the operation with this index or, with `links`, add the references withheld from it.
    `withheld` are the bulkIds to which the operation refers and which have no resource yet when it runs."""

    index: int
    withheld: frozenset[str] = frozenset()
    links: bool = False


def read_job(body: object, max_operations: int) -> Job:
    """The job in a BulkRequest message. Raises InvalidSyntax, InvalidValue, or TooLarge naming the limit."""
    message = check_message(body, BULK_REQUEST)
    operations = member(message, "Operations")
    if not isinstance(operations, list):
        raise InvalidSyntax("Operations must be a list of operations.")
    if len(operations) > max_operations:
        raise TooLarge(f"The job has {len(operations)} operations; maxOperations is {max_operations}.")
    read = tuple(map(_read, operations))
    for id, count in Counter(operation.bulk_id for operation in read).items():
        if id is not None and count > 1:
            raise InvalidValue(f'The bulkId "{id[:100]}" is given to more than one operation.')
    limit = member(message, "failOnErrors")
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InvalidValue("failOnErrors must be a whole number of at least 1.")
    return Job(read, limit)


def _read(operation: Any) -> BulkOperation:
    if not isinstance(operation, dict):
        raise InvalidSyntax("Each of the Operations must be an object with method and path.")
    refuse_repeated_keys(operation)
    texts = {name: member(operation, name) for name in ("method", "path", "bulkId", "version")}
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise InvalidSyntax(f"The {name} of an operation must be text.")
        if value is not None and sendable(value) != value:
            # The response repeats it, and could not be sent.
            raise InvalidSyntax(f"The {name} of an operation holds a NUL character or half a surrogate pair.")
    method, path = str(texts["method"] or "").upper(), str(texts["path"] or "")
    return BulkOperation(method, path, texts["bulkId"], texts["version"], member(operation, "data"))


def references(value: Any) -> Iterator[str]:
    """The bulkIds to which a value refers, as they are written."""
    if isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, str) and "bulkid:" in value.lower():
        yield from _REFERENCE.findall(value)


def resolved(value: Any, ids: Mapping[str, str]) -> Any:
    """The value with each reference replaced by the id of the resource with that bulkId."""
    if isinstance(value, dict):
        return {key: resolved(item, ids) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, ids) for item in value]
    if isinstance(value, str) and "bulkid:" in value.lower():
        return _REFERENCE.sub(lambda match: ids.get(match[1], match[0]), value)
    return value


def plan(job: Job) -> list[Step]:
    """The steps of a job: operations in order, each after those that create what it refers to (RFC 7644 §3.7.1). If
    resources refer to each other in a circle, one is created without its reference, which a later step adds."""
    creators = {op.bulk_id: i for i, op in enumerate(job.operations) if op.method == "POST" and op.bulk_id is not None}
    needed = [{creators[id] for id in references([op.path, op.data]) if id in creators} for op in job.operations]
    places = _places(needed)
    steps: list[Step] = []
    links: dict[int, list[Step]] = {}
    for index, place in places.items():
        missing = [other for other in needed[index] if places[other] >= place]
        withheld = frozenset(job.operations[other].bulk_id or "" for other in missing)
        steps.append(Step(index, withheld))
        if missing:
            links.setdefault(max(missing, key=places.__getitem__), []).append(Step(index, withheld, links=True))
        steps += links.pop(index, ())
    return steps


def _places(needed: list[set[int]]) -> dict[int, int]:
    """The place of each operation, in order: after everything it needs, unless that needs the operation itself."""
    # A depth-first walk that follows each reference once, since a group may name a thousand users that are created
    # after it, and that does not use recursion, since a chain may be as long as the job.
    places: dict[int, int] = {}
    opened: set[int] = set()
    stack = [*reversed(range(len(needed)))]
    while stack:
        index = stack[-1]
        if index in opened:
            places.setdefault(stack.pop(), len(places))
        else:
            opened.add(index)
            stack += sorted(needed[index] - opened, reverse=True)
    return places


def withhold(data: Any, bulk_ids: frozenset[str]) -> tuple[Any, list[dict[str, Any]]]:
    """A POST body without the attributes that refer to these bulkIds, and the PATCH operations that add them."""
    if not isinstance(data, dict) or not bulk_ids:
        return data, []
    kept: dict[str, Any] = {}
    links: list[dict[str, Any]] = []
    for key, value in data.items():
        if ":" in key and isinstance(value, dict):
            inner, more = withhold(value, bulk_ids)
            links += [link | {"path": f"{key}:{link['path']}"} for link in more]
            kept[key] = inner
        elif bulk_ids.isdisjoint(references(value)):
            kept[key] = value
        else:
            links.append({"op": "add", "path": key, "value": value})
    return kept, links


def target(operation: BulkOperation, ids: Mapping[str, str], endpoints: Collection[str]) -> tuple[str, str | None]:
    """The endpoint, one of `endpoints` such as "Users", and the id that an operation's path names, None for a POST.
    Raises InvalidValue where the path does not fit the method (RFC 7644 §3.7)."""
    parts = resolved(operation.path, ids).strip("/").split("/")
    if parts[0] not in endpoints:
        begins = " or ".join(f"/{endpoint}" for endpoint in endpoints)
        raise InvalidValue(f"The path of an operation must begin with {begins}.")
    if operation.method == "POST" and len(parts) == 1:
        return parts[0], None
    if operation.method != "POST" and len(parts) == 2 and parts[1]:
        return parts[0], parts[1]
    rest = "" if operation.method == "POST" else "/id"
    wanted = " or ".join(f"/{endpoint}{rest}" for endpoint in endpoints)
    raise InvalidValue(f"The path of a {operation.method} operation must have the form {wanted}.")
