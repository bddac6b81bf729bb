"""A resource as JSON text: the stored document, and the members that the server adds to it (RFC 7643 §3, §3.1).

The stored text is sent as it is, so a representation is spliced: the computed members are put around the text.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from scim.attributes import ResourceType
from scim.schemas import ENTERPRISE_USER

Document = dict[str, Any]

_ENTERPRISE_KEY = f'"{ENTERPRISE_USER}":{{'

quoted = encode_basestring
"""A text as a JSON string; characters are not escaped unless JSON requires it."""


dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A value as JSON text without blanks; characters are not escaped unless JSON requires it."""


def canonical(resource_type: ResourceType, document: Mapping[str, Any]) -> Document:
    """The document with its members in the order of the schemas: extensions last, Enterprise User after the others."""
    return {a.name: document[a.name] for a in resource_type.attributes if a.name in document}


def etag(version: int | str) -> str:
    """The entity tag of a version: weak, since every projection has the same one (RFC 7643 §3.1, RFC 7644 §3.14)."""
    return f'W/"{version}"'


@dataclass(frozen=True, slots=True)
class Streamed:
    """JSON text that is too long for the memory: its pieces are made while it is sent, once."""

    pieces: Iterable[str]

    def __iter__(self) -> Iterator[str]:
        return iter(self.pieces)

    def __str__(self) -> str:
        return "".join(self.pieces)


Text = str | Streamed


class Representations:
    """Makes the representations of resources of one type below one Endpoint URL, as JSON text."""

    def __init__(self, resource_type: ResourceType, endpoint_url: str) -> None:
        self._name = resource_type.name
        self._schema = f'"{resource_type.schema.id}"'
        # In JSON text this can only be a key: inside a value the quotes would be escaped.
        self._extensions = [(f'"{schema.id}":{{', f',"{schema.id}"') for schema in resource_type.extensions]
        self._url = f"{endpoint_url}{resource_type.endpoint}/"

    def location(self, id: str) -> str:
        """The absolute URI of a resource."""
        return self._url + id

    def reference(self, id: str, display: str) -> str:
        """The value of `manager` for a resource of this type (RFC 7643 §4.3)."""
        return f'{{"value":"{id}","$ref":"{self._url}{id}","displayName":{quoted(display)}}}'

    def text(
        self,
        document: str,
        id: str,
        version: int,
        created: str,
        modified: str,
        manager: str | None,
        computed: str | None,
    ) -> str:
        """A representation. `document` is canonical text, `created` and `modified` are comparison keys of dateTimes,
        `manager` is JSON text, `computed` is another member, its name and its value as JSON text."""
        body = document[1:-1]
        if manager is not None:
            inside = _ENTERPRISE_KEY in document
            body = f'{body[:-1]},"manager":{manager}}}' if inside else f'{body},{_ENTERPRISE_KEY}"manager":{manager}}}'
        schemas = self._schema
        for key, urn in self._extensions:
            if key in body:
                schemas += urn
        added = "" if computed is None else f",{computed}"
        return (
            f'{{"schemas":[{schemas}],"id":"{id}",{body}{added},"meta":{{"resourceType":"{self._name}",'
            f'"created":"{created[:23]}Z","lastModified":"{modified[:23]}Z","location":"{self._url}{id}",'
            f'"version":"W/\\"{version}\\""}}}}'
        )


def shown(key: str) -> str:
    """A dateTime as it is shown, made from its comparison key: UTC with milliseconds."""
    return f"{key[:23]}Z"
