"""The server answers every conversation in tests/clients as recorded (RFC 7644 §3.3 to §3.6)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.clients.conversation import NAME, WORDS, Client, Conversation, conversations, differences, replay

KEYS = {
    "conversation": {"name", "shows", "client", "source", "preset", "fields", "headers", "steps"},
    "step": {"say", "request", "answer", "log"},
    "command": {"say", "command", "lines", "told", "refused", "save"},
    "request": {"method", "path", "headers", "body"},
    "answer": {"status", "headers", "body", "save"},
}
EVERY = pytest.mark.parametrize("conversation", conversations(), ids=lambda conversation: conversation.file)


@EVERY
def test_conversation(
    conversation: Conversation, make_client: Callable[[str], Client], run: Callable[..., Any]
) -> None:
    replay(conversation, make_client(conversation.document["preset"]), run)


@EVERY
def test_a_conversation_says_only_what_the_replayer_reads(conversation: Conversation) -> None:
    steps = conversation.document["steps"]
    parts = [(kind, step[kind]) for step in steps for kind in ("request", "answer") if "command" not in step]
    unread = [(kind, part.keys() - KEYS[kind]) for kind, part in parts if part.keys() - KEYS[kind]]
    assert conversation.document.keys() <= KEYS["conversation"]
    assert all(step.keys() <= KEYS["command" if "command" in step else "step"] for step in steps)
    assert not unread
    assert words(steps) <= WORDS.keys() | {"$ref"}


@EVERY
def test_a_conversation_names_only_what_an_earlier_answer_gave(conversation: Conversation) -> None:
    known = {"endpoint", "token", "tenant"}
    for step in conversation.document["steps"]:
        assert names([step.get(part) for part in ("request", "command", "lines", "refused")]) <= known, step["say"]
        known |= (step if "command" in step else step["answer"]).get("save", {}).keys()
        assert names([step.get(part) for part in ("answer", "log", "told")]) <= known, step["say"]


@EVERY
def test_each_step_says_in_one_sentence_what_happens(conversation: Conversation) -> None:
    document = conversation.document
    said = [step["say"] for step in document["steps"]]
    assert document["client"] == conversation.file.split("/")[0]
    assert all(sentence.endswith(".") for sentence in (document["shows"], document["source"], *said))


@pytest.mark.parametrize(
    ("wanted", "came", "said"),
    [
        ({"active": False}, {"active": "False"}, '/active: wanted false, came "False"'),
        ({"title": {"$absent": True}}, {"title": None}, '/title: wanted {"$absent": true}, came null'),
        ({"id": {"$text": True}}, {}, '/id: wanted {"$text": true}, came nothing'),
        ({"members": [{"value": "a"}]}, {"members": [{"value": "a"}, {"value": "b"}]}, "/members: wanted"),
        (
            {"members": {"$unordered": [{"value": "a"}, {"value": "a"}]}},
            {"members": [{"value": "a"}, {"value": "b"}]},
            "/members",
        ),
        (
            {"name": {"$exactly": {"givenName": "Adele"}}},
            {"name": {"givenName": "Adele", "familyName": "Vance"}},
            "/name",
        ),
        ({"detail": {"$matches": "^userName"}}, {"detail": "The userName is taken."}, "/detail"),
        ({"emails": [{"primary": True}]}, {"emails": [{"primary": 1}]}, "/emails/0/primary: wanted true, came 1"),
    ],
)
def test_a_difference_is_told_with_its_place(wanted: Any, came: Any, said: str) -> None:
    (told,) = differences(wanted, came, "")
    assert told.startswith(said)


def test_what_was_not_asked_for_is_no_difference() -> None:
    came = {"id": "1", "members": [{"value": "b", "type": "User"}, {"value": "a"}], "title": "Engineer"}
    wanted = {"members": {"$unordered": [{"value": "a"}, {"value": "b"}]}, "title": {"$matches": "^Eng"}}
    assert not list(differences(wanted, came, ""))


def texts(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for element in value:
                yield from texts(element)
        case dict():
            yield from value
            for element in value.values():
                yield from texts(element)


def words(value: Any) -> set[str]:
    """The keys that begin with a dollar sign; no text of a conversation does."""
    return {text for text in texts(value) if text.startswith("$")}


def names(value: Any) -> set[str]:
    """What stands in braces and is to be put in."""
    return {name for text in texts(value) for name in NAME.findall(text)}
