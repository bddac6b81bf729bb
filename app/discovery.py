"""/ServiceProviderConfig, /ResourceTypes and /Schemas (RFC 7644 §4), and the same as OpenAPI at /openapi.json."""

from typing import Any

from flask import Blueprint, Response, current_app, g, request

from app import answers
from app.http import paging, parameters, response
from app.wire import JSON
from scim import discovery as published
from scim import openapi
from scim.envelopes import list_response
from scim.errors import Forbidden, NotFound

discovery = Blueprint("discovery", __name__)


@discovery.before_request
def refuse_filter() -> None:
    """Discovery takes no filter (RFC 7644 §4); other query parameters are ignored."""
    if "filter" in request.args:
        raise Forbidden("Discovery endpoints cannot be filtered.")


@discovery.get("/ServiceProviderConfig")
def service_provider_config() -> Response:
    """What this server can do."""
    pages, config = paging(), current_app.config
    bulk = config["BULK_MAX_OPERATIONS"], config["MAX_CONTENT_LENGTH"]
    return _cached(published.service_provider_config(g.endpoint_url, (pages.default, pages.most), bulk))


@discovery.get("/ResourceTypes")
@discovery.get("/ResourceTypes/<id>")
def resource_types(id: str | None = None) -> Response:
    """All resource types, or one."""
    return _listed(published.resource_types(g.access.tenant.profile, g.endpoint_url), id)


@discovery.get("/Schemas")
@discovery.get("/Schemas/<urn>")
def schemas(urn: str | None = None) -> Response:
    """All schemas, or one, which alone is built: there may be thousands of custom fields."""
    return _listed(published.schemas(g.access.tenant.profile, g.endpoint_url, urn), urn)


@discovery.get(openapi.PATH)
def openapi_document() -> Response:
    """The endpoint as an OpenAPI document."""
    return _cached(openapi.document(g.access.tenant.profile, g.endpoint_url), accept=JSON)


def _listed(found: list[dict[str, Any]], id: str | None = None) -> Response:
    if id is None:
        return _cached(list_response(found))
    one = next((each for each in found if each["id"].lower() == id.lower()), None)
    if one is None:
        raise NotFound(f"There is no {id[:200]} here.")
    return _cached(one)


def _cached(value: Any, accept: str | None = None) -> Response:
    return response(answers.discovered(value, accept or parameters().accept, g.call.precondition))
