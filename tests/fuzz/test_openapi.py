"""A live server answers random requests as its OpenAPI document says (RFC 7644 §3.1, §3.12).

Requests are drawn from the document's schemas, right and wrong ones. VESTIBULE_FUZZ is how many of each operation are
sent to each tenant; without it they are few, and the same ones every time (`make fuzz` sends many).
"""

import http.client
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scim import openapi
from scim.preset import PRESETS, profile
from scim.types import TYPES
from store.database.transactions import Database
from store.tenants.fields import Fields
from store.tenants.indexes import Indexes
from store.tenants.log import Call
from store.tenants.tenants import Tenants
from store.tenants.tokens import Tokens
from tests.fuzz.drawing import Drawing, Json
from tests.live import DEADLINE, Reply, Server, serving

EXAMPLES = int(os.environ.get("VESTIBULE_FUZZ", "0"))
# A change is judged by the same requests each time; new ones are drawn by those who look for faults.
SAME = not EXAMPLES or "CI" in os.environ
NOBODY = "2819c223-7f76-453a-919d-413861904646"
FIELDS = PRESETS["rfc"].fields_urn
HEADERS = ("If-Match", "If-None-Match")
OPERATIONS = {
    operation["operationId"]: (method.upper(), path)
    for path, methods in openapi.document(profile(PRESETS["rfc"]), "https://scim.example.com")["paths"].items()
    for method, operation in methods.items()
}
READS = [id for id, (method, path) in OPERATIONS.items() if method == "GET" or path.endswith(".search")]
CREATES = ["createUser", "createGroup"]
WRITES = ["replaceUser", "patchUser", "deleteUser", "replaceGroup", "patchGroup", "deleteGroup"]

fuzzed = settings(
    max_examples=EXAMPLES or 15, derandomize=SAME, deadline=None, print_blob=True,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)  # fmt: skip


@dataclass
class Tenant:
    """A tenant of a live server: its document, and people and groups that are there."""

    base: str
    token: str
    connection: http.client.HTTPConnection
    drawing: Drawing
    made: int = 0
    validators: dict[str, Draft202012Validator] = field(default_factory=dict)

    def send(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Send a request over the connection, which stays open."""
        sent = {"Authorization": f"Bearer {self.token}"} | (headers or {})
        sent |= {"Content-Type": "application/scim+json"} if body is not None else {}
        self.connection.request(method, self.base + path, body, sent)
        answer = self.connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read())

    def ask(self, id: str, path: str, parameters: dict[str, str], body: bytes | None) -> Reply:
        """Send a request of an operation, and see that its answer is one that the document describes."""
        method, _ = OPERATIONS[id]
        query = {name: text for name, text in parameters.items() if name not in HEADERS}
        headers = {name: text for name, text in parameters.items() if name in HEADERS}
        encoded = urlencode(query, errors="surrogatepass")
        answer = self.send(method, path + (f"?{encoded}" if encoded else ""), body, headers)
        self.check(id, answer)
        return answer

    def check(self, id: str, answer: Reply) -> None:
        """The status is documented, the body is valid by the document, and an error is one of SCIM's."""
        assert answer.status < 500, answer.body
        responses = self.operation(id)["responses"]
        described = responses.get(str(answer.status), responses["default"] if answer.status >= 400 else None)
        assert described is not None, f"{id} may not answer {answer.status}"
        described = self.drawing.resolved(described)
        if "content" not in described:
            assert answer.body == b""
            return
        ((type, content),) = described["content"].items()
        assert answer.headers["Content-Type"] == type
        self.validator(content["schema"]).validate(answer.json)
        if answer.status >= 400:
            assert answer.json["status"] == str(answer.status)
            assert 0 < len(answer.json["detail"]) < 1_000

    def validator(self, schema: Json) -> Draft202012Validator:
        """What checks values by a schema of the document, made once."""
        key = json.dumps(schema)
        if key not in self.validators:
            whole = schema | {"components": self.drawing.document["components"]}
            self.validators[key] = Draft202012Validator(whole)
        return self.validators[key]

    def operation(self, id: str) -> dict[str, Json]:
        """An operation of the document."""
        method, path = OPERATIONS[id]
        found: dict[str, Json] = self.drawing.document["paths"][path][method.lower()]
        return found

    def new(self, type: str) -> str:
        """The path of a new user or group with a few values."""
        self.made += 1
        name = f"made {self.made}"
        schema = f"urn:ietf:params:scim:schemas:core:2.0:{type}"
        body: dict[str, Json] = {"schemas": [schema], "externalId": name}
        if type == "User":
            body |= {"userName": name, "title": "Boss", "emails": [{"type": "work", "value": f"{self.made}@x.org"}]}
        else:
            body |= {"displayName": name, "members": [{"value": id} for id in self.drawing.ids[:1]]}
        answer = self.send("POST", f"/{type}s", json.dumps(body).encode())
        assert answer.status == 201, answer.body
        return f"/{type}s/{answer.json['id']}"

    def total(self, path: str) -> int:
        """How many resources there are."""
        total: int = self.send("GET", f"{path}?count=0").json["totalResults"]
        return total


@pytest.fixture(scope="module")
def server(database_url: str) -> Iterator[Server]:
    """A live server, in whose log nothing may have failed in the end."""
    with serving("--workers", "1", database_url=database_url) as server:
        yield server
    events = [json.loads(line) for line in server.lines]
    assert [event for event in events if event["level"] == "error"] == []


@pytest.fixture(scope="module", params=["360learning", "rfc"])
def tenant(request: pytest.FixtureRequest, server: Server, database: Database) -> Iterator[Tenant]:
    """A tenant of each preset, with custom fields of every type."""
    tenants = Tenants(database)
    made = tenants.create(f"fuzz-{request.param}", request.param, call=Call())
    for type in TYPES:
        Fields(database, made).add(f"{type}Field", type, call=Call())
    fields, indexes = Fields(database, made), Indexes(database, made)
    indexes.declare(fields.indexed("stringField"), Call())
    indexes.build(fields.indexed("stringField"))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=DEADLINE)
    token = Tokens(database, made.pk).create("fuzz", call=Call())
    tenant = Tenant(f"/scim/{made.name}/v2", token, connection, Drawing({}, []))
    document = tenant.send("GET", openapi.PATH).json
    ids = [tenant.new("User").rpartition("/")[2] for _ in range(3)]
    tenant.drawing = Drawing(document, ids)
    yield tenant
    connection.close()


def type_of(id: str) -> str:
    """The resource type that an operation is about; where it is about both, User."""
    return "Group" if "Group" in id else "User"


@pytest.mark.parametrize("id", READS)
def test_every_read_answers_as_the_document_says(tenant: Tenant, id: str):
    operation, drawing = tenant.operation(id), tenant.drawing
    named = st.sampled_from([*drawing.ids, *OPERATIONS, "User", NOBODY]) | st.text(min_size=1, max_size=9)

    @fuzzed
    @given(named, drawing.bodies(operation, type_of(id)), drawing.parameters(operation, type_of(id)))
    def run(name: str, body: bytes | None, parameters: dict[str, str]) -> None:
        path = OPERATIONS[id][1].replace("{id}", quote(name, safe="", errors="surrogatepass"))
        tenant.ask(id, path.rstrip("/"), parameters, body)

    run()


@pytest.mark.parametrize("id", CREATES)
def test_what_was_created_is_found_and_what_was_refused_is_not(tenant: Tenant, id: str):
    operation, drawing, path = tenant.operation(id), tenant.drawing, OPERATIONS[id][1]

    @fuzzed
    @given(drawing.bodies(operation, type_of(id)), drawing.parameters(operation, type_of(id)))
    def run(body: bytes, parameters: dict[str, str]) -> None:
        before = tenant.total(path)
        answer = tenant.ask(id, path, parameters, body)
        assert tenant.total(path) == before + (answer.status == 201)
        if answer.status == 201:
            assert_found(tenant, answer, parameters)

    run()


@pytest.mark.parametrize("id", WRITES)
def test_a_write_is_applied_and_found_or_refused_without_a_trace(tenant: Tenant, id: str):
    operation, drawing, type = tenant.operation(id), tenant.drawing, type_of(id)

    @fuzzed
    @given(drawing.bodies(operation, type), drawing.parameters(operation, type))
    def run(body: bytes | None, parameters: dict[str, str]) -> None:
        path = tenant.new(type)
        before = tenant.send("GET", path)
        answer = tenant.ask(id, path, parameters, body)
        after = tenant.ask(f"get{type}", path, {}, None)
        if answer.status >= 400:
            assert after.json == before.json
        elif id.startswith("delete"):
            assert after.status == 404
        elif answer.status == 200:
            assert_found(tenant, answer, parameters)

    run()


def assert_found(tenant: Tenant, answer: Reply, parameters: dict[str, str]) -> None:
    """The resource of an answer is read as it was answered, whole or in the same part."""
    path = answer.headers["Location"].partition("/v2")[2]
    shown = {name: text for name, text in parameters.items() if name not in HEADERS}
    found = tenant.ask(f"get{path.split('/')[1].removesuffix('s')}", path, shown, None)
    assert (found.status, found.json) == (200, answer.json)
    assert found.headers["ETag"] == answer.headers["ETag"]


def test_what_is_sent_as_the_document_says_comes_back_as_it_was_sent(tenant: Tenant):
    """Every attribute of one simple value and every custom field; what identifies people is theirs alone."""
    properties = tenant.drawing.schema("NewUser")["properties"]
    fields = simple(tenant.drawing, properties[FIELDS]["properties"])

    @fuzzed
    @given(simple(tenant.drawing, properties), fields)
    def run(values: dict[str, Json], fields: dict[str, Json]) -> None:
        path = tenant.new("User")
        user = tenant.send("GET", path).json
        sent = values | {name: user[name] for name in ("schemas", "userName", "emails")} | {FIELDS: fields}
        answer = tenant.ask("replaceUser", path, {}, json.dumps(sent).encode())
        assert answer.status == 200, answer.body
        assert {name: answer.json.get(name, "") for name in values} == values | {"userName": user["userName"]}
        assert {name: answer.json[FIELDS].get(name, "") for name in fields} == fields

    run()


def simple(drawing: Drawing, properties: dict[str, Json]) -> st.SearchStrategy[dict[str, Json]]:
    """A value for each of the attributes that have one simple value."""
    types = ("string", "boolean", "integer", "number")
    return st.fixed_dictionaries(
        {name: drawing.values(each) for name, each in properties.items() if each.get("type") in types}
    )


def test_a_bulk_job_answers_for_each_operation(tenant: Tenant):
    @fuzzed
    @given(jobs(tenant.drawing) | tenant.drawing.bodies(tenant.operation("bulk"), "User"))
    def run(body: bytes) -> None:
        answer = tenant.ask("bulk", "/Bulk", {}, body)
        for result in answer.json["Operations"] if answer.status == 200 else ():
            assert ("response" in result) == (int(result["status"]) >= 400)
            if result["method"] == "POST" and result["status"] == "201":
                assert tenant.send("GET", result["location"].partition("/v2")[2]).status == 200

    run()


@st.composite
def jobs(draw: st.DrawFn, drawing: Drawing) -> bytes:
    """Jobs of operations that could be applied, and that refer to each other."""
    operations: list[dict[str, Any]] = []
    count = draw(st.integers(1, 4))
    for number in range(count):
        type = draw(st.sampled_from(("User", "Group")))
        data = draw(drawing.values(drawing.schema(f"New{type}")))
        if type == "Group":
            data["members"] = [{"value": f"bulkId:{draw(st.integers(0, count))}"}]
        operations.append({"method": "POST", "path": f"/{type}s", "bulkId": str(number), "data": data})
        if draw(st.booleans()):
            patch = draw(drawing.patches(type))
            operations.append({"method": "PATCH", "path": f"/{type}s/bulkId:{number}", "data": patch})
    schemas = draw(drawing.values(drawing.schema("BulkRequest")["properties"]["schemas"]))
    return json.dumps({"schemas": schemas, "Operations": operations}).encode()
