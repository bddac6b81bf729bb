"""/Groups (RFC 7644 §3.2)."""

from flask import Blueprint, Response, g

from app import answers
from app.http import asked, body, paging, parameters, response

groups = Blueprint("groups", __name__, url_prefix="/Groups")


@groups.get("")
@groups.post("/.search")
def search_groups() -> Response:
    """A page of groups."""
    return response(answers.search(g.groups, asked(), paging()))


@groups.post("")
def create_group() -> Response:
    """A new group."""
    return response(answers.create(g.groups, body(), parameters()))


@groups.get("/<id>")
def get_group(id: str) -> Response:
    """One group."""
    return response(answers.get(g.groups, id, parameters()))


@groups.put("/<id>")
def replace_group(id: str) -> Response:
    """A group replaced."""
    return response(answers.replace(g.groups, id, body(), parameters()))


@groups.patch("/<id>")
def patch_group(id: str) -> Response:
    """A group changed."""
    return response(answers.patch(g.groups, id, body(), parameters()))


@groups.delete("/<id>")
def delete_group(id: str) -> Response:
    """A group removed; its members stay."""
    return response(answers.delete(g.groups, id))
