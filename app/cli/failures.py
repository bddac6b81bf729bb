"""Every failure of a command as one sentence on stderr: the only place where the command line catches."""

from typing import Any

import click
from peewee import PeeweeException

from app.cli.output import printable
from app.settings import SettingError
from scim.errors import ScimError, Unavailable
from store.database.transactions import MigrationNeeded, NewerDatabase, Unconfirmed

FAILURES = (ScimError, SettingError, MigrationNeeded, NewerDatabase, PeeweeException, OSError, UnicodeError)
"""Failures that an operator can cause; any other is a bug and shows its traceback."""


INTERRUPTED = "Interrupted: what was written by then stays, and the same command does the rest."
"""Every command that writes more than once may be given again."""


class Sentences(click.Group):
    """A group whose failing commands print one sentence and exit with status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that the arguments name. Raises ClickException."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # The reader of the output has closed it; click exits quietly.
            raise
        except FAILURES as error:
            raise click.ClickException(printable(sentence(error))) from error
        except KeyboardInterrupt as error:
            raise click.ClickException(INTERRUPTED) from error


def sentence(error: Exception) -> str:
    """What the operator is told of a failure."""
    if isinstance(error, Unconfirmed):
        return str(error)
    if isinstance(error, PeeweeException) or (isinstance(error, Unavailable) and error.__cause__):
        # Drivers write paragraphs with advice of their own; the first line says what is wrong.
        reason = str(error if isinstance(error, PeeweeException) else error.__cause__).strip().partition("\n")[0]
        return f"The database cannot be used: {reason.rstrip('.')}."
    if isinstance(error, UnicodeError):
        return "An argument is not UTF-8 text."
    if isinstance(error, OSError):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    return str(error)
