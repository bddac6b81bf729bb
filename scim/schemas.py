"""User, Enterprise User and Group as tables of attributes (RFC 7643 §3.1, §4, §8.7.1 with their errata)."""

import re
from typing import Any

from scim.attributes import Attribute, Rule, Schema

CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"

ELEMENTS = 1_000
"""How many elements a list of a user has at most; groups may have any number of members."""

NAME_LENGTH = 512
"""The longest userName, e-mail address, group displayName and externalId, in characters."""

NOT_BLANK = Rule(re.compile(r"\s*\S.*", re.DOTALL), "must not be blank")


def text(name: str, description: str = "", **characteristics: Any) -> Attribute:
    """A singular string attribute with the defaults of RFC 7643 §2.2."""
    return Attribute(name, description=description, **characteristics)


def complex_attribute(name: str, description: str, *sub_attributes: Attribute, **characteristics: Any) -> Attribute:
    """A complex attribute of these sub-attributes."""
    return Attribute(name, "complex", sub_attributes=sub_attributes, description=description, **characteristics)


def plural(name: str, description: str, value: Attribute, *types: str) -> Attribute:
    """A multi-valued attribute with the default sub-attributes of RFC 7643 §2.4."""
    return complex_attribute(
        name, description, value,
        text("display", "A name for the value, to be shown to people."),
        text("type", "What the value is for.", canonical_values=types),
        Attribute("primary", "boolean", description="Whether this is the preferred value; true at most once."),
        multi_valued=True, max_elements=ELEMENTS,
    )  # fmt: skip


def reference(name: str, description: str, *types: str, **others: Any) -> Attribute:
    """A reference attribute; references compare with regard to case (RFC 7643 §2.3.7)."""
    return Attribute(name, "reference", case_exact=True, reference_types=types, description=description, **others)


def _read_only(name: str, type: str = "string", description: str = "", **characteristics: Any) -> Attribute:
    return Attribute(name, type, mutability="readOnly", description=description, **characteristics)


COMMON = (
    Attribute(
        "schemas", "reference", multi_valued=True, required=True, case_exact=True, returned="always",
        reference_types=("uri",), description="The URNs of the schemas that the resource uses.", computed=True,
    ),
    _read_only(
        "id", description="The resource's identifier, given by the server.", required=True, case_exact=True,
        returned="always", uniqueness="server", computed=True,
    ),
    text(
        "externalId", "The identifier that the client knows the resource by.", case_exact=True, max_length=NAME_LENGTH
    ),
    complex_attribute(
        "meta", "What the server knows about the resource.",
        _read_only("resourceType", description="The name of the resource type.", case_exact=True),
        _read_only("created", "dateTime", "When the resource was created."),
        _read_only("lastModified", "dateTime", "When the resource was last changed."),
        _read_only("location", "reference", "The resource's URI.", case_exact=True, reference_types=("uri",)),
        _read_only("version", description="The resource's ETag.", case_exact=True),
        mutability="readOnly", computed=True,
    ),
)  # fmt: skip
"""The attributes of every resource (RFC 7643 §3, §3.1); they are not published in /Schemas."""

USER = Schema(
    CORE_USER, "User", "User Account",
    (
        text(
            "userName", "The name the person signs in with.", required=True, uniqueness="server",
            max_length=NAME_LENGTH, compare="userName", rule=NOT_BLANK,
        ),
        complex_attribute(
            "name", "The parts of the person's name.",
            text("formatted", "The whole name, to be shown to people."),
            text("familyName", "The family name, or last name."),
            text("givenName", "The given name, or first name."),
            text("middleName", "The middle name or names."),
            text("honorificPrefix", "A title before the name, such as Ms."),
            text("honorificSuffix", "What follows the name, such as III."),
        ),
        text("displayName", "The name shown to people."),
        text("nickName", "What the person is called casually."),
        reference("profileUrl", "The URL of the person's profile page.", "external"),
        text("title", "The person's job title."),
        text("userType", "How the organization and the person are related, such as Employee."),
        text("preferredLanguage", "The person's preferred language.", hint="preferredLanguage"),
        text("locale", "Where the person is, for formats of dates and currency, such as en-US."),
        text("timezone", "The person's time zone by its IANA name, such as Europe/Paris."),
        Attribute(
            "active", "boolean", default=True, description="Whether the person may use the application.", hint="active"
        ),
        plural(
            "emails", "E-mail addresses.",
            text("value", "An e-mail address.", max_length=NAME_LENGTH, compare="email"), "work", "home", "other",
        ),
        plural("phoneNumbers", "Telephone numbers.", text("value", "A telephone number."), "work", "home", "mobile",
        "fax", "pager", "other"),
        plural("ims", "Instant messaging addresses.", text("value", "An instant messaging address."), "aim", "gtalk",
        "icq", "xmpp", "msn", "skype", "qq", "yahoo", "other"),
        plural("photos", "Pictures of the person.", reference("value", "The URL of a picture.", "external"), "photo",
        "thumbnail"),
        complex_attribute(
            "addresses", "Postal addresses.",
            text("formatted", "The whole address, ready for a label."),
            text("streetAddress", "Street, house number, post office box."),
            text("locality", "The city."),
            text("region", "The state or region."),
            text("postalCode", "The postal code."),
            text("country", "The country."),
            text("type", "What the address is for.", canonical_values=("work", "home", "other")),
            Attribute("primary", "boolean", description="Whether this is the preferred address; true at most once."),
            multi_valued=True, max_elements=ELEMENTS,
        ),
        complex_attribute(
            "groups", "The groups the person belongs to; changed through the groups.",
            _read_only("value", description="The group's id.", case_exact=True),
            _read_only("$ref", "reference", "The group's URI.", case_exact=True, reference_types=("Group",)),
            _read_only("display", description="The group's displayName."),
            _read_only("type", description="direct, or by nesting.", canonical_values=("direct", "indirect")),
            multi_valued=True, mutability="readOnly", computed=True,
        ),
        # RFC 7643 names no types for these three; clients are served with any other type as well.
        plural("entitlements", "What the person is entitled to.", text("value", "An entitlement."), "application",
        "license", "other"),
        plural("roles", "The person's roles.", text("value", "A role."), "WindowsAzureActiveDirectoryRole",
        "application", "organization", "other"),
        plural(
            "x509Certificates", "Certificates of the person.",
            Attribute("value", "binary", case_exact=True, description="A DER certificate in base64."),
            "authentication", "signing", "encryption", "other",
        ),
        Attribute(
            "password", mutability="writeOnly", returned="never", case_exact=True,
            description="Accepted and dropped, never stored.",
        ),
    ),
)  # fmt: skip

ENTERPRISE = Schema(
    ENTERPRISE_USER, "EnterpriseUser", "Enterprise User",
    (
        text("employeeNumber", "The identifier the organization knows the person by."),
        text("costCenter", "The cost center."),
        text("organization", "The organization."),
        text("division", "The division."),
        text("department", "The department."),
        complex_attribute(
            "manager", "The person's manager.",
            text("value", "The id of the manager's User.", case_exact=True),
            reference("$ref", "The URI of the manager's User.", "User"),
            _read_only("displayName", description="The manager's name."),
        ),
    ),
    short=True,
)  # fmt: skip

GROUP = Schema(
    CORE_GROUP, "Group", "Group",
    (
        text(
            "displayName", "The group's name.", required=True, uniqueness="server", max_length=NAME_LENGTH,
            compare="groupName",
        ),
        complex_attribute(
            "members", "The group's members.",
            text("value", "The id of the member.", case_exact=True, mutability="immutable"),
            reference("$ref", "The URI of the member.", "User", "Group", mutability="immutable"),
            text("type", "User or Group.", canonical_values=("User", "Group"), mutability="immutable"),
            _read_only("display", description="The member's name."),
            multi_valued=True, ignored=frozenset({"displayname"}),
        ),
    ),
)  # fmt: skip
