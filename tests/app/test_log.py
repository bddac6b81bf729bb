"""The server's own log says what happened, without personal data (RFC 7644 §7.5.2)."""

import json
import logging
import sqlite3

import pytest

from app import log
from app.settings import Settings


@pytest.fixture
def lines(capsys):
    log.configure(Settings(log_level="debug"))
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    log.LOGGER.handlers = []


def test_a_request_is_one_line_with_its_outcome(lines):
    log.request_line(
        id="r1", tenant="acme", method="PATCH", route="/scim/<tenant>/v2/Users/<id>", status=400, seconds=0.01234,
        scim_type="invalidValue",
    )  # fmt: skip
    (line,) = lines()
    assert line.pop("time").endswith("Z")
    assert line == {
        "level": "info", "event": "request", "request": "r1", "tenant": "acme", "method": "PATCH",
        "route": "/scim/<tenant>/v2/Users/<id>", "status": 400, "ms": 12.3, "scimType": "invalidValue",
    }  # fmt: skip


def test_what_is_not_known_is_left_out_and_a_failure_is_an_error(lines):
    log.request_line(id="r2", tenant=None, method="GET", route=None, status=503, seconds=1.0)
    (line,) = lines()
    assert line["level"] == "error"
    assert line.keys() == {"time", "level", "event", "request", "method", "status", "ms"}


def test_a_newline_from_a_client_starts_no_second_line(lines):
    log.request_line(id="r3", tenant=None, method='GET\n{"level": "error"}', route=None, status=501, seconds=0.0)
    (line,) = lines()
    assert line["method"] == 'GET\n{"level": "error"}'


def test_an_error_is_told_by_type_and_place_without_the_values_in_its_text(lines):
    try:
        try:
            raise sqlite3.IntegrityError("adele@contoso.com exists")
        except sqlite3.IntegrityError as error:
            raise RuntimeError("Adele Vance") from error
    except RuntimeError:
        log.LOGGER.exception("unexpected")
    (line,) = lines()
    assert [each["type"] for each in line["error"]] == ["RuntimeError", "IntegrityError"]
    assert "test_log.py" in line["error"][0]["at"][-1]
    assert "Adele" not in json.dumps(line)
    assert "adele" not in json.dumps(line)


def test_the_statements_of_the_database_are_never_logged(lines):
    logging.getLogger("peewee").debug(("SELECT ?", ["adele@contoso.com"]))
    assert lines() == []


def test_a_second_configuration_replaces_the_first(lines):
    log.configure(Settings(log_level="warning"))
    log.request_line(id="r4", tenant=None, method="GET", route=None, status=200, seconds=0.0)
    log.request_line(id="r5", tenant=None, method="GET", route=None, status=500, seconds=0.0)
    assert [line["request"] for line in lines()] == ["r5"]
