"""How an administrator corrects, in Entra or Okta, what was refused: hints for the provisioning log."""

HINTS: dict[str, str] = {
    "forbidden displayName": "Entra: remove the displayName row from the user attribute mapping. "
    "Okta always sends displayName: use a tenant with the preset rfc.",
    "undeclared field": "Declare the custom field with `vestibule field add`, or remove it from the attribute mapping.",
    "unknown key": "Remove the attribute from the attribute mapping, or correct its name there.",
    "preferredLanguage": "Entra: edit the preferredLanguage mapping, type Expression: Mid([preferredLanguage], 1, 2).",
    "no work e-mail": 'Entra: map mail to emails[type eq "work"].value and give the user a mail address.',
    "taken work e-mail": 'Entra: let emails[type eq "work"].value match existing users first, '
    "with matching precedence 1.",
    "taken userName": "Entra: check that no two users in scope have the same user name.",
    "taken displayName": "Entra: let externalId match groups first, or give the groups different names.",
    "manager": "Provision the manager first; Entra sends the reference again in its next cycle.",
    "members": "Provision the members first; Entra sends them again in its next cycle.",
    "active": 'Entra: map active by the expression Switch([IsSoftDeleted], , "False", "True", "True", "False").',
    "custom field": "Correct the source value, choose the attribute's type in the client as docs/entra.md has it, "
    "or declare the field anew as string.",
    "type": "Correct the source attribute or the expression in the attribute mapping.",
    "limit": "Correct the value in the client's directory, or map another attribute.",
    "required": "Map an attribute to it that has a value for everybody.",
    "read-only": "Remove the attribute from the attribute mapping.",
    "deleted": "It was deleted here, and the client still has the link. "
    "Entra: Restart provisioning makes it look for everybody again.",
    "URL": "Give the client the Endpoint URL as `vestibule tenant list` shows it.",
    "token": "Paste the tenant's Secret Token into the client again, or create a new one; "
    "`vestibule token list TENANT` says which are in force.",
    "scope": "Create a token with the scope provision: `vestibule token create TENANT`.",
}
"""The hints by the keys that errors carry (`ScimError.hint`)."""


def hint(key: str | None) -> str | None:
    """The hint with this key, None where the sentence says it all."""
    return HINTS.get(key) if key else None
