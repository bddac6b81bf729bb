"""/Users (RFC 7644 §3.2)."""

from flask import Blueprint, Response, g

from app import answers
from app.http import asked, body, paging, parameters, response

users = Blueprint("users", __name__, url_prefix="/Users")


@users.get("")
@users.post("/.search")
def search_users() -> Response:
    """A page of users."""
    return response(answers.search(g.users, asked(), paging()))


@users.post("")
def create_user() -> Response:
    """A new user."""
    return response(answers.create(g.users, body(), parameters()))


@users.get("/<id>")
def get_user(id: str) -> Response:
    """One user."""
    return response(answers.get(g.users, id, parameters()))


@users.put("/<id>")
def replace_user(id: str) -> Response:
    """A user replaced."""
    return response(answers.replace(g.users, id, body(), parameters()))


@users.patch("/<id>")
def patch_user(id: str) -> Response:
    """A user changed."""
    return response(answers.patch(g.users, id, body(), parameters()))


@users.delete("/<id>")
def delete_user(id: str) -> Response:
    """A user removed."""
    return response(answers.delete(g.users, id))
