"""An open database, SQLite or Postgres: transactions, compiled statements, and the differences between the two."""
