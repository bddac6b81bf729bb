"""Conditional requests: entity tags against a resource's version (RFC 7644 §3.14, RFC 9110 §13).

SCIM's tags are weak, and so is every comparison here: RFC 9110 wants the strong one for If-Match, by which a weak tag
would never match, while RFC 7644's own examples send weak tags in If-Match (docs/conformance.md).
"""

import re
from dataclasses import dataclass

from scim.errors import PreconditionFailed

_TAG = re.compile(r'\s*(?:W/)?(?:"([^"]*)"|([^\s,"]+))\s*(?:,|$)')


@dataclass(frozen=True, slots=True)
class Precondition:
    """What the headers If-Match and If-None-Match ask for, as they were sent."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, version: int) -> None:
        """Refuse a write of a resource that is at this version, unless the headers admit it.

        Raises PreconditionFailed.
        """
        self.require(version)
        if self.is_known(version):
            raise PreconditionFailed(f'The resource is at version W/"{version}", which If-None-Match excludes.')

    def require(self, version: int) -> None:
        """Refuse any request, a read too, for a version that If-Match does not name (RFC 9110 §13.1.1)."""
        if self.if_match is not None and not names(self.if_match, version):
            raise PreconditionFailed(
                f'The resource is at version W/"{version}", not at the one that If-Match names: read it again first.'
            )

    def is_known(self, version: int | str) -> bool:
        """Whether the client has this version already, by what If-None-Match says."""
        return self.if_none_match is not None and names(self.if_none_match, version)


def names(header: str, version: int | str) -> bool:
    """Whether a list of entity tags, or `*`, names the version."""
    return header.strip() == "*" or str(version) in (quoted or bare for quoted, bare in _TAG.findall(header))
