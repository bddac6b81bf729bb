"""Users and groups in the database: reading, searching, writing."""
