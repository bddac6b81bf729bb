"""Bound filters and sort targets as SQL, and the index table that serves them."""
