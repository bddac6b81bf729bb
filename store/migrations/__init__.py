"""Numbered steps that bring a database's tables up to date; each runs once, in order."""
