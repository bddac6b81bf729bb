"""The real server: gunicorn, its workers, its own refusals, its start and its stop (RFC 7644 §3.12)."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.live import Reply, Server, free_port, serving, vestibule

ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
USERS = "/scim/demo/v2/Users"
NOBODY = "2819c223-7f76-453a-919d-413861904646"
BABS = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "babs",
    "emails": [{"type": "work", "value": "babs@example.com"}],
}


class Demo(NamedTuple):
    """A server with the demo tenant."""

    server: Server
    database_url: str
    token: str

    def request(self, method: str, path: str, body: object = None) -> Reply:
        return self.server.request(method, path, body, self.token)


@pytest.fixture(scope="module")
def database_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return migrated(tmp_path_factory.mktemp("live"))


def migrated(folder: Path) -> str:
    url = f"sqlite:///{folder}/vestibule.db"
    assert vestibule("migrate", database_url=url).returncode == 0
    return url


@pytest.fixture(scope="module")
def demo(database_url: str) -> Iterator[Demo]:
    with serving("--workers", "2", "--demo", database_url=database_url) as server:
        assert server.process.stdout
        endpoint, token = server.process.stdout.readline(), server.process.stdout.readline()
        assert endpoint == f"Endpoint URL: http://127.0.0.1:{server.port}/scim/demo/v2\n"
        yield Demo(server, database_url, token.removeprefix("Secret token: ").strip())


def refusal(reply: Reply) -> int:
    """The status of an answer that is a SCIM error in every respect."""
    assert reply.headers["Content-Type"] == "application/scim+json"
    assert reply.json["schemas"] == [ERROR]
    assert reply.json["status"] == str(reply.status)
    assert reply.json["detail"].endswith(".")
    return reply.status


def test_test_connection_succeeds(demo):
    reply = demo.request("GET", f"{USERS}?filter=userName+eq+%22nobody%22")
    assert (reply.status, reply.json["totalResults"]) == (200, 0)


def test_a_user_is_created_and_read_through_any_number_of_slashes(demo):
    created = demo.request("POST", USERS, BABS)
    assert created.status == 201
    assert created.headers["Location"] == f"http://127.0.0.1:{demo.server.port}{USERS}/{created.json['id']}"
    assert demo.request("GET", f"/scim/demo/v2//Users//{created.json['id']}/").json == created.json


def test_a_request_line_of_8190_bytes_is_read(demo):
    path = f"{USERS}?filter=userName+eq+%22%22&padding="
    path += "a" * (8190 - len(f"GET {path} HTTP/1.1"))
    assert demo.request("GET", path).status == 200
    assert refusal(demo.request("GET", path + "a")) == 414


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (b"GET /scim/demo/v2/Users?filter=caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /scim/demo/v2/Users?filter=userName eq HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Name: a\x01b\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nExpect: everything\r\n\r\n", 417),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: a\r\n" % n for n in range(200)) + b"\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: rot13\r\n\r\n", 501),
    ],
)
def test_what_never_reaches_the_application_is_refused_in_scim(demo, message, status):
    assert refusal(demo.server.send(message)) == status


def test_an_answer_does_not_tell_the_version_of_the_server(demo):
    assert re.search(r"\d", demo.request("GET", USERS).headers.get("Server", "")) is None


def test_every_line_of_the_log_is_json_and_none_says_what_was_asked(demo):
    demo.request("GET", f"{USERS}?filter=userName+eq+%22secretly%22")
    demo.server.send(b"GET /scim/demo/v2/Users?filter=secretly caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n")
    demo.server.wait_for("request refused")
    assert {json.loads(line)["level"] for line in demo.server.lines} == {"info"}
    assert "secretly" not in "".join(demo.server.lines)


def test_a_second_start_says_how_to_get_another_token(demo):
    with serving("--workers", "1", "--demo", database_url=demo.database_url) as server:
        assert server.process.stdout
        said = server.process.stdout.readline() + server.process.stdout.readline()
    assert "Endpoint URL: http://127.0.0.1:" in said
    assert "token create demo" in said
    assert "vest_" not in said


def test_a_taken_port_is_one_sentence(demo):
    taken = vestibule("serve", "--bind", f"127.0.0.1:{demo.server.port}", database_url=demo.database_url)
    assert taken.returncode == 1
    assert taken.stderr == (
        f"Error: Port {demo.server.port} is taken by another program (127.0.0.1:{demo.server.port}): stop that"
        " program, or name another address with VESTIBULE_BIND or --bind.\n"
    )
    assert taken.stdout == ""


def test_an_address_of_another_machine_is_one_sentence(database_url):
    refused = vestibule("serve", bind="192.0.2.1:8080", database_url=database_url)
    assert refused.returncode == 1
    assert refused.stderr.startswith("Error: The server cannot listen at 192.0.2.1:8080 (")
    assert refused.stderr.count("\n") == 1


def test_a_database_that_was_not_migrated_is_one_sentence_and_is_not_made(tmp_path):
    path = tmp_path / "elsewhere" / "vestibule.db"
    refused = vestibule("serve", "--bind", f"127.0.0.1:{free_port()}", database_url=f"sqlite:///{path}")
    assert refused.returncode == 1
    assert refused.stderr == f"Error: There is no database {path}: run `vestibule migrate` first.\n"
    assert not path.parent.exists()


def test_a_server_that_is_stopped_writes_last_contacts_and_refusals(tmp_path):
    url = migrated(tmp_path)
    with serving("--workers", "1", "--demo", database_url=url) as server:
        assert server.process.stdout
        server.process.stdout.readline()
        first = server.process.stdout.readline().removeprefix("Secret token: ").strip()
        # The first contact is written at once, the next one some seconds later or at the end.
        assert server.request("GET", USERS, token=first).status == 200
        made = vestibule("token", "create", "demo", "--name", "second", database_url=url)
        second = made.stdout.splitlines()[1].removeprefix("Secret token: ")
        assert server.request("GET", USERS, token=second).status == 200
        assert server.request("GET", f"{USERS}/{NOBODY}", token=second).status == 404
        assert server.stop() == 0
    listed = json.loads(vestibule("token", "list", "demo", "--json", database_url=url).stdout)
    assert [token["lastUsed"] is None for token in listed] == [False, False]
    (newest, *_) = json.loads(vestibule("log", "demo", "--json", database_url=url).stdout)
    assert (newest["status"], newest["token"], newest["resource"]) == (404, "second", NOBODY)


def test_a_server_that_is_stopped_as_it_starts_ends_at_once(database_url):
    with serving("--workers", "8", database_url=database_url) as server:
        server.wait_for("Booting worker")
        server.process.terminate()
        assert server.process.wait(15) == 0
