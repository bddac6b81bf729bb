"""The rules by which text is compared: equal keys are equal values, and their order is the values' order (RFC 7643
§2.3, §7, RFC 7644 §3.4.2.2, §5)."""

import unicodedata

import pytest

from scim import compare

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
    assert compare.instant(text) == key


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
        compare.instant(text)


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
    made = [compare.instant(text) for text in texts]
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
    assert compare.folded(one) == compare.folded(other)
    assert compare.user_name(one) == compare.user_name(other)


@pytest.mark.parametrize(("one", "other"), [("École", "Ecole"), ("ＡＢＣ", "abc"), ("a b", "ab"), ("1", "１")])
def test_text_that_differs_in_more_than_case_has_two_keys(one, other):
    assert compare.folded(one) != compare.folded(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("ＡＢＣ", "abc"), ("ａｂｃ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ABC@example.com"), ("ｶﾞ", "ガ"), ("１", "1")],
)
def test_a_user_name_is_the_same_in_full_width_and_half_width(one, other):
    assert compare.user_name(one) == compare.user_name(other)


@pytest.mark.parametrize(("one", "other"), [("ﬁ", "fii"), ("①", "1"), ("ª", "a")])
def test_a_user_name_keeps_every_other_compatibility_character(one, other):
    assert compare.user_name(one) != compare.user_name(other)


def test_text_compared_with_regard_to_case_keeps_it_and_is_composed():
    assert compare.exact("ABC") == "ABC"
    assert compare.exact(DECOMPOSED) == COMPOSED
    assert compare.exact("ABC") != compare.exact("abc")


@pytest.mark.parametrize("text", ["", "plain", "MiXeD", COMPOSED, DECOMPOSED, "Straße", "ΐ", "ǰ", "İ", "ﬃ", "ᾳ\u0301"])
def test_a_key_is_its_own_key(text):
    for key in (compare.exact, compare.folded, compare.user_name):
        assert key(key(text)) == key(text)
        assert unicodedata.is_normalized("NFC", key(text))


@pytest.mark.parametrize(
    ("text", "key"),
    [("QQ==", "QQ=="), ("QQ", "QQ=="), ("QR==", "QQ=="), ("QUI", "QUI="), ("QUJD", "QUJD"), ("+/+/", "+/+/")],
)
def test_base64_becomes_the_padded_form_of_its_bytes(text, key):
    assert compare.base64_of(text) == key


@pytest.mark.parametrize("text", ["Q", "QQQQQ", "Q Q=", "QQ==\n", "-_-_", "Q=Q=", "é", "\ud800"])
def test_what_is_no_base64_has_no_key(text):
    with pytest.raises(ValueError, match=r"."):
        compare.base64_of(text)
