"""Operations on the members of a group (RFC 7644 §3.5.2)."""

import pytest

from scim.errors import InvalidSyntax, InvalidValue, Mutability, ScimError
from scim.members import MemberChange, member_changes
from scim.operations import read_operations
from scim.patch import apply
from scim.schemas import CORE_GROUP
from scim.validation import check_required
from tests.patches import ID, RFC, op

MEMBERS = [
    (op("Add", "members", [{"$ref": None, "value": "u1"}]), MemberChange("add", ("u1",))),
    (
        op("add", "members", [{"value": "u1", "display": "B", "type": "User"}, {"value": "u1"}, {"value": "u2"}]),
        MemberChange("add", ("u1", "u2")),
    ),
    (op("add", "members", "u1"), MemberChange("add", ("u1",))),
    (op("add", "members", ["u1", "u2"]), MemberChange("add", ("u1", "u2"))),
    (op("add", "members", {"value": "u1", "displayName": "B"}), MemberChange("add", ("u1",))),
    (op("add", None, {"members": [{"value": "u1"}]}), MemberChange("add", ("u1",))),
    (op("replace", "members", [{"value": "u1"}]), MemberChange("replace", ("u1",))),
    (op("replace", "members", []), MemberChange("replace", ())),
    (op("replace", "members", None), MemberChange("replace", ())),
    (op("Remove", "members"), MemberChange("remove")),
    (op("Remove", "members", [{"$ref": None, "value": "u1"}]), MemberChange("remove", ("u1",))),
    (op("Remove", "members", []), MemberChange("remove", ())),
    (op("add", 'members[value eq "u1"]', {"value": "u1"}), MemberChange("add", ("u1",))),
]


@pytest.mark.parametrize(("operation", "wanted"), MEMBERS)
def test_operations_on_members_name_ids(operation, wanted):
    changes, rest = member_changes(read_operations(RFC.group, [operation], ID).operations)
    assert (changes, rest) == ([wanted], [])


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ('members[value eq "u1"]', ("u1",)),
        ('members[value eq"u1"]', ("u1",)),
        (f'{CORE_GROUP}:members[VALUE EQ "u1"]', ("u1",)),
        ('members[type eq "Group"]', None),
        ('members[value eq "u1" or value eq "u2"]', None),
        ('members[value eq "u1" and type eq "User"]', None),
    ],
)
def test_a_filter_selects_the_members_to_remove(path, ids):
    ([change], rest) = member_changes(read_operations(RFC.group, [op("remove", path)], ID).operations)
    assert (change.op, change.ids, rest) == ("remove", ids, [])
    assert change.filter is not None


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (op("replace", 'members[value eq "u1"].value', "u2"), Mutability),
        (op("replace", 'members[value eq "u1"].display', "B"), Mutability),
        (op("replace", 'members[value eq "u1"]', {"value": "u2"}), Mutability),
        (op("replace", "members.value", "u2"), Mutability),
        (op("add", 'members[type eq "User"]', {"display": "B"}), ScimError),
        (op("add", "members", [{"display": "B"}]), InvalidValue),
        (op("add", "members", [{"value": "u1", "foo": 1}]), InvalidSyntax),
        (op("remove", "displayName"), Mutability),
        (op("replace", "displayName", ""), InvalidValue),
        (op("replace", "members", 7), InvalidValue),
    ],
)
def test_what_members_and_names_of_groups_cannot_be(operation, error):
    def change():
        _, rest = member_changes(read_operations(RFC.group, [operation], ID).operations)
        check_required(RFC.group, apply(RFC.group, {"displayName": "Guides"}, rest))

    with pytest.raises(error):
        change()
