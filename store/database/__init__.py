"""An open database, SQLite or Postgres: transactions, statements, and everything in which the two differ."""
