"""Postgres behind PgBouncer in transaction mode, where sessions keep nothing, serves the same conversations."""

import psycopg
import pytest

from scim.errors import Unavailable
from store.database.transactions import Database
from tests.app.test_conversations import EVERY
from tests.clients.conversation import replay

pytestmark = pytest.mark.parametrize("database_url", ["pgbouncer"], indirect=True, scope="session")


@EVERY
def test_conversation_through_a_pooler(conversation, make_client, run):
    replay(conversation, make_client(conversation.document["preset"]), run)


@pytest.fixture
def hurried(database, database_url):
    """A database whose statements may take a tenth of a second."""
    own = Database(database_url, statement_timeout=0.1, prepared_statements=False)
    yield own
    own.close()
    database.use()


def test_a_statement_in_a_transaction_ends_in_time_and_leaves_no_timeout_behind(hurried, database_url):
    with pytest.raises(Unavailable):
        hurried.write(lambda _: hurried.db.execute_sql("SELECT pg_sleep(30)"))
    with psycopg.connect(database_url, autocommit=True, prepare_threshold=None) as other:
        # PgBouncer gives this session the one that was used last.
        assert other.execute("SHOW statement_timeout").fetchone() == ("0",)
