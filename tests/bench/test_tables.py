"""What is beyond its bound says so."""

from bench.measure import Row, Yardsticks
from bench.tables import costs, flat_by_point, flat_by_size

ROW = Row(1_000, "add a member", "10", True, "postgres", 200, 0, 2.0, 7, None, 1.0, 2.0, 0, 500, 50)


def last_line(text: str) -> str:
    return text.splitlines()[-1]


def test_a_cost_beyond_its_budget_is_marked():
    told = Yardsticks(100.0, 1.9)
    assert "| 2.00 | 7 |" in costs([ROW], told)
    assert "| 7.10 | 7 over |" in costs([ROW._replace(ratio=7.1)], told)
    slow = ROW._replace(budget=None, most_ms=60, p50=61)
    assert "| 60 ms over | 61.0 |" in costs([slow], told)


def test_growth_counts_what_the_database_spends():
    larger = ROW._replace(size=100_000)
    assert last_line(flat_by_size([ROW, larger])).endswith("| 1.00 | 1.00 |")
    assert last_line(flat_by_size([ROW, larger._replace(database_us=100)])).endswith("| 1.00 | 1.50 over |")


def test_what_may_grow_is_not_marked():
    deep = ROW._replace(point="1,000", ratio=4.0, flat=False)
    assert last_line(flat_by_point([ROW, deep])).endswith("| 1.00 | 2.00 |")
