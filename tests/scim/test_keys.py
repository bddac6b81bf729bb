"""Comparison keys: equal keys are equal values, and their order is the values' order (RFC 7643 §2.3, §7, RFC 7644
§3.4.2.2, §5)."""

import unicodedata

import pytest

from scim import keys
from scim.attributes import Attribute
from scim.preset import PRESETS, CustomField, profile
from scim.schemas import ENTERPRISE_USER

FIELDS = "urn:ietf:params:scim:schemas:extension:360learning:2.0:User"
COMPOSED, DECOMPOSED = "\u00c9cole", "E\u0301cole"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("2011-05-13T04:42:34Z", "2011-05-13T04:42:34.000000000Z"),
        ("2011-05-13T04:42:34", "2011-05-13T04:42:34.000000000Z"),
        ("2011-05-13t04:42:34z", "2011-05-13T04:42:34.000000000Z"),
        ("2011-05-13T06:42:34+02:00", "2011-05-13T04:42:34.000000000Z"),
        ("2011-05-12T23:12:34-05:30", "2011-05-13T04:42:34.000000000Z"),
        ("2011-05-13T04:42:34-00:00", "2011-05-13T04:42:34.000000000Z"),
        ("2011-05-13T18:42:34+14:00", "2011-05-13T04:42:34.000000000Z"),
        ("2011-05-13T04:42:34.5Z", "2011-05-13T04:42:34.500000000Z"),
        ("2011-05-13T04:42:34.123456789Z", "2011-05-13T04:42:34.123456789Z"),
        ("2011-05-13T04:42:34.1234567899Z", "2011-05-13T04:42:34.123456789Z"),
        ("2011-05-13T24:00:00Z", "2011-05-14T00:00:00.000000000Z"),
        ("2011-12-31T24:00:00.000Z", "2012-01-01T00:00:00.000000000Z"),
        ("2012-02-29T23:30:00-01:00", "2012-03-01T00:30:00.000000000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000000Z"),
        ("0999-06-01T12:00:00Z", "0999-06-01T12:00:00.000000000Z"),
        ("9999-12-31T23:59:59.9Z", "9999-12-31T23:59:59.900000000Z"),
    ],
)
def test_a_date_and_time_becomes_its_instant_in_utc(text, key):
    assert keys.instant(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "today",
        "2011-05-13",
        "2011-05-13 04:42:34Z",
        "2011-05-13T04:42Z",
        "2011-05-13T04:42:34+0200",
        "2011-05-13T04:42:34+02",
        "2011-05-13T04:42:34+14:01",
        "2011-05-13T04:42:34+02:60",
        "2011-05-13T04:42:34.Z",
        "2011-05-13T04:42:60Z",
        "2011-05-13T24:00:01Z",
        "2011-05-13T24:00:00.1Z",
        "2011-05-13T25:00:00Z",
        "2011-13-01T00:00:00Z",
        "2011-02-29T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-0001-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "9999-12-31T24:00:00Z",
        "2011-05-13T04:42:34Z\n",
        "٢٠١١-05-13T04:42:34Z",
    ],
)
def test_what_is_no_date_and_time_has_no_instant(text):
    with pytest.raises(ValueError, match=r"."):
        keys.instant(text)


def test_the_order_of_instants_is_the_order_of_their_keys():
    texts = [
        "0001-01-01T00:00:00Z",
        "0999-12-31T23:59:59.999Z",
        "2011-05-13T06:42:33+02:00",
        "2011-05-13T04:42:33.5Z",
        "2011-05-12T22:42:34-06:00",
        "2011-05-13T24:00:00Z",
        "9999-12-31T23:59:59Z",
    ]
    made = [keys.instant(text) for text in texts]
    assert made == sorted(made)
    assert len({len(key) for key in made}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("BJensen", "bjensen"),
        (COMPOSED, DECOMPOSED),
        (COMPOSED, "école"),
        (DECOMPOSED, "ÉCOLE"),
        ("Straße", "STRASSE"),
        ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("ŉ", "ʼN"),
        ("Ά", "ά"),
        ("\u1fb4", "\u03b1\u0345\u0301"),
    ],
)
def test_text_compared_without_regard_to_case_has_one_key(one, other):
    assert keys.folded(one) == keys.folded(other)
    assert keys.username(one) == keys.username(other)


@pytest.mark.parametrize(("one", "other"), [("École", "Ecole"), ("ＡＢＣ", "abc"), ("a b", "ab"), ("1", "１")])
def test_text_that_differs_in_more_than_case_has_two_keys(one, other):
    assert keys.folded(one) != keys.folded(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ＡＢＣ", "abc"), ("ａｂｃ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ABC@example.com"), ("ｶﾞ", "ガ"), ("１", "1")],
)
def test_a_user_name_is_the_same_in_full_width_and_half_width(one, other):
    assert keys.username(one) == keys.username(other)


@pytest.mark.parametrize(("one", "other"), [("ﬁ", "fii"), ("①", "1"), ("ª", "a")])
def test_a_user_name_keeps_every_other_compatibility_character(one, other):
    assert keys.username(one) != keys.username(other)


def test_text_compared_with_regard_to_case_keeps_it_and_is_composed():
    assert keys.exact("ABC") == "ABC"
    assert keys.exact(DECOMPOSED) == COMPOSED
    assert keys.exact("ABC") != keys.exact("abc")


@pytest.mark.parametrize("text", ["", "plain", "MiXeD", COMPOSED, DECOMPOSED, "Straße", "ΐ", "ǰ", "İ", "ﬃ", "ᾳ\u0301"])
def test_a_key_is_its_own_key(text):
    for key in (keys.exact, keys.folded, keys.username):
        assert key(key(text)) == key(text)
        assert unicodedata.is_normalized("NFC", key(text))


@pytest.mark.parametrize(
    ("text", "key"),
    [("QQ==", "QQ=="), ("QQ", "QQ=="), ("QR==", "QQ=="), ("QUI", "QUI="), ("QUJD", "QUJD"), ("+/+/", "+/+/")],
)
def test_base64_becomes_the_padded_form_of_its_bytes(text, key):
    assert keys.base64_of(text) == key


@pytest.mark.parametrize("text", ["Q", "QQQQQ", "Q Q=", "QQ==\n", "-_-_", "Q=Q=", "é", "\ud800"])
def test_what_is_no_base64_has_no_key(text):
    with pytest.raises(ValueError, match=r"."):
        keys.base64_of(text)


@pytest.mark.parametrize(
    ("attribute", "value", "key"),
    [
        (Attribute("title"), "Tour GUIDE", "tour guide"),
        (Attribute("externalId", case_exact=True), "701984-A", "701984-A"),
        (Attribute("title"), "ＡＢＣ", "ａｂｃ"),
        (Attribute("userName", username=True), "ＡＢＣ", "abc"),
        (Attribute("profileUrl", "reference", case_exact=True), "https://Example.com/", "https://Example.com/"),
        (Attribute("active", "boolean"), False, False),
        (Attribute("count", "integer"), 9007199254740993, 9007199254740993),
        (Attribute("ratio", "decimal"), 0.1, 0.1),
        (Attribute("hired", "dateTime"), "2020-01-01T01:00:00+01:00", "2020-01-01T00:00:00.000000000Z"),
        (Attribute("photo", "binary", case_exact=True), "QQ", "QQ=="),
    ],
)
def test_the_type_and_the_case_of_an_attribute_decide_on_its_key(attribute, value, key):
    assert keys.key_function(attribute)(value) == key


def test_a_document_of_keys_has_the_form_of_the_document():
    user = profile(PRESETS["rfc"], [CustomField("hired", "dateTime")]).user
    document = {
        "userName": "BJensen",
        "externalId": "A-1",
        "name": {"familyName": "Straße"},
        "active": True,
        "emails": [{"value": "Babs@Example.com", "type": "Work", "primary": True}, {"value": "b@x"}],
        ENTERPRISE_USER: {"department": "Tours", "manager": {"value": "A-2"}},
        FIELDS: {"hired": "2020-01-01T00:00:00"},
        "strange": "left out",
    }
    assert keys.keys(user.attributes, document) == {
        "userName": "bjensen",
        "externalId": "A-1",
        "name": {"familyName": "strasse"},
        "active": True,
        "emails": [{"value": "babs@example.com", "type": "work", "primary": True}, {"value": "b@x"}],
        ENTERPRISE_USER: {"department": "tours", "manager": {"value": "A-2"}},
        FIELDS: {"hired": "2020-01-01T00:00:00.000000000Z"},
    }
