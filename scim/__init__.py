"""SCIM 2.0 without I/O: schemas, filters, PATCH, validation (RFC 7643, RFC 7644)."""
