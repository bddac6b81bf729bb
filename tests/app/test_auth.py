"""Authentication: a tenant's bearer tokens are checked before anything else (RFC 6750 §2.1, §3)."""

from datetime import UTC, datetime, timedelta

import pytest

from app import auth
from app.throttle import LIMIT, Throttle
from store.tables import Token
from store.tenants.background import Background
from store.tenants.last_used import LastUsed
from store.tenants.log import Call
from store.tenants.tokens import PREFIX, Tokens

NOBODY = "2819c223-7f76-453a-919d-413861904646"
ENTRANCES = [
    ("GET", "/Users"),
    ("POST", "/Users"),
    ("GET", f"/Users/{NOBODY}"),
    ("PATCH", f"/Groups/{NOBODY}"),
    ("DELETE", f"/Groups/{NOBODY}"),
    ("HEAD", "/Groups"),
    ("OPTIONS", "/Users"),
    ("GET", "/ServiceProviderConfig"),
    ("GET", "/Schemas"),
    ("GET", "/ResourceTypes/User"),
    ("GET", "/Nothing"),
    ("GET", ""),
    ("GET", "/"),
    ("PUT", "/Users"),
    ("POST", "/Schemas"),
    ("GET", "/Users/a%0Ab"),
    ("DELETE", "/Groups/%0A"),
    ("GET", "/Users/a%00b"),
    ("GET", "/Users/%FF"),
    ("GET", "/../../Users"),
]


def tokens(client):
    return Tokens(client.database, client.tenant.pk)


def expire(client, days_ago=1):
    """Put the end of the client's tokens into the past."""
    ended = f"{datetime.now(UTC) - timedelta(days=days_ago):%Y-%m-%dT%H:%M:%S.%f}000Z"
    client.database.write(
        lambda _: Token.update(expires=ended).where(Token.tenant == client.tenant.pk).execute(),
    )


def with_header(client, authorization, path="/Users", method="GET"):
    return client.request(method, path, headers={"Authorization": authorization})


def refusal(answer):
    """All that a refused client gets to see."""
    seen = ("Content-Type", "WWW-Authenticate", "Cache-Control", "Content-Length")
    return answer.status_int, answer.text, [answer.headers.get(name) for name in seen]


@pytest.fixture
def frozen(app, monkeypatch):
    """A throttle of the test's own, in whose clock a minute does not end by itself."""
    time = [6_000.0]
    monkeypatch.setattr(auth.gate(app), "throttle", Throttle(lambda: time[0]))
    return time


def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(entra, stranger, frozen):
    revoked = tokens(entra).create("old", call=Call())
    tokens(entra).revoke(tokens(entra).all()[-1]["number"], call=Call())
    wrong = [
        "", "Bearer", "Bearer ", f"Basic {entra.token}", entra.token, f"Bearer {entra.token}x", f"Bearer{entra.token}",
        f"Bearer {entra.token[:-1]}", f"Bearer {entra.token.upper()}", f"Bearer {stranger.token}", f"Bearer {revoked}",
        f"Bearer {'a' * 5_000}", "Bearer é", f"Bearer {PREFIX}",
    ]  # fmt: skip
    answers = [refusal(with_header(entra, header)) for header in wrong]
    assert answers[0][0] == 401
    assert answers[0][2][:2] == ["application/scim+json", 'Bearer realm="scim"']
    assert all(answer == answers[0] for answer in answers)


def test_an_unknown_tenant_is_answered_as_a_wrong_token_is(entra, frozen):
    known = refusal(with_header(entra, "Bearer wrong"))
    for name in ("nobody", "a%00b", "%C3%A9", "x" * 300):
        asked = entra.app.get(
            f"/scim/{name}/v2/Users", headers={"Authorization": f"Bearer {entra.token}"}, expect_errors=True
        )
        assert refusal(asked) == known


def test_a_request_without_the_header_is_refused(entra):
    asked = entra.app.get(f"/scim/{entra.name}/v2/Users", expect_errors=True)
    assert asked.status_int == 401
    assert asked.headers["WWW-Authenticate"].startswith("Bearer")


def test_nothing_below_an_endpoint_url_is_said_without_a_token(entra, frozen):
    for method, path in ENTRANCES:
        assert with_header(entra, "Bearer wrong", path, method).status_int == 401, (method, path)


def test_nor_beside_it(entra):
    for path in ("", "/", "/v1/Users", "/v3", "/Users", "//v2//Users", "/v2/Users/"):
        assert entra.app.get(f"/scim/{entra.name}{path}", expect_errors=True).status_int == 401, path


def test_a_body_is_not_read_before_the_token(entra):
    answer = entra.request("POST", "/Users", b"{not json", {"Authorization": "Bearer wrong"})
    assert answer.status_int == 401


def test_a_token_is_served_with_any_spelling_of_the_scheme(entra):
    for header in (f"bearer {entra.token}", f"BEARER {entra.token}", f"Bearer   {entra.token} "):
        assert with_header(entra, header).status_int == 200


def test_a_token_pasted_with_bearer_in_front_is_served(entra):
    assert with_header(entra, f"Bearer Bearer {entra.token}").status_int == 200
    assert with_header(entra, f"Bearer bearer  {entra.token}").status_int == 200


def test_a_token_in_the_url_opens_nothing(entra):
    answer = entra.app.get(f"/scim/{entra.name}/v2/Users?access_token={entra.token}", expect_errors=True)
    assert answer.status_int == 401


def test_an_expired_token_is_told_from_the_others_by_its_detail_only(entra, frozen):
    wrong = with_header(entra, "Bearer wrong")
    expire(entra)
    expired = entra.get("/Users")
    assert expired.json["detail"] == auth.EXPIRED
    assert expired.json == wrong.json | {"detail": auth.EXPIRED}
    assert [expired.headers.get(name) for name in ("WWW-Authenticate", "Cache-Control")] == [
        wrong.headers.get(name) for name in ("WWW-Authenticate", "Cache-Control")
    ]


def test_a_token_serves_until_its_last_moment(entra):
    expire(entra, days_ago=-1)
    assert entra.get("/Users").status_int == 200


def test_an_expired_token_says_nothing_to_another_tenant(entra, stranger, frozen):
    expire(entra)
    assert with_header(stranger, f"Bearer {entra.token}").json["detail"] == auth.REFUSED


def test_several_tokens_of_a_tenant_serve_side_by_side(entra):
    second = tokens(entra).create("second", call=Call())
    assert with_header(entra, f"Bearer {second}").status_int == 200
    assert entra.get("/Users").status_int == 200


def test_a_token_is_short_random_and_kept_only_as_a_digest(entra):
    made = {tokens(entra).create(f"token {number}", call=Call()) for number in range(20)}
    assert len(made) == 20
    assert all(token.startswith(PREFIX) and len(token) <= 100 for token in made)
    rows = entra.database.read(lambda: list(Token.select().where(Token.tenant == entra.tenant.pk).tuples()))
    assert len(rows) == 21
    assert not any(token.removeprefix(PREFIX) in str(rows) for token in made)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/Users"), ("PUT", f"/Users/{NOBODY}"), ("PATCH", f"/Groups/{NOBODY}"), ("DELETE", f"/Groups/{NOBODY}")],
)
def test_a_token_that_may_read_writes_nothing(entra, method, path):
    header = {"Authorization": f"Bearer {tokens(entra).create('reader', 'read', call=Call())}"}
    answer = entra.request(method, path, {}, header)
    assert answer.status_int == 403
    assert answer.json["detail"] == "The token reader may only read."
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="scim", error="insufficient_scope"'


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_a_token_that_may_read_reads(entra, method):
    header = {"Authorization": f"Bearer {tokens(entra).create('reader', 'read', call=Call())}"}
    assert entra.request(method, "/Users", headers=header).status_int in (200, 204)


@pytest.mark.parametrize("path", ["/Users/.search", "/Groups/.search", "/.search"])
def test_a_token_that_may_read_searches_by_post(entra, path):
    header = {"Authorization": f"Bearer {tokens(entra).create('reader', 'read', call=Call())}"}
    assert entra.request("POST", path, {}, header).json["totalResults"] == 0


def test_who_keeps_failing_is_told_to_come_back(entra, frozen):
    assert [with_header(entra, "Bearer wrong").status_int for _ in range(LIMIT)] == [401] * LIMIT
    answer = with_header(entra, "Bearer wrong")
    assert answer.status_int == 429
    assert answer.json["status"] == "429"
    assert answer.headers["Retry-After"] == "60"
    frozen[0] += 59.5
    assert with_header(entra, "Bearer wrong").headers["Retry-After"] == "1"


def test_an_expired_token_is_a_failure_as_well(entra, frozen):
    expire(entra)
    assert [entra.get("/Users").status_int for _ in range(LIMIT + 1)] == [401] * LIMIT + [429]


def test_a_valid_token_is_never_refused_for_the_failures_of_others(entra, frozen):
    for _ in range(LIMIT + 1):
        answer = with_header(entra, "Bearer wrong")
    assert answer.status_int == 429
    assert entra.get("/Users").status_int == 200


def test_failures_count_by_address_and_tenant(entra, stranger, frozen):
    for _ in range(LIMIT + 1):
        with_header(entra, "Bearer wrong")
    assert with_header(stranger, "Bearer wrong").status_int == 401
    elsewhere = entra.app.get(
        f"/scim/{entra.name}/v2/Users", extra_environ={"REMOTE_ADDR": "192.0.2.7"}, expect_errors=True
    )
    assert elsewhere.status_int == 401


def test_failures_are_forgotten_with_the_minute(entra, frozen):
    for _ in range(LIMIT + 1):
        with_header(entra, "Bearer wrong")
    frozen[0] += 60
    assert with_header(entra, "Bearer wrong").status_int == 401


def test_what_lies_outside_the_tenants_needs_no_token(entra):
    for path in ("/", "/scim", "/scim/", "/Users"):
        answer = entra.app.get(path, expect_errors=True)
        assert answer.status_int == 404
        assert answer.content_type == "application/scim+json"


def test_another_version_of_scim_is_named_as_such(entra):
    for version in ("v1", "v3"):
        answer = entra.app.get(
            f"/scim/{entra.name}/{version}/Users",
            headers={"Authorization": f"Bearer {entra.token}"},
            expect_errors=True,
        )
        assert (answer.status_int, answer.json["scimType"]) == (400, "invalidVers")


def test_the_use_of_a_token_is_known_afterwards(entra, app, monkeypatch):
    tokens(entra).create("unused", call=Call())
    background = Background(entra.database)
    monkeypatch.setattr(auth.gate(app), "last_used", LastUsed(entra.database, background))
    assert entra.get("/Users").status_int == 200
    background.close()
    used, unused = tokens(entra).all()
    assert used["lastUsed"] is not None
    assert unused["lastUsed"] is None
    tenant = next(each for each in entra.tenants.all() if each["name"] == entra.name)
    assert used["lastUsed"] == tenant["firstContact"] == tenant["lastContact"]


def test_who_leaves_the_version_out_is_served_by_the_newest(entra):
    """(RFC 7644 §3.13)"""
    bob = entra.user("bob")
    for path in (f"/Users/{bob['id']}", "/Users", "/Groups", "/Schemas", "/ServiceProviderConfig", ""):
        url, headers = f"/scim/{entra.name}{path}", {"Authorization": f"Bearer {entra.token}"}
        assert entra.app.get(url, headers=headers).json == entra.get(path).json
    assert entra.app.get(f"/scim/{entra.name}/Nothing", headers=headers, expect_errors=True).status_int == 404
