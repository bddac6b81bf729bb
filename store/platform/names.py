"""Finds users and groups by id, name or e-mail."""

from typing import Any

from scim import compare
from scim.errors import InvalidValue, NotFound
from store.resources.reading import Reading
from store.tables import Resource

_WORDS = {"User": "id, work e-mail or userName", "Group": "id or name"}


def id_of(resources: Reading, word: str) -> str:
    """The id of the user with this id, work e-mail or userName, or of the group with this id or name. Case is ignored.

    Raises NotFound, or InvalidValue if the word is the userName of one user and the work e-mail of another.
    """
    tenant, type = resources.tenant, resources.name
    query = Resource.select(Resource.id).where((Resource.tenant == tenant.pk) & (Resource.type == type))
    rows: Any = query.where(_called(type, word.replace("\x00", "\ufffd"))).tuples()
    found = [str(row[0]) for row in rows]
    if not found:
        raise NotFound(f'The tenant {tenant.name} has no {type.lower()} with the {_WORDS[type]} "{word[:200]}".')
    if len(found) > 1:
        raise InvalidValue(f'More than one {type.lower()} is called "{word[:200]}": give the id, {" or ".join(found)}.')
    return found[0]


def _called(type: str, word: str) -> Any:
    if type == "Group":
        return (Resource.id == word) | (Resource.name_key == compare.group_name(word))
    return (
        (Resource.id == word)
        | (Resource.name_key == compare.user_name(word))
        | (Resource.identifier_key == compare.email(word))
    )
