"""A cache is bounded and drops the least recently used values first."""

from store.database.bounded import Bounded


def test_the_least_recently_used_value_is_dropped_first():
    recent = Bounded[str, int](2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def test_a_heavy_value_displaces_several():
    recent = Bounded[str, int](10)
    for key in "abc":
        recent.put(key, 0, 3)
    recent.put("d", 0, 6)
    assert [recent.get(key) is not None for key in "abcd"] == [False, False, True, True]


def test_a_value_put_again_counts_once():
    recent = Bounded[str, int](10)
    recent.put("a", 1, 5)
    for value in range(5):
        recent.put("b", value, 5)
    assert (recent.get("a"), recent.get("b")) == (1, 4)


def test_a_value_above_the_bound_is_kept_alone():
    recent = Bounded[str, int](10)
    recent.put("a", 1)
    recent.put("b", 2, 11)
    assert (recent.get("a"), recent.get("b")) == (None, 2)
    recent.put("c", 3)
    assert (recent.get("b"), recent.get("c")) == (None, 3)
