"""The figures as Markdown tables, as docs/performance.md shows them."""

from collections.abc import Callable, Iterable, Sequence

from bench.measure import Row, Yardsticks
from bench.places import Place
from bench.streams import BOUND_MB, Stream
from bench.tenants import Turns

FLAT = 1.3
"""How much more a request may cost in a large directory, or on a large group, than in a small one."""


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; texts are aligned left, numbers right."""
    written = [list(map(str, row)) for row in rows]
    sides = ["---" if _is_text(row[at] for row in written) else "---:" for at in range(len(heads))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, sides, *written])


def _is_text(cells: Iterable[str]) -> bool:
    return not any(cell[:1].isdigit() for cell in cells)


def costs(rows: Sequence[Row], yardsticks: Yardsticks) -> str:
    """What every request costs."""
    heads = [
        "users",
        "request",
        "database",
        "CPU µs",
        "database's µs",
        "× bare",
        "budget",
        "p50 ms",
        "p99 ms",
        "errors",
    ]
    told = f"Bare WSGI: {yardsticks.bare:.0f} µs (1.0); Flask JSON route: {yardsticks.flask:.2f}."
    return f"{table(heads, map(_cost, rows))}\n\n{told}"


def _cost(row: Row) -> Sequence[object]:
    # SQLite works in the server's own processes.
    stored = "" if row.database == "sqlite" else f"{row.database_us:.0f}"
    return (
        f"{row.size:,}", row.name, row.database, f"{row.us:.0f}", stored, f"{row.ratio:.2f}", _budget(row),
        f"{row.p50:.1f}", f"{row.p99:.1f}", row.errors,
    )  # fmt: skip


def _budget(row: Row) -> str:
    """The most that the request may cost, or that one client may wait for it."""
    if row.most_ms is not None:
        return f"{row.most_ms:g} ms{over(row.p50, row.most_ms)}"
    return "" if row.budget is None else f"{row.budget:g}{over(row.ratio, row.budget)}"


def over(value: float, bound: float) -> str:
    """The mark of a figure above its bound."""
    return " over" if value > bound else ""


def flat_by_size(rows: Sequence[Row]) -> str:
    """What a request costs in each directory, in multiples of the smallest one."""
    return _flat(rows, "users", lambda row: (row.name, row.database), lambda row: f"{row.size:,}")


def flat_by_point(rows: Sequence[Row]) -> str:
    """What a request costs at each point of the largest directory, in multiples of the first."""
    largest = max(row.size for row in rows)
    pointed = [row for row in rows if row.point and row.size == largest]
    return _flat(pointed, "at", lambda row: (row.kind, row.database), lambda row: row.point)


def _flat(rows: Sequence[Row], axis: str, line: Callable[[Row], tuple[str, str]], column: Callable[[Row], str]) -> str:
    lines: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        lines.setdefault(line(row), []).append(row)
    compared = {name: found for name, found in lines.items() if len(found) > 1}
    return "\n\n".join(
        table(["request", "database", *(f"{axis} {head}" for head in heads)], shown)
        for heads, shown in _by_columns(compared, column).items()
    )


def _by_columns(
    lines: dict[tuple[str, str], list[Row]], column: Callable[[Row], str]
) -> dict[tuple[str, ...], list[Sequence[str]]]:
    """The lines of the tables, by their common heading."""
    shown: dict[tuple[str, ...], list[Sequence[str]]] = {}
    for name, found in lines.items():
        cells = [_growth(row, found[0]) for row in found]
        shown.setdefault(tuple(map(column, found)), []).append((*name, *cells))
    return shown


def _growth(row: Row, first: Row) -> str:
    """The cost, also in multiples of the first with the database's share, whose growth would be hidden otherwise."""
    whole = row.ratio * (1 + row.database_us / row.us)
    growth = whole / (first.ratio * (1 + first.database_us / first.us))
    return f"{growth:.2f}" + (over(growth, FLAT) if row.flat else "")


def imports(places: Sequence[Place]) -> str:
    """What filling the directories took."""
    return table(
        ["users", "groups", "database", "seconds", "users/s", "at most MB"],
        [
            (
                f"{f.users:,}",
                f"{f.groups:,}",
                place.database,
                f"{f.seconds:.1f}",
                f"{f.users / f.seconds:,.0f}",
                f"{f.peak_mb:.0f}",
            )
            for place in places
            for f in [place.filled]
        ],
    )


def streams(found: Sequence[Stream]) -> str:
    """What reading whole groups took."""
    return table(
        ["members", "database", "MB", "MB/s", "first byte ms", "seconds", "added to the worker MB", "bound"],
        [
            (
                f"{s.members:,}", s.database, f"{s.mb:.1f}", f"{s.mb / s.seconds:.0f}", f"{s.first_seconds * 1e3:.0f}",
                f"{s.seconds:.2f}", f"{s.added_mb:.1f}", f"{BOUND_MB}{over(s.added_mb, BOUND_MB)}",
            )
            for s in found
        ],
    )  # fmt: skip


def turns(found: Sequence[Turns]) -> str:
    """The CPU time of a search of one tenant, and of many in turn."""
    first = {turn.database: turn.us for turn in reversed(found)}
    return table(
        ["database", "tenants", "µs a search", "beside one tenant", "compiled statements"],
        [
            (
                turn.database,
                f"{turn.tenants:,}",
                f"{turn.us:.0f}",
                f"{growth:.2f}{over(growth, FLAT)}",
                str(turn.statements),
            )
            for turn in found
            for growth in [turn.us / first[turn.database]]
        ],
    )
