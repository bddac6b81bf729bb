"""Queries over all resource types, at the root of the endpoint (RFC 7644 §3.4.2.1, §3.4.3)."""

from flask import Blueprint, Response, g

from app import answers
from app.http import asked, paging, response

search = Blueprint("search", __name__)


@search.get("")
@search.post("/.search")
def search_all() -> Response:
    """A page of resources of all types."""
    return response(answers.search_all(g.resources, asked(), paging()))
