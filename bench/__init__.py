"""What Vestibule costs, measured through the wire: `make bench`; docs/performance.md says how to read it."""
