"""How often an address has failed to authenticate in this minute, counted for all worker processes in constant
memory."""

import mmap
import struct
import time
import zlib
from collections.abc import Callable

LIMIT = 20
"""Failed authentications a minute, per address and tenant, that are still answered 401."""

_SLOTS = 4_096
_SLOT = struct.Struct("=II")


class Throttle:
    """A table of counters in memory that processes share when they are forked after it was made.

    Two addresses that fall into one slot share their count: that can only refuse a failing request earlier, since
    requests with a valid token are not counted. Two processes that count at the same instant may lose one failure.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._table = mmap.mmap(-1, _SLOTS * _SLOT.size)

    def failed(self, address: str, tenant: str) -> int:
        """Count a failure; returns after how many seconds the client may come back, 0 below the limit."""
        now = self._clock()
        minute = int(now // 60)
        offset = zlib.crc32(f"{address} {tenant}".encode(errors="replace")) % _SLOTS * _SLOT.size
        counted_in, count = _SLOT.unpack_from(self._table, offset)
        count = count + 1 if counted_in == minute else 1
        _SLOT.pack_into(self._table, offset, minute, min(count, 2**31))
        return 0 if count <= LIMIT else 60 - int(now % 60)
