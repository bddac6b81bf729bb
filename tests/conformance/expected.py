"""The findings of the suites that stay, each with its reason: a run fails on any other, and on one that is gone.

docs/conformance.md explains how the RFCs are read.
"""

_FILLED = "the server adds the name of the one referred to; the suite wants exactly what it sent"
_ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

_TESTER = {
    f"User check_add_attribute {_ENTERPRISE}": f"manager.displayName is read-only: {_FILLED}",
    f"User check_add_attribute {_ENTERPRISE}:manager": f"manager.displayName is read-only: {_FILLED}",
    f"User check_replace_attribute {_ENTERPRISE}": f"manager.displayName is read-only: {_FILLED}",
    f"User check_replace_attribute {_ENTERPRISE}:manager": f"manager.displayName is read-only: {_FILLED}",
    "Group check_add_attribute members": f"members.display is read-only: {_FILLED}",
    "Group check_replace_attribute members": f"members.display is read-only: {_FILLED}",
    "User check_remove_attribute active": "what is unassigned takes its default, and active defaults to true",
}

TESTER = {
    "rfc": _TESTER,
    "360learning": _TESTER
    | {
        "User check_replace_attribute emails": "the work e-mail identifies the user and is kept",
        "User check_remove_attribute preferredLanguage": "preferredLanguage defaults to en",
    },
}
"""scim2-tester: `resource type, check, attribute` by preset."""

SANITY = {
    "PATCH /Groups/{id}": "the PATCH of a group answers 204 (RFC 7644 §3.5.2); the suite wants 200",
    "PATCH /Groups/{id} remove members": "the PATCH of a group answers 204 (RFC 7644 §3.5.2); the suite wants 200",
    "PATCH /Groups/{id} add member": "the suite adds a member that does not exist, and wants 200",
}
"""scim-sanity: checks on the preset rfc."""

SANITY_SKIPPED = {
    "Agent CRUD Lifecycle": "agents are resources of a draft, which are not offered",
    "AgenticApplication CRUD Lifecycle": "the same",
    "Agent Rapid Lifecycle": "the same",
}
"""scim-sanity: what it leaves out, since the server does not publish it. scim2-tester leaves out nothing."""
