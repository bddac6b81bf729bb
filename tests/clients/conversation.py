"""Conversations with SCIM clients, read from the JSON beside this module and replayed against a server (RFC 7644 §3).

A step is what the client sends, what must come back, and, where `log` is given, the entries of the provisioning log
that the step wrote, newest first. A wanted object may leave members out, a wanted list may not leave elements out; the
words of `WORDS` say more. `save` keeps texts of an answer by JSON pointer, and `{name}` stands for them from there on,
in the same answer too; `{endpoint}`, `{token}` and `{tenant}` are the tenant's.

The administrator of the platform takes part: such a step has the words of a command as `command`, the `lines` that it
reads, if any, and as `told` the JSON that it prints, or as `refused` how its sentence begins.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

HERE = Path(__file__).parent
NAME = re.compile(r"\{([a-z]\w*)\}")
ABSENT = object()
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class Client(Protocol):
    """A SCIM client bound to a fresh tenant of the database under test."""

    name: str
    endpoint: str
    token: str

    def request(self, method: str, path: str, json: Any = None, headers: dict[str, str] | None = None) -> Any: ...
    def field(self, name: str, type: str) -> None: ...
    def log(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True)
class Conversation:
    """One file: its name below this folder and its JSON document."""

    file: str
    document: dict[str, Any]


def conversations() -> list[Conversation]:
    """Every conversation there is, by client and name."""
    files = sorted(HERE.glob("*/*.json"))
    return [Conversation(str(file.relative_to(HERE)), json.loads(file.read_text("utf-8"))) for file in files]


def replay(conversation: Conversation, client: Client, run: Callable[..., Any]) -> None:
    """Speak the conversation; the first step that goes otherwise is an AssertionError with the step's sentence.

    `run` runs a command; its result has an exit_code, stdout and stderr.
    """
    for name, type in conversation.document.get("fields", {}).items():
        client.field(name, type)
    saved = {"endpoint": client.endpoint, "token": client.token, "tenant": client.name}
    for number, step in enumerate(conversation.document["steps"], start=1):
        if "command" in step:
            found = list(command(step, run, saved))
        else:
            found = list(play(step, conversation.document["headers"], client, saved))
        assert not found, "\n  ".join([f"{conversation.file}, step {number}: {step['say']}", *found])


def play(step: dict[str, Any], headers: dict[str, str], client: Client, saved: dict[str, str]) -> Iterator[str]:
    """What goes otherwise than wanted in one step; `saved` gains what the step saves."""
    request, known = fill(step["request"], saved), len(client.log()) if "log" in step else 0
    sent = {name: text for name, text in headers.items() if name != "Content-Type" or "body" in request}
    response = client.request(
        request["method"], request["path"], json=request.get("body"), headers=sent | request.get("headers", {})
    )
    if response.status_int != step["answer"]["status"]:
        yield f"status: wanted {step['answer']['status']}, came {response.status_int} {response.text}"
        return
    yield from wire(response)
    body = json.loads(response.text or "null")
    for name, pointer in step["answer"].get("save", {}).items():
        yield from differences({"$text": True}, point(body, pointer), pointer)
        saved[name] = str(point(body, pointer))
    answer = fill(step["answer"], saved)
    for name, wanted in answer.get("headers", {}).items():
        yield from differences(wanted, response.headers.get(name, ABSENT), name)
    yield from differences(answer.get("body", {}), body or {}, "")
    if "log" in step:
        entries = client.log()
        yield from differences(fill(step["log"], saved), entries[: len(entries) - known], "log")


def command(step: dict[str, Any], run: Callable[..., Any], saved: dict[str, str]) -> Iterator[str]:
    """What goes otherwise than wanted in one step of the administrator; `saved` gains what the step saves."""
    lines = "".join(f"{json.dumps(line)}\n" for line in fill(step.get("lines", []), saved))
    result = run(*fill(step["command"], saved), "--json", input=lines)
    if "refused" in step:
        if result.exit_code != 1 or not result.stderr.startswith(f"Error: {fill(step['refused'], saved)}"):
            yield f"wanted a refusal, came {result.exit_code} {result.output}"
        return
    if result.exit_code:
        yield f"the command failed: {result.output}"
        return
    told = json.loads(result.stdout)
    for name, pointer in step.get("save", {}).items():
        yield from differences({"$text": True}, point(told, pointer), pointer)
        saved[name] = str(point(told, pointer))
    yield from differences(fill(step["told"], saved), told, "told")


def wire(response: Any) -> Iterator[str]:
    """What goes otherwise than in every answer: the media type and the error body (RFC 7644 §3.12, §8.1)."""
    if response.status_int == 204:
        yield from differences({"$absent": True}, response.headers.get("Content-Type", ABSENT), "Content-Type")
        yield from differences("", response.text, "the body of a 204")
        return
    yield from differences("application/scim+json", response.headers.get("Content-Type", ABSENT), "Content-Type")
    if response.status_int >= 400:
        error = {"schemas": [ERROR], "status": str(response.status_int), "detail": {"$text": True}}
        yield from differences(error, json.loads(response.text), "")


def fill(value: Any, saved: dict[str, str]) -> Any:
    """The value with each {name} in its texts replaced by what was saved under that name."""
    match value:
        case str():
            return NAME.sub(lambda name: saved[name[1]], value)
        case list():
            return [fill(element, saved) for element in value]
        case dict():
            return {key: fill(element, saved) for key, element in value.items()}
    return value


def point(body: Any, pointer: str) -> Any:
    """What is at a JSON pointer (RFC 6901) without escapes."""
    for key in pointer.split("/")[1:]:
        try:
            body = body[int(key)] if isinstance(body, list) else body[key]
        except (LookupError, TypeError):
            return ABSENT
    return body


def differences(wanted: Any, came: Any, at: str) -> Iterator[str]:
    """One line for each place where what came is not what was wanted."""
    word = next((key for key in wanted if key in WORDS), None) if isinstance(wanted, dict) else None
    if word is None and isinstance(wanted, dict) and isinstance(came, dict):
        for key in wanted:
            yield from differences(wanted[key], came.get(key, ABSENT), f"{at}/{key}")
    elif isinstance(wanted, list) and isinstance(came, list) and len(wanted) == len(came):
        for index, element in enumerate(wanted):
            yield from differences(element, came[index], f"{at}/{index}")
    elif not (WORDS[word](wanted[word], came) if word else show(wanted) == show(came)):
        yield f"{at}: wanted {show(wanted)}, came {show(came)}"


def unordered(wanted: list[Any], came: Any) -> bool:
    """Is there for each wanted element one that came, and none besides?"""
    rest = list(came) if isinstance(came, list) else []
    for element in wanted:
        index = next((index for index, one in enumerate(rest) if not list(differences(element, one, ""))), None)
        if index is None:
            return False
        del rest[index]
    return not rest and isinstance(came, list)


def show(value: Any) -> str:
    """A value as JSON, where true is not 1 and 42 is not "42"."""
    return "nothing" if value is ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


WORDS: dict[str, Callable[[Any, Any], bool]] = {
    "$absent": lambda _, came: came is ABSENT,
    "$text": lambda _, came: isinstance(came, str) and came != "",
    "$matches": lambda pattern, came: isinstance(came, str) and re.search(pattern, came) is not None,
    "$exactly": lambda value, came: show(value) == show(came),
    "$unordered": unordered,
}
