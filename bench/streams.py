"""A group of any size with all its members: it is streamed, so it costs the worker little memory."""

import http.client
import time
from typing import NamedTuple

from bench.places import Place
from bench.processes import forget_peak, memory

BOUND_MB = 16
"""The most memory that a group of a million members may add to a worker."""

_CHUNK = 1 << 20


class Stream(NamedTuple):
    """What reading a whole group took: the seconds until the first byte and in all, and how much the worker's memory
    grew at the peak."""

    members: int
    database: str
    mb: float
    first_seconds: float
    seconds: float
    added_mb: float


def streams(place: Place) -> list[Stream]:
    """Every large group of a place, read twice; the first time warms the worker up."""
    return [[_stream(place, size) for _ in range(2)][1] for size in place.site.directory.large]


def _stream(place: Place, members: int) -> Stream:
    (worker,) = place.server.workers
    forget_peak(worker)
    before, began = memory(worker), time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", place.server.port, timeout=120)
    connection.request(
        "GET",
        f"/scim/{place.site.directory.tenant}/v2/Groups/{place.site.directory.large_id(members)}",
        headers={"Authorization": f"Bearer {place.site.token}"},
    )
    answer = connection.getresponse()
    first, size = time.perf_counter() - began, 0
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
    seconds = time.perf_counter() - began
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"The group of {members} members was answered with {answer.status}.")
    added = memory(worker, "VmHWM") - before
    return Stream(members, place.database, size / 2**20, first, seconds, added / 2**20)
