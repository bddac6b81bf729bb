"""Many users at once, for tests of what large groups cost."""

from store.tables import Resource

_USERS = """
INSERT INTO resource (id, tenant, type, version, created, modified, document, keys, name_key, active, display,
                      display_key)
WITH RECURSIVE numbered (number) AS (SELECT 0 UNION ALL SELECT number + 1 FROM numbered WHERE number < {size} - 1),
     named (name) AS (SELECT '{prefix}' || substr(CAST(1000000000000 + number AS TEXT), 2) FROM numbered)
SELECT name, tenant, 'User', 1, created, modified, document, keys, name, {true}, name, name
FROM named, resource WHERE resource.pk = {group}
"""
_MEMBERS = """
INSERT INTO membership ("group", member, origin)
SELECT {group}, pk, 'scim' FROM resource WHERE id LIKE '{prefix}____________' AND type = 'User'
"""


def crowd(client, group, size):
    """Put so many users into a group, behind the server's back; returns their ids."""
    pk, prefix = Resource.get(Resource.id == group).pk, group[:24]
    named = {"group": pk, "prefix": prefix, "size": size, "true": "TRUE" if client.database.dialect.locks_rows else "1"}

    def work(_):
        for statement in (_USERS, _MEMBERS):
            client.database.db.execute_sql(statement.format(**named))

    client.database.write(work)
    return [f"{prefix}{number:012}" for number in range(size)]
