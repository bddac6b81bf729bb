"""Suites that others wrote, run against a live server: `make conformance`."""
