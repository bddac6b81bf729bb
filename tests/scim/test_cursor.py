"""Cursors: signed, bound to their query, valid for as long as is published (RFC 9865 §2, §2.1, §4)."""

import base64

import pytest

from scim.cursor import TIMEOUT, Position, decode, encode
from scim.errors import ExpiredCursor, InvalidCount, InvalidCursor

SECRET = b"secret"
PLACE = Position(("jensen", None, 7, True, "2819c223"), False, 10)
MADE = 1_790_000_000.75


def cursor(place=PLACE, query="users by name"):
    return encode(SECRET, query, place, MADE)


def read(text, *, query="users by name", count=10, later=1.0, secret=SECRET):
    return decode(secret, query, text, count, MADE + later)


@pytest.mark.parametrize("place", [PLACE, Position((), True, 0), Position(("é" * 300, 1.5), True, 1_000)])
def test_a_cursor_leads_back_to_its_place_in_characters_that_a_url_leaves_alone(place):
    text = cursor(place)
    assert read(text, count=place.count) == place
    assert all(character.isascii() and (character.isalnum() or character in "-_") for character in text)


def test_a_cursor_is_valid_for_as_long_as_is_published_and_no_longer():
    assert read(cursor(), later=TIMEOUT) == PLACE
    with pytest.raises(ExpiredCursor):
        read(cursor(), later=TIMEOUT + 2)


def test_a_changed_page_size_is_distinguished_from_a_wrong_cursor():
    with pytest.raises(InvalidCount):
        read(cursor(), count=11)


def changed(at):
    data = bytearray(base64.urlsafe_b64decode(cursor() + "=" * (-len(cursor()) % 4)))
    data[at] ^= 1
    return base64.urlsafe_b64encode(bytes(data)).decode().rstrip("=")


@pytest.mark.parametrize(
    "text", ["x", "garbage", "é", "=" * 9, "A" * 7_000, "////", cursor() + "A", changed(0), changed(20), changed(-1)]
)
def test_what_this_server_did_not_make_is_not_a_cursor(text):
    with pytest.raises(InvalidCursor):
        read(text)


def test_a_cursor_is_bound_to_its_query_and_to_the_server():
    for other in ({"query": "groups by name"}, {"secret": b"another"}):
        with pytest.raises(InvalidCursor):
            read(cursor(), **other)
