"""Tenants and what belongs to them: tokens, custom fields, indexes, the provisioning log."""
