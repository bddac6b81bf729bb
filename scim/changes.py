"""The differences that a write made, attribute by attribute, for the provisioning log."""

from typing import Any

from scim.document import Document


def differences(before: Document, after: Document, prefix: str = "") -> list[dict[str, Any]]:
    """One entry for each attribute that differs: `attribute`, and `before` and `after` if there is a value. Singular
    complex attributes and extensions are compared member by member, lists as a whole."""
    found: list[dict[str, Any]] = []
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if isinstance(old or {}, dict) and isinstance(new or {}, dict) and (old or new):
            found += differences(old or {}, new or {}, f"{prefix}{name}{':' if ':' in name else '.'}")
        elif old != new:
            entry = {"attribute": f"{prefix}{name}", "before": old, "after": new}
            found.append({key: value for key, value in entry.items() if value is not None})
    return found
