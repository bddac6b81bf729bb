"""Many users at once, for tests of what large groups cost."""

from typing import Any

from peewee import Value

from store.tables import Membership, Resource


def crowd(client, group, size):
    """Put so many users into a group, behind the server's back."""
    row: Any = Resource.select().where(Resource.id == group).dicts().get()
    row |= {"type": "User", "active": True, "keys": "{}"}
    row.pop("pk")
    ids = [f"{group[:24]}{number:012}" for number in range(size)]

    def work(_):
        for at in range(0, size, 500):
            rows = [row | {"id": id, "name_key": id, "display": id, "display_key": id} for id in ids[at : at + 500]]
            Resource.insert_many(rows).execute()
        keys = Resource.select(Resource.select().where(Resource.id == group).get().pk, Resource.pk, Value("scim"))
        keys = keys.where(Resource.id.in_(ids))
        Membership.insert_from(keys, (Membership.group, Membership.member, Membership.origin)).execute()

    client.database.write(work)
