"""Conditional requests: entity tags against a resource's version (RFC 7644 §3.14, RFC 9110 §13).

SCIM's tags are weak, so the comparison is weak. RFC 9110 §13.1.1 asks for a strong one for If-Match, with which a weak
tag never matches; the examples of RFC 7644 send weak tags in If-Match (docs/conformance.md).
"""

import re
from dataclasses import dataclass

from scim.errors import PreconditionFailed

_TAG = re.compile(r'\s*(?:W/)?(?:"([^"]*)"|([^\s,"]+))\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Precondition:
    """The headers If-Match and If-None-Match, as they were sent."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, version: int) -> None:
        """Refuse a write of a resource at this version unless the headers allow it. Raises PreconditionFailed."""
        self.require(version)
        if self.is_known(version):
            raise PreconditionFailed(f'The resource is at version W/"{version}", which If-None-Match excludes.')

    def require(self, version: int) -> None:
        """Refuse a request, a read too, if If-Match does not name the version (RFC 9110 §13.1.1)."""
        if self.if_match is not None and not names(self.if_match, version):
            raise PreconditionFailed(
                f'The resource is at version W/"{version}", not at the one that If-Match names: read it again first.'
            )

    def is_known(self, version: int | str) -> bool:
        """Whether If-None-Match says that the client has this version already."""
        return self.if_none_match is not None and names(self.if_none_match, version)


def names(header: str, version: int | str) -> bool:
    """Whether a list of entity tags, or `*`, names the version."""
    return header.strip() == "*" or str(version) in (quoted or bare for quoted, bare in _TAG.findall(header))
