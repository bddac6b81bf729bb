"""/Groups (RFC 7644 §3.2)."""

from flask import Blueprint, Response, g, request

from app import answers
from app.http import body, no_content, operations, projection, resource_response, searched_page

groups = Blueprint("groups", __name__, url_prefix="/Groups")


@groups.get("")
def search_groups() -> Response:
    """A page of groups."""
    return searched_page(g.groups)


@groups.post("")
def create_group() -> Response:
    """A new group."""
    return resource_response(answers.create(g.groups, body(), projection(g.groups.type)), 201)


@groups.get("/<id>")
def get_group(id: str) -> Response:
    """One group."""
    return resource_response(g.groups.get(id, projection(g.groups.type)))


@groups.put("/<id>")
def replace_group(id: str) -> Response:
    """A group replaced."""
    return resource_response(answers.replace(g.groups, id, body(), projection(g.groups.type)))


@groups.patch("/<id>")
def patch_group(id: str) -> Response:
    """A group changed; 204 unless `attributes` is asked for, since members may be many (RFC 7644 §3.5.2)."""
    asked = projection(g.groups.type)
    return resource_response(answers.patch(g.groups, id, operations(), asked, body="attributes" in request.args))


@groups.delete("/<id>")
def delete_group(id: str) -> Response:
    """A group removed; its members stay."""
    g.groups.delete(id)
    return no_content()
