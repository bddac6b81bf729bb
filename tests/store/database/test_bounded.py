"""A cache of what was used last is bounded, and drops what was not used for longest."""

from store.database.bounded import Bounded


def test_the_one_not_asked_for_longest_goes_first():
    recent = Bounded[str, int](2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert [recent.get(key) for key in "abc"] == [1, None, 3]


def test_what_is_heavy_leaves_less_room():
    recent = Bounded[str, int](10)
    for key in "abc":
        recent.put(key, 0, 3)
    recent.put("d", 0, 6)
    assert [recent.get(key) is not None for key in "abcd"] == [False, False, True, True]


def test_a_value_put_again_weighs_once():
    recent = Bounded[str, int](10)
    recent.put("a", 1, 5)
    for value in range(5):
        recent.put("b", value, 5)
    assert (recent.get("a"), recent.get("b")) == (1, 4)


def test_what_is_heavier_than_everything_may_be_is_kept_alone():
    recent = Bounded[str, int](10)
    recent.put("a", 1)
    recent.put("b", 2, 11)
    assert (recent.get("a"), recent.get("b")) == (None, 2)
    recent.put("c", 3)
    assert (recent.get("b"), recent.get("c")) == (None, 3)
