"""Third-party conformance suites, run against a live server: `make conformance`."""
