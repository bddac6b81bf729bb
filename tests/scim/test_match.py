"""Which documents a filter finds (RFC 7644 §3.4.2.2); tests/store compares the databases with the same."""

import pytest

from scim.binding import bind
from scim.filter import parse_filter
from scim.match import matches
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import CORE_GROUP, CORE_USER, ENTERPRISE_USER
from scim.types import TYPES

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
RFC = profile(PRESETS["rfc"], [CustomField(f"{kind}Field", kind) for kind in TYPES])

BABS = {
    "schemas": [CORE_USER, ENTERPRISE_USER, FIELDS],
    "id": "2819c223-7f76-453a-919d-413861904646",
    "externalId": "abc",
    "userName": "John",
    "name": {"givenName": "Éloïse", "familyName": "O'Malley"},
    "title": "100%_",
    "profileUrl": "https://example.com/Babs",
    "active": True,
    "emails": [
        {"value": "babs@work.example", "type": "work", "primary": True},
        {"value": "babs@home.example", "type": "home", "display": "Home"},
    ],
    "x509Certificates": [{"value": "YWI="}],
    "groups": [{"value": "g1", "display": "Tour Guides", "type": "direct"}],
    FIELDS: {
        "integerField": 9007199254740993,
        "decimalField": 0.5,
        "dateTimeField": "2026-11-23T09:00:00+01:00",
        "booleanField": False,
    },
    ENTERPRISE_USER: {"department": "Straße", "manager": {"value": "26118915", "displayName": "Jim"}},
    "meta": {"resourceType": "User", "lastModified": "2011-05-13T04:42:34.000Z", "version": 'W/"3"'},
}
GUIDES = {
    "schemas": [CORE_GROUP],
    "id": "e9e30dba",
    "displayName": "Tour Guides",
    "members": [
        {"value": "u1", "type": "User", "display": "Babs"},
        {"value": "g2", "type": "Group", "display": "More"},
    ],
}

# Filter, does it find Babs?
CASES = [
    # Strings by caseExact; any case of names and operators.
    ('userName Eq "john"', True),
    ('USERNAME eq "JOHN"', True),
    ('userName eq "jo"', False),
    ('externalId eq "abc"', True),
    ('externalId eq "ABC"', False),
    ('id eq "2819C223-7F76-453A-919D-413861904646"', False),
    ('name.givenName eq "e\\u0301LOI\\u0308SE"', True),
    ('name.familyName co "O\'Malley"', True),
    (f'{CORE_USER}:name.familyName sw "o\'"', True),
    ('department eq "STRASSE"', True),
    (f'{ENTERPRISE_USER.upper()}:department ew "SSE"', True),
    # Wildcards of LIKE are characters.
    ('title co "%_"', True),
    ('title co "0_"', False),
    ('title sw "1%"', False),
    ('title sw ""', True),
    ('nickName co ""', False),
    # Order by code points of the folded key.
    ('userName gt "JOHM"', True),
    ('userName ge "john"', True),
    ('userName lt "john"', False),
    ('userName le "JOHN"', True),
    # References, with regard to case.
    ('profileUrl ew "Babs"', True),
    ('profileUrl ew "babs"', False),
    ('meta.version eq "W/\\"3\\""', True),
    # Instants, numbers, booleans, bytes.
    ('meta.lastModified ge "2011-05-13T06:42:34+02:00"', True),
    ('meta.lastModified gt "2011-05-13T06:42:34+02:00"', False),
    (f'{FIELDS}:dateTimeField eq "2026-11-23T08:00:00Z"', True),
    (f"{FIELDS}:integerField eq 9007199254740993", True),
    (f"{FIELDS}:integerField gt 9007199254740992", True),
    (f"{FIELDS}:integerField lt 9007199254740993", False),
    (f"{FIELDS}:decimalField eq 5e-1", True),
    (f"{FIELDS}:decimalField le 0", False),
    ("active eq true", True),
    ('active eq "True"', True),
    (f"{FIELDS}:booleanField eq false", True),
    (f"{FIELDS}:booleanField ne false", False),
    (f"{FIELDS}:booleanField pr", True),
    ('x509Certificates eq "YWI"', True),
    ('x509Certificates eq "ywi="', False),
    # Any element; in brackets the same one.
    ('emails.type eq "work" and emails.value co "@home"', True),
    ('emails[type eq "work" and value co "@home"]', False),
    ('emails[type eq "work" and value co "@work"]', True),
    ('emails[type eq "WORK"].value eq "babs@work.example"', True),
    ('emails[type eq "home"].value eq "babs@work.example"', False),
    ('emails[not (type eq "work") and (primary eq true or display pr)]', True),
    ('emails[primary eq "True"]', True),
    ("emails[primary eq false]", False),
    ('emails co "@home"', True),
    ('groups[display eq "tour guides" and type eq "direct"]', True),
    ('manager eq "26118915"', True),
    ('manager[displayName sw "j"]', True),
    # Unassigned: nothing but ne and negations hold.
    ('nickName eq "x"', False),
    ('nickName ne "x"', True),
    ('not (nickName eq "x")', True),
    ("nickName pr", False),
    ("nickName eq null", True),
    ("nickName ne null", False),
    ("title eq null", False),
    ("title ne null", True),
    # ne of several values: none is equal. In brackets it is asked of each element.
    ('emails.type ne "work"', False),
    ('emails.type ne "other"', True),
    ('emails[type ne "work"]', True),
    ('emails[type eq "work"].value ne "x"', True),
    ('emails[type eq "work"].value ne "BABS@work.example"', False),
    ('emails[type eq "fax"].value ne "x"', True),
    ('phoneNumbers.value ne "x"', True),
    ('phoneNumbers[value ne "x"]', False),
    # Presence, at every depth.
    ("emails pr", True),
    ("emails.display pr", True),
    ('emails[type eq "work"].display pr', False),
    ("emails[display eq null]", True),
    ("phoneNumbers pr", False),
    ("name pr", True),
    ("name.middleName pr", False),
    ("manager pr", True),
    (f"{ENTERPRISE_USER} pr", True),
    (f'{ENTERPRISE_USER}[department pr and manager eq "26118915"]', True),
    (f'schemas eq "{ENTERPRISE_USER}"', True),
    (f'schemas[value eq "{CORE_GROUP}"]', False),
    ('meta[resourceType eq "User" and version pr]', True),
    # Precedence: not, and, or.
    ('nickName pr and title pr or userName eq "john"', True),
    ('nickName pr and (title pr or userName eq "john")', False),
    ("title pr or title pr and nickName pr", True),
    ("not (title pr) or active eq true", True),
    ("not (title pr or active eq true)", False),
    ("not(nickName pr)", True),
]


@pytest.mark.parametrize(("text", "found"), CASES, ids=[text for text, _ in CASES])
def test_a_filter_finds_babs_or_does_not(text, found):
    assert matches(bind(RFC.user, parse_filter(text)), BABS) is found


@pytest.mark.parametrize(("text", "found"), CASES, ids=[text for text, _ in CASES])
def test_its_negation_finds_her_just_when_it_does_not(text, found):
    assert matches(bind(RFC.user, parse_filter(f"not ({text})")), BABS) is not found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('displayName eq "TOUR guides"', True),
        ('members eq "u1"', True),
        ('members eq "U1"', False),
        ('members.value eq "u2"', False),
        ('members[value eq "u1" and type eq "group"]', False),
        ('members[type eq "Group"].display sw "mo"', True),
        ('id eq "e9e30dba" and members eq "g2"', True),
    ],
)
def test_a_filter_finds_the_group_or_does_not(text, found):
    assert matches(bind(RFC.group, parse_filter(text)), GUIDES) is found


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_what_is_empty_is_not_present(value):
    assert not matches(bind(RFC.user, parse_filter("title pr")), {"title": value})


def test_an_element_is_asked_by_itself():
    emails = RFC.user.targets["emails"]
    work = bind(RFC.user, parse_filter('type eq "work"'), emails)
    assert matches(work, {"type": "Work"}, emails)
    assert not matches(work, {"value": "work"}, emails)
