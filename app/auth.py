"""From a bearer token to a tenant: every request below an Endpoint URL passes here before it is routed (RFC 6750
§2.1, §3)."""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from flask import Flask, current_app, g, request

from app.resources import RESOURCES
from app.settings import Settings
from app.throttle import Throttle
from app.wire import check_query, precondition
from scim.errors import Forbidden, InvalidVers, NotFound, TooManyRequests, Unauthorized
from store.database.transactions import Database, now
from store.tenants.background import Background
from store.tenants.last_used import LastUsed
from store.tenants.log import Call, prune
from store.tenants.refusals import Refusals
from store.tenants.tenants import TENANT_NAME, Access, Tenants
from store.tenants.tokens import digest

# DOTALL: an id with a line break in it is routed to a view like any other, so it must pass here too.
_SCIM = re.compile(r"/scim/([^/]+)(?:/(v\d+))?(/.*)?", re.DOTALL)
_PUBLIC = re.compile(r"/scim/[^/]+(/v2)?/(ServiceProviderConfig|(ResourceTypes|Schemas)(/[^/]+)?|openapi\.json)")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

REFUSED = "No valid token: give the Secret Token of the tenant that this URL names as Authorization: Bearer."
EXPIRED = "The token has expired: create a new one with `vestibule token create` and paste it into the client."
THROTTLED = "Too many requests without a valid token: paste the tenant's Secret Token into the client again."
_CHALLENGE = 'Bearer realm="scim"'

HANDED_OVER = "vestibule.handed_over"
"""Where the WSGI environ holds what the fast path hands over to Flask."""

ANONYMOUS = 0
"""The key that stands for no token. A request without one leaves no trace in the tenant's log."""


def init(app: Flask, gate: "Gate") -> None:
    """Authenticate every request of the app that is for SCIM."""
    app.extensions["vestibule.auth"] = gate
    app.before_request(_authenticate)


class HandedOver(NamedTuple):
    """A request that the fast path could not answer: the error, what is known of the request, and when it began."""

    error: Exception
    access: Access
    call: Call
    began: float


class Gate:
    """What authentication works with."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.base_url = settings.base_url
        self.public_discovery = settings.public_discovery
        self.tenants = Tenants(database, settings.token_cache)
        self.background = Background(database, chores=lambda: prune(database, settings.log_retention_days))
        self.last_used = LastUsed(database, self.background)
        self.refusals = Refusals(database, self.background)
        self.throttle = Throttle()

    def known(self, tenant: str, header: str) -> Access | None:
        """The token of an Authorization header, if it is in force or has expired.

        A token that was pasted into Entra with "Bearer " in front arrives with it twice.
        """
        scheme, _, token = header.strip().partition(" ")
        token = token.strip()
        if token[:7].lower() == "bearer ":
            token = token[7:].strip()
        if scheme.lower() != "bearer" or not token or len(token) > 200 or "\x00" in tenant:
            return None
        return self.tenants.access(tenant, digest(token))

    def access(self, tenant: str, header: str) -> Access | None:
        """The token of an Authorization header, if it is in force."""
        access = self.known(tenant, header)
        return None if access is None or is_expired(access) else access

    def anonymous(self, tenant: str) -> Access | None:
        """The access of a client that reads a tenant's schemas without a token; None if there is no such tenant."""
        if TENANT_NAME.fullmatch(tenant) is None:
            return None
        try:
            return Access(self.tenants.get(tenant), ANONYMOUS, "anonymous", "read", None)
        except NotFound:
            return None

    def endpoint_url(self, access: Access) -> str:
        """The Endpoint URL of the token's tenant."""
        return f"{self.base_url}/scim/{access.tenant.name}/v2"


def is_expired(access: Access) -> bool:
    """Whether the token has expired."""
    return access.expires is not None and access.expires <= now()


def gate(app: Flask) -> Gate:
    """What an application authenticates with."""
    found: Gate = app.extensions["vestibule.auth"]
    return found


def _authenticate() -> None:
    """Find the tenant and make its resources available on g, or refuse; see RESOURCES."""
    found = _SCIM.fullmatch(request.path)
    if found is None:
        return
    tenant, version, _ = found.groups()
    failure: HandedOver | None = request.environ.get(HANDED_OVER)
    if failure is not None:
        _open(gate(current_app), failure.access, failure.call)
        raise failure.error
    access = _access(gate(current_app), tenant)
    _open(gate(current_app), access, call(request.environ, access))
    if version not in (None, "v2"):
        raise InvalidVers("This server implements SCIM 2.0: the Endpoint URL ends with /v2.")
    if access.scope == "read" and not _only_reads():
        challenge = f'{_CHALLENGE}, error="insufficient_scope"'
        detail = f"The token {access.name} may only read."
        raise Forbidden(detail, hint="scope", headers={"WWW-Authenticate": challenge})
    check_query(request.query_string)


def _only_reads() -> bool:
    """Whether the request changes nothing. A search by POST is a query like any other (RFC 7644 §3.4.3)."""
    return request.method in _SAFE or (request.method == "POST" and request.path.endswith("/.search"))


def _access(gate: Gate, tenant: str) -> Access:
    header = request.headers.get("Authorization")
    access = gate.anonymous(tenant) if _is_public(gate, header) else gate.known(tenant, header or "")
    if access is None:
        raise _refusal(gate, tenant, REFUSED)
    if is_expired(access):
        raise _refusal(gate, tenant, EXPIRED)
    return access


def _is_public(gate: Gate, header: str | None) -> bool:
    """Whether the request needs no token (RFC 7643 §5); a token that is sent is checked all the same."""
    if not gate.public_discovery or header is not None or request.method not in ("GET", "HEAD"):
        return False
    return _PUBLIC.fullmatch(request.path) is not None


def _refusal(gate: Gate, tenant: str, detail: str) -> Unauthorized | TooManyRequests:
    """The same answer whatever is wrong, or 429 if the address keeps failing."""
    wait = gate.throttle.failed(request.remote_addr or "", tenant)
    if wait:
        return TooManyRequests(THROTTLED, headers={"Retry-After": str(wait)})
    g.refused_tenant = tenant
    return Unauthorized(detail, headers={"WWW-Authenticate": _CHALLENGE})


def _open(gate: Gate, access: Access, call: Call) -> None:
    """Put on g what the views work with, bound to the tenant: they have no other way to its resources."""
    endpoint_url = gate.endpoint_url(access)
    bound = (gate.database, access.tenant, endpoint_url, call)
    here: Any = g._get_current_object()
    here.access, here.endpoint_url, here.call = access, endpoint_url, call
    here.resources = [resources(*bound) for resources in RESOURCES.values()]
    for endpoint, resources in zip(RESOURCES, here.resources, strict=True):
        setattr(here, endpoint.lower(), resources)
    if access.token != ANONYMOUS:
        gate.last_used.note(access.token, access.tenant.pk)


def call(environ: Mapping[str, Any], access: Access) -> Call:
    """What the log says of a request of this client."""
    return Call(
        operation=environ["REQUEST_METHOD"],
        token=access.name,
        client=environ.get("HTTP_USER_AGENT", "")[:300] or None,
        activity=environ.get("HTTP_ADSCIMVERSION", "")[:300] or None,
        precondition=precondition(environ),
    )
