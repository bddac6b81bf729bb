"""What only the platform side does with users and groups."""
