"""Changes of users and groups that only the platform side makes."""
