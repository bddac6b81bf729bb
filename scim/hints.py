"""How an administrator mends, in Entra or Okta, what was refused: hints for the provisioning log."""

import re

_HINTS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), hint)
    for pattern, hint in (
        (
            r"key found: displayName$",
            "Entra: remove the displayName row from the user attribute mapping. "
            "Okta always sends displayName: use a tenant with the preset rfc.",
        ),
        (
            r"(key found: |schemas holds \")urn:ietf:params:scim:schemas:extension:360learning:",
            "Declare the custom field with `vestibule field add`, or remove it from the attribute mapping.",
        ),
        (r"key found: ", "Remove the attribute from the attribute mapping, or correct its name there."),
        (
            r"preferredLanguage must be",
            "Entra: edit the preferredLanguage mapping, type Expression: Mid([preferredLanguage], 1, 2).",
        ),
        (
            r"work e-mail is required",
            'Entra: map mail to emails[type eq "work"].value and give the user a mail address.',
        ),
        (
            r"with the work e-mail",
            'Entra: let emails[type eq "work"].value match existing users first, with matching precedence 1.',
        ),
        (r"with the userName", "Entra: check that no two users in scope have the same user name."),
        (r"with the displayName", "Entra: let externalId match groups first, or give the groups different names."),
        (r"^manager must be the id", "Provision the manager first; Entra sends the reference again in its next cycle."),
        (r"^members must be ids", "Provision the members first; Entra sends them again in its next cycle."),
        (
            r"^active must be",
            'Entra: map active by the expression Switch([IsSoftDeleted], , "False", "True", "True", "False").',
        ),
        (
            r"^urn:ietf:params:scim:schemas:extension:360learning:2\.0:User:\S+ must be",
            "Correct the source value, choose the attribute's type in the client as docs/entra.md has it, "
            "or declare the field anew as string.",
        ),
        (r"must be .* \(type \w+\), not", "Correct the source attribute or the expression in the attribute mapping."),
        (r"must (have at most|lie between)", "Correct the value in the client's directory, or map another attribute."),
        (r"is required and must have a value", "Map an attribute to it that has a value for everybody."),
        (r"is read-only: ", "Remove the attribute from the attribute mapping."),
        (
            r"^There is no (User|Group) with the id",
            "It was deleted here, and the client still has the link. "
            "Entra: Restart provisioning makes it look for everybody again.",
        ),
        (r"^There is nothing at this URL", "Give the client the Endpoint URL as `vestibule tenant list` shows it."),
        (
            r"without a valid token",
            "Paste the tenant's Secret Token into the client again, or create a new one; "
            "`vestibule token list TENANT` says which are in force.",
        ),
        (r"may only read", "Create a token with the scope provision: `vestibule token create TENANT`."),
    )
)


def hint(detail: str) -> str | None:
    """What to do about a refusal with this sentence, None where the sentence says it all."""
    return next((text for pattern, text in _HINTS if pattern.search(detail)), None)
