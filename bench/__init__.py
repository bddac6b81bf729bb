"""What Vestibule costs, measured over HTTP: `make bench`; docs/performance.md explains the figures."""
