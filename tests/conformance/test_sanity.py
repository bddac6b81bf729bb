"""scim-sanity creates, reads, changes and deletes a user and a group, and checks every header (RFC 7644 §3.3 to §3.6,
§3.8, §3.12, §4)."""

from collections.abc import Callable

from scim_sanity.probe.runner import run_probe_api

from tests.conformance.conftest import Endpoint
from tests.conformance.expected import SANITY, SANITY_SKIPPED


def test_scim_sanity_finds_what_is_expected_and_nothing_else(make_endpoint: Callable[[str], Endpoint]):
    """(RFC 7643, RFC 7644)"""
    endpoint = make_endpoint("rfc")
    results = run_probe_api(endpoint.url, token=endpoint.token, strict=True)["results"]
    assert sum(result["status"] == "pass" for result in results) >= 25
    assert {result["name"] for result in results if result["status"] == "skip"} == SANITY_SKIPPED.keys()
    found = {result["name"]: result for result in results if result["status"] not in ("pass", "skip")}
    assert found.keys() == SANITY.keys(), found
