"""Requests that arrive when they are due, whether or not the earlier ones were answered.

A latency counts from the time at which a request was due: where the server falls behind, the wait is part of it.
"""

import selectors
import time
from collections.abc import Sequence
from typing import NamedTuple

from bench.loads import Connection, percentiles

_GRACE = 10.0
"""How many seconds to wait for the last answers."""


class Arrivals(NamedTuple):
    """The outcome of the requests: answers, failures (no answer or an error), milliseconds, and the share of the time
    in which this process was busy."""

    answers: int
    errors: int
    seconds: float
    p50: float
    p99: float
    client: float


class Client:
    """One tenant's client: a kept-open connection for each request that waits for its answer."""

    def __init__(self, port: int, selector: selectors.BaseSelector) -> None:
        self._port = port
        self._selector = selector
        self._free: list[Connection] = []

    def send(self, request: bytes, due: float) -> None:
        """Send a request over a free connection."""
        connection = self._free.pop() if self._free else self._opened()
        connection.send(request, due)

    def _opened(self) -> Connection:
        connection = Connection(self._port)
        self._selector.register(connection.socket, selectors.EVENT_READ, (self, connection))
        return connection

    def take_back(self, connection: Connection, status: int) -> None:
        """Keep a connection whose answer has arrived, unless the connection was closed."""
        if status:
            self._free.append(connection)
        else:
            self._selector.unregister(connection.socket)
            connection.socket.close()


def arrive(port: int, tenants: Sequence[Sequence[bytes]], rate: float) -> Arrivals:
    """Send each tenant's requests at that rate per second, with the tenants spread over the interval."""
    due = sorted(
        ((number + at / len(tenants)) / rate, at, request)
        for at, requests in enumerate(tenants)
        for number, request in enumerate(requests)
    )
    with selectors.DefaultSelector() as selector:
        clients = [Client(port, selector) for _ in tenants]
        try:
            return _run(due, clients, selector)
        finally:
            for key in list(selector.get_map().values()):
                key.data[1].socket.close()


def _run(
    due: Sequence[tuple[float, int, bytes]], clients: Sequence[Client], selector: selectors.BaseSelector
) -> Arrivals:
    began, worked = time.perf_counter(), time.process_time()
    spent: list[float] = []
    sent = errors = 0
    end = due[-1][0] + _GRACE
    while len(spent) < len(due) and (now := time.perf_counter() - began) < end:
        while sent < len(due) and due[sent][0] <= now:
            at, tenant, request = due[sent]
            clients[tenant].send(request, at)
            sent += 1
        wait = max(0.0, due[sent][0] - now) if sent < len(due) else 1.0
        for key, _ in selector.select(wait):
            client, connection = key.data
            status = connection.receive()
            if status is None:
                continue
            spent.append(time.perf_counter() - began - connection.began)
            errors += not 200 <= status < 300
            client.take_back(connection, status)
    seconds = time.perf_counter() - began
    busy = (time.process_time() - worked) / seconds
    return Arrivals(len(spent), errors + len(due) - len(spent), seconds, *percentiles(spent), busy)
