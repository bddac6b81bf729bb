"""Refusals that wait in memory for the provisioning log, so that a refused request does not wait for other writers."""

import logging
import time
from collections.abc import Sequence
from threading import Lock

from peewee import PeeweeException

from store.database.transactions import Database, Unconfirmed, instant_at
from store.tables import LogEntry, Refusal, Resource, Tenant
from store.tenants.background import Background
from store.tenants.log import Entry, insert_entries, left_out, named, unauthenticated
from store.tenants.tenants import TENANT_NAME

ENTRIES, CHARACTERS = 4_000, 4_000_000
"""The number of entries that a worker keeps in memory, and of characters in them. Further refusals are only counted."""

NAMES = 1_000
"""The number of counts of requests without a valid token that a worker keeps until it writes them."""

BATCH = 200
"""The number of entries in one transaction."""

_MINUTE = 60.0


class Refusals:
    """The refusals of one worker process, which its background thread enters in the log."""

    def __init__(self, database: Database, background: Background) -> None:
        self._database = database
        self._background = background
        self._lock = Lock()
        self._entries: list[Entry] = []
        self._characters = 0
        self._left_out: dict[int, tuple[int, Entry]] = {}
        self._counts: dict[tuple[str, str], tuple[float, int]] = {}
        background.add(self.write_entries)
        background.add(self.write_counts)

    def add(self, entry: Entry) -> None:
        """Add a refusal whose outcome is certain; `store.tenants.log.refusal` makes its entry."""
        characters = _characters(entry)
        with self._lock:
            if len(self._entries) < ENTRIES and self._characters + characters <= CHARACTERS:
                self._entries.append(entry)
                self._characters += characters
            else:
                count, _ = self._left_out.get(entry["tenant"], (0, None))
                self._left_out[entry["tenant"]] = (count + 1, entry)
            crowded = len(self._entries) > ENTRIES // 2 or self._characters > CHARACTERS // 2
        self._background.wake(at_once=crowded)

    def count(self, tenant: str) -> None:
        """Count a request without a valid token for the tenant of that name, if there is one."""
        if TENANT_NAME.fullmatch(tenant) is None:
            return
        seconds = time.time()
        with self._lock:
            self._gather((tenant, instant_at(seconds)[:13]), seconds, 1)
            crowded = len(self._counts) > NAMES // 2
        # Writing forgets the names of no tenants.
        self._background.wake(at_once=crowded)

    def _gather(self, hour: tuple[str, str], first: float, total: int) -> None:
        """Add to a count; beyond the bound it takes the place of the newest of the smallest counts."""
        if hour not in self._counts and len(self._counts) >= NAMES:
            del self._counts[min(reversed(self._counts), key=lambda each: self._counts[each][1])]
        first, before = self._counts.get(hour, (first, 0))
        self._counts[hour] = (first, before + total)

    def write_entries(self) -> None:
        """Enter the refusals that were added before. They stay in memory until they are entered, whatever error ends
        this."""
        self._write(len(self._entries))
        with self._lock:
            counted = [left_out(count, last) for count, last in self._left_out.values()]
            self._left_out = {}
            self._entries[:0] = counted
            self._characters += sum(map(_characters, counted))
        self._write(len(counted))

    def _write(self, count: int, size: int = BATCH) -> None:
        """Enter the first entries in memory, in batches of that size."""
        while count > 0:
            batch = self._entries[: min(count, size)]
            count -= len(batch)
            try:
                self._enter(batch)
            except Unconfirmed:
                # A batch that may already be there is not entered twice.
                self._forget(batch)
                raise
            except (PeeweeException, ValueError):
                if len(batch) > 1:
                    # An entry that cannot be written does not prevent the others.
                    self._write(len(batch), size=1)
                    continue
                logging.getLogger("vestibule").exception("refusal not entered")
            self._forget(batch)

    def _forget(self, batch: Sequence[Entry]) -> None:
        with self._lock:
            del self._entries[: len(batch)]
            self._characters -= sum(map(_characters, batch))

    def _enter(self, entries: Sequence[Entry]) -> None:
        """Enter a batch without the entries of tenants that were deleted meanwhile."""
        known = self._with_names(entries)
        insert = self._database.statement("log entries", insert_entries)

        def work(_: object) -> None:
            tenants = Tenant.select(Tenant.pk).where(Tenant.pk.in_({entry["tenant"] for entry in known}))
            present = {pk for (pk,) in tenants.tuples().execute(self._database.db)}
            insert.many([entry for entry in known if entry["tenant"] in present])

        self._database.write_aside(work)

    def _with_names(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries, also with the names of resources that they have only the id of."""
        nameless = [entry for entry in entries if entry["resource"] is not None and entry["name"] is None]
        if not nameless:
            return list(entries)
        ids, tenants = ({entry[each] for entry in nameless} for each in ("resource", "tenant"))
        query = Resource.select(Resource.tenant, Resource.id, Resource.display)
        query = query.where(Resource.tenant.in_(tenants) & Resource.id.in_(ids)).tuples()
        rows = self._database.read(lambda: list(query.execute(self._database.db)))
        names = {(tenant, id): name for tenant, id, name in rows}
        return [named(entry, entry["name"] or names.get((entry["tenant"], entry["resource"]))) for entry in entries]

    def write_counts(self) -> None:
        """Write the counts of requests without a valid token, with at most one entry a minute for them."""
        with self._lock:
            counts, self._counts = self._counts, {}
        try:
            if counts:
                tenants = self._tenants({name for name, _ in counts})
                counts = {hour: counted for hour, counted in counts.items() if hour[0] in tenants}
                self._write_counts(counts, tenants)
        except Unconfirmed:
            raise
        except Exception:
            with self._lock:
                later, self._counts = self._counts, counts
                for hour, counted in later.items():
                    self._gather(hour, *counted)
            raise

    def _tenants(self, names: set[str]) -> dict[str, int]:
        """The keys of the tenants of those names."""
        tenants = Tenant.select(Tenant.name, Tenant.pk).where(Tenant.name.in_(names)).tuples()
        return self._database.read(lambda: dict(tenants.execute(self._database.db)))

    def _write_counts(self, counts: dict[tuple[str, str], tuple[float, int]], tenants: dict[str, int]) -> None:
        # All workers write in the order of the keys, so that they cannot deadlock.
        rows = sorted((tenants[name], hour, *counted) for (name, hour), counted in counts.items())

        def work(_: object) -> None:
            for row in rows:
                self._count(*row)

        if rows:
            self._database.write(work)

    def _count(self, tenant: int, hour: str, first: float, total: int) -> None:
        counted = Refusal.insert(tenant=tenant, hour=hour, total=total).on_conflict(
            conflict_target=(Refusal.tenant, Refusal.hour), update={Refusal.total: Refusal.total + total}
        )
        counted.execute(self._database.db)
        of_tenant = (LogEntry.tenant == tenant) & (LogEntry.operation == "authenticate")
        recent = LogEntry.select(LogEntry.pk).where(of_tenant & (LogEntry.time > instant_at(first - _MINUTE)))
        if not recent.limit(1).tuples().execute(self._database.db):
            self._database.statement("log entries", insert_entries)(**unauthenticated(tenant, instant_at(first)))


def _characters(entry: Entry) -> int:
    return sum(len(value) for value in entry.values() if isinstance(value, str))
