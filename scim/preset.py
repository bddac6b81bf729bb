"""The presets as data, and the resource types that a tenant has by its preset and its custom fields."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scim.attributes import Attribute, ResourceType, Rule, Schema
from scim.schemas import COMMON, ENTERPRISE, GROUP, USER
from scim.types import TYPES

FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,99}")
"""What a custom field may be called: ATTRNAME of RFC 7643 §2.1, bounded."""

_MAPPING = "in Entra, map it with the expression Mid([preferredLanguage], 1, 2)"
TWO_LETTERS = Rule(re.compile(r"[A-Za-z]{2}"), f'must be a two-letter language code such as "en"; {_MAPPING}')

# Entra names this schema when it creates groups, and Microsoft's documentation misspells the enterprise URN.
_TOLERATED_GROUP = frozenset({"http://schemas.microsoft.com/2006/11/resourcemanagement/adscim/2.0/group"})
_TOLERATED_USER = frozenset({"urn:ietf:params:scim:schemas:extension:enterprise:2.0user"})


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field as it was declared."""

    name: str
    type: str
    description: str = ""
    indexed: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """One reading of SCIM.

    `forbidden`: the User attributes that are refused. `email_identifies`: the work e-mail identifies the user; it is
    required, unique and cannot be changed. `two_letter_language`: preferredLanguage is two letters, "en" by default.
    `skips_unknown_members`: an unknown member id is skipped with a warning where the same request names a known one.
    `fields_urn`: the URN of the extension that has the custom fields.
    """

    name: str
    description: str
    forbidden: frozenset[str] = frozenset()
    email_identifies: bool = False
    two_letter_language: bool = False
    skips_unknown_members: bool = False
    fields_urn: str = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"


PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "360learning",
            "for Microsoft Entra ID: the work e-mail is the identity, User.displayName is forbidden",
            forbidden=frozenset({"displayName"}),
            email_identifies=True,
            two_letter_language=True,
            skips_unknown_members=True,
        ),
        Preset("rfc", "for Okta and others: RFC 7643 as it stands, userName is the identity"),
    )
}
DEFAULT_PRESET = "360learning"


RESOURCE_TYPES = (
    ResourceType("User", "/Users", "User Account", USER, (ENTERPRISE,), _TOLERATED_USER, by_preset=True),
    ResourceType("Group", "/Groups", "Group", GROUP, (), _TOLERATED_GROUP),
)
"""Every resource type before a preset is applied, in the order in which they are published. /ResourceTypes, /Schemas,
openapi.json, searches over all types and bulk jobs follow."""


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """What one tenant accepts and publishes: a preset together with the tenant's custom fields."""

    preset: Preset
    types: tuple[ResourceType, ...]

    def type(self, name: str) -> ResourceType:
        """The resource type of that name."""
        return next(each for each in self.types if each.name == name)

    @property
    def user(self) -> ResourceType:
        """Users, which custom fields and the preset are about."""
        return self.types[0]

    @property
    def group(self) -> ResourceType:
        """Groups, whose members are resources of any type."""
        return self.types[1]


def profile(preset: Preset, fields: Iterable[CustomField] = ()) -> Profile:
    """The resource types of a tenant with this preset and these custom fields."""
    fields = tuple(fields)
    return Profile(preset, tuple(_resource_type(declared, preset, fields) for declared in RESOURCE_TYPES))


def _resource_type(declared: ResourceType, preset: Preset, fields: Sequence[CustomField]) -> ResourceType:
    schema, extensions = declared.schema, declared.extensions
    if declared.by_preset:
        schema = replace(schema, attributes=tuple(_as_preset(preset, attribute) for attribute in schema.attributes))
    if declared.by_preset and fields:
        attributes = tuple(_field_attribute(field) for field in fields)
        custom = Schema(preset.fields_urn, "CustomFields", "Custom fields declared for this tenant", attributes)
        # Enterprise User comes last: its computed manager is spliced in at the end of the stored document.
        extensions = (custom, *extensions)
    return replace(declared, schema=schema, extensions=extensions, common=COMMON)


def _as_preset(preset: Preset, attribute: Attribute) -> Attribute:
    if attribute.name in preset.forbidden:
        return replace(attribute, forbidden=True, hint=f"forbidden {attribute.name}")
    if attribute.name == "emails" and preset.email_identifies:
        return replace(attribute, required=True, identifies=True)
    if attribute.name == "preferredLanguage" and preset.two_letter_language:
        return replace(attribute, rule=TWO_LETTERS, default="en")
    return attribute


def _field_attribute(field: CustomField) -> Attribute:
    value_type = TYPES[field.type]
    return Attribute(
        field.name, field.type, case_exact=value_type.case_exact, reference_types=value_type.reference_types,
        hint="custom field", description=field.description,
    )  # fmt: skip
