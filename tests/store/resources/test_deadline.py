"""Before a search runs, the server knows whether an index serves it, could serve it, or cannot."""

import pytest

from scim import binding
from scim.filter import parse_filter
from store.database.sqlite import Sqlite
from store.filters.shape import Scope
from store.resources.deadline import Criteria, lacking
from tests.strategies import RFC

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
FIELD = f"{RFC.preset.fields_urn}:integerField"
ID = "2819c223-7f76-453a-919d-413861904646"
LONG = "x" * 256


@pytest.fixture
def scope(tmp_path):
    from_lists = {"emails": 1, "addresses.locality": 2}
    dialect = Sqlite(f"{tmp_path}/unused.db", busy_timeout=1.0)
    return lambda *indexed: _scope(dialect, from_lists | dict.fromkeys(indexed, 3))


def _scope(dialect, indexes):
    return Scope(dialect, RFC.user, indexes)


def of(scope, text=None, sort=None):
    bound = None if text is None else binding.bind(RFC.user, parse_filter(text))
    return lacking(Criteria(scope, bound, None if sort is None else RFC.user.targets[sort.lower()]))


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "x"',
        f'userName eq "{LONG}"',
        'name.familyName sw "x"',
        'externalId gt "x"',
        "externalId eq null",
        f'id eq "{ID}"',
        'emails.value eq "x"',
        f'emails.value eq "{LONG}"',
        'emails[type eq "work" and value sw "x"]',
        'emails.type eq "work"',
        'addresses[type eq "work" and locality eq "x"]',
        f'manager eq "{ID}"',
        'name[givenName eq "x"]',
        'userName eq "x" and title co "y"',
        'title co "y" and (userName eq "x" or emails.value eq "x")',
        'not (userName ne "x")',
        'not (title co "y" or userName ne "x")',
    ],
)
def test_indexes_find_the_resources_of_these_filters(scope, text):
    assert of(scope(), text) is None
    assert of(scope(), text, "nickName") is None, "the resources that are found are sorted"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('title eq "x"', ["title"]),
        ('title eq "x" and nickName sw "x"', ["title", "nickName"]),
        ('title eq "x" or userName eq "x"', ["title"]),
        ('title eq "x" or title eq "y"', ["title"]),
        (f"{FIELD} ge 7", [FIELD]),
        (f'{ENTERPRISE}:department eq "x"', [f"{ENTERPRISE}:department"]),
        ('phoneNumbers.value eq "x"', ["phoneNumbers"]),
        ('phoneNumbers[type eq "work" and value eq "x"]', ["phoneNumbers"]),
        ('roles[type eq "x"]', ["roles.type"]),
        ('addresses[locality eq "x" and country eq "y"]', ["addresses.country"]),
        ('title co "x"', []),
        ('title ne "x"', []),
        ("title pr", []),
        ('emails.value co "x"', []),
        (f'name.familyName eq "{LONG}"', []),
        ('meta.created gt "2026-11-23T08:00:00Z"', []),
        ('groups.display eq "x"', []),
        (f'groups.value eq "{ID}"', []),
        (f'groups[value eq "{ID}" and type eq "direct"]', []),
        ('not (userName eq "x")', []),
    ],
)
def test_the_attribute_that_lacks_an_index_is_named(scope, text, names):
    assert of(scope(), text) == names
    assert names == [] or of(scope(*names), text) is None or "country" in text


@pytest.mark.parametrize("sort", ["userName", "externalId", "name.familyName", "name.givenName"])
def test_the_order_by_a_column_is_read_from_its_index(scope, sort):
    assert of(scope(), None, sort) is None


@pytest.mark.parametrize(
    "sort",
    [
        "title",
        FIELD,
        "id",
        "displayName",
        "emails.value",
        "addresses.locality",
        "meta.created",
        "meta.lastModified",
        f"{ENTERPRISE}:manager.displayName",
    ],
)
def test_other_orders_may_read_every_resource_whatever_is_indexed(scope, sort):
    assert of(scope(), None, sort) == of(scope(sort), None, sort) == []


def test_the_order_of_filtered_resources_needs_no_index(scope):
    assert of(scope(), 'title eq "x"', "nickName") == ["title"]
    assert of(scope("title"), 'title eq "x"', "nickName") is None
