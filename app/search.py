"""POST …/.search, and queries over all types at the root (RFC 7644 §3.4.2.1, §3.4.3)."""

from flask import Blueprint, Response, g

from app.http import body, page_response, projection_of, query, requested, searched_page
from scim.envelopes import SEARCH_REQUEST, check_message
from store.resources import search_all_types
from store.resources.search import Query

search = Blueprint("search", __name__)


@search.post("/Users/.search")
def search_users() -> Response:
    """A page of users; the query is in the body, where no access log keeps it."""
    return searched_page(g.users, check_message(body(), SEARCH_REQUEST))


@search.post("/Groups/.search")
def search_groups() -> Response:
    """A page of groups."""
    return searched_page(g.groups, check_message(body(), SEARCH_REQUEST))


@search.get("")
def get_root() -> Response:
    """A page of users and groups."""
    return _everything(query(), None)


@search.post("/.search")
def search_root() -> Response:
    """A page of users and groups."""
    message = check_message(body(), SEARCH_REQUEST)
    return _everything(requested(message), message)


def _everything(wanted: Query, message: dict[str, object] | None) -> Response:
    sources = (g.users, g.groups)
    projections = [projection_of(source.type, message) for source in sources]
    return page_response(search_all_types.search(sources, wanted, projections), by_cursor=False)
