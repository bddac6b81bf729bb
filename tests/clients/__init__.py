"""Conversations with SCIM clients, as JSON, and the replayer that holds the server to them."""
