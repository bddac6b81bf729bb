"""Imports and exports users and groups as files."""
