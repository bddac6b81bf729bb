"""/Users (RFC 7644 §3.2)."""

from flask import Blueprint, Response, g

from app import answers
from app.http import body, no_content, operations, projection, resource_response, searched_page

users = Blueprint("users", __name__, url_prefix="/Users")


@users.get("")
def search_users() -> Response:
    """A page of users."""
    return searched_page(g.users)


@users.post("")
def create_user() -> Response:
    """A new user."""
    return resource_response(answers.create(g.users, body(), projection(g.users.type)), 201)


@users.get("/<id>")
def get_user(id: str) -> Response:
    """One user."""
    return resource_response(g.users.get(id, projection(g.users.type)))


@users.put("/<id>")
def replace_user(id: str) -> Response:
    """A user replaced."""
    return resource_response(answers.replace(g.users, id, body(), projection(g.users.type)))


@users.patch("/<id>")
def patch_user(id: str) -> Response:
    """A user changed; the answer is 200 with the user, since clients read it."""
    return resource_response(answers.patch(g.users, id, operations(), projection(g.users.type)))


@users.delete("/<id>")
def delete_user(id: str) -> Response:
    """A user removed."""
    g.users.delete(id)
    return no_content()
