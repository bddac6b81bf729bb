"""The directory in a SQLite or Postgres database: what scim decides, kept."""
