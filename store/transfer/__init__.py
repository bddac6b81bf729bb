"""Users and groups from files and into files."""
