"""The command line as an operator uses it, on the suite's database."""

from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from app import auth
from app.cli import vestibule as command
from store.database.transactions import Database
from tests.conftest import BASE_URL

Vestibule = Callable[..., Result]


@pytest.fixture
def run(app: Flask, database: Database, database_url: str) -> Vestibule:
    """Runs the command on the suite's database; keywords are further settings, or `input` from the keyboard."""

    def run(*arguments: str, input: Any = None, **settings: str) -> Result:
        given = {"database_url": database_url, "public_url": BASE_URL} | settings
        auth.gate(app).background.flush()
        runner = CliRunner(env={f"VESTIBULE_{name.upper()}": value for name, value in given.items()})
        return runner.invoke(command, arguments, input=input, obj=database, catch_exceptions=False)

    return run


@pytest.fixture
def vestibule(run: Vestibule) -> Callable[..., str]:
    """Runs a command that succeeds; returns what it printed."""

    def succeed(*arguments: str, **given: Any) -> str:
        result = run(*arguments, **given)
        assert result.exit_code == 0, result.output
        return result.stdout

    return succeed


@pytest.fixture
def refusal(run: Vestibule) -> Callable[..., str]:
    """Runs a command that fails by an operator's mistake; returns the one sentence."""

    def fail(*arguments: str, **given: Any) -> str:
        result = run(*arguments, **given)
        assert (result.exit_code, result.stdout) == (1, "")
        return sentence(result.stderr)

    return fail


def sentence(stderr: str) -> str:
    """The one sentence that a failed command wrote."""
    assert stderr.startswith("Error: ")
    assert stderr.endswith((".\n", "?\n"))
    assert stderr.count("\n") == 1
    return stderr.removeprefix("Error: ").rstrip("\n")
