"""The resource types that are served, each by the last part of its endpoint (RFC 7643 §6, RFC 7644 §3.2)."""

from store.resources.groups import Groups
from store.resources.users import Users
from store.resources.writing import Resources

RESOURCES: dict[str, type[Resources]] = {"Users": Users, "Groups": Groups}
"""The fast path, bulk jobs, searches over all types and the provisioning log follow from it. A view finds the resources
of its type on `g`: those of "Users" are g.users."""
