"""The `vestibule` command line."""

import os

import click

from app.cli import fields, groups, indexes, log, server, tenants, tokens, transfer, users
from app.cli.failures import Sentences


@click.group("vestibule", cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
def vestibule() -> None:
    """A lightweight SCIM 2.0 server. Settings come from the environment: see docs/settings.md."""


for command in (
    server.serve, server.migrate, server.check, tenants.tenant, tokens.token, fields.field, indexes.index, users.user,
    groups.group, transfer.import_resources, transfer.export_resources, log.log,
):  # fmt: skip
    vestibule.add_command(command)


def main() -> None:
    """Run the command that the arguments name, and exit."""
    # The files that it writes hold personal data, so only the user that it runs as may read them.
    os.umask(0o077)
    vestibule(prog_name="vestibule")
