"""Many requests at once: none is lost, none fails, no reference dangles (RFC 7644 §3.5.2).

VESTIBULE_LONG is how many seconds the mixed run takes on each database.
"""

import copy
import os
import random
import time
from collections import Counter as Tally
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import psycopg
import pytest
from webtest import TestApp

from store.tables import Counter, Lookup, Membership, PendingEmail, Resource
from store.tenants.log import Call
from store.tenants.tenants import set_integration_group
from tests import missing
from tests.live import serving

SECONDS = float(os.environ.get("VESTIBULE_LONG", "5"))
CORE_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
CORE_GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True, scope="session")
Work = Callable[..., Any]


def at_once(client: Any, works: Sequence[Work]) -> list[Any]:
    """What each work returns; they start together, each on a thread with a connection and a client of its own."""
    start = Barrier(len(works))

    def run(work: Work) -> Any:
        own = copy.copy(client)
        own.app = TestApp(client.app.app)
        try:
            start.wait(60)
            return work(own)
        finally:
            client.database.close()

    with ThreadPoolExecutor(len(works)) as threads:
        futures: list[Future[Any]] = [threads.submit(run, work) for work in works]
        return [future.result(120) for future in futures]


def statuses(answers: list[Any]) -> Tally[int]:
    return Tally(answer.status_int for answer in answers)


def user(name: str, **attributes: Any) -> dict[str, Any]:
    emails = [{"type": "work", "value": f"{name.lower()}@example.com"}]
    return {"schemas": [CORE_USER], "userName": name, "emails": emails} | attributes


def add(id: str) -> dict[str, Any]:
    return {"op": "add", "path": "members", "value": [{"value": id}]}


def members(client: Any, group: dict[str, Any]) -> set[str]:
    return {member["value"] for member in client.get(f"/Groups/{group['id']}").json.get("members", [])}


def check_whole(client: Any) -> None:
    """Nothing in the tenant refers to what is not there, and the counters have counted."""

    def count(query: Any) -> int:
        found: int = client.database.read(query.count)
        return found

    every = Resource.select(Resource.pk)
    assert count(Membership.select().where(Membership.group.not_in(every) | Membership.member.not_in(every))) == 0
    assert count(Lookup.select().where(Lookup.resource.not_in(every))) == 0
    assert count(PendingEmail.select().where(PendingEmail.user.not_in(every))) == 0
    assert count(Resource.select().where(Resource.manager.is_null(False) & Resource.manager.not_in(every))) == 0
    for type, path in (("User", "/Users"), ("Group", "/Groups")):
        here = count(Resource.select().where((Resource.tenant == client.tenant.pk) & (Resource.type == type)))
        mine = Counter.select(Counter.total).where((Counter.tenant == client.tenant.pk) & (Counter.type == type))
        assert sum(total for (total,) in client.database.read(lambda mine=mine: list(mine.tuples()))) == here
        answer = client.get(f"{path}?count=0")
        assert answer.json["totalResults"] == here


def test_fifty_members_added_at_once_are_fifty_members(entra):
    """The race in which most servers lose members: each request adds one, all at the same time."""
    ids = [entra.user(f"user{number}")["id"] for number in range(50)]
    group = entra.group("Team")
    answers = at_once(entra, [lambda own, id=id: own.patch(f"/Groups/{group['id']}", add(id)) for id in ids])
    assert statuses(answers) == {204: 50}
    assert members(entra, group) == set(ids)
    assert entra.get(f"/Groups/{group['id']}").headers["ETag"] == 'W/"51"'
    assert len({answer.headers["ETag"] for answer in answers}) == 50
    removals = [{"op": "remove", "path": f'members[value eq "{id}"]'} for id in ids[:25]]
    works = [lambda own, each=each: own.patch(f"/Groups/{group['id']}", each) for each in removals]
    assert statuses(at_once(entra, works)) == {204: 25}
    assert members(entra, group) == set(ids[25:])


def test_fifty_members_added_over_two_processes_are_fifty_members(entra, database_url):
    """R7"""
    ids = [entra.user(f"user{number}")["id"] for number in range(50)]
    group = entra.group("Team")
    path = f"/scim/{entra.name}/v2/Groups/{group['id']}"
    with serving("--workers", "2", database_url=database_url) as server, ThreadPoolExecutor(16) as threads:
        sent = [threads.submit(server.request, "PATCH", path, {"Operations": [add(id)]}, entra.token) for id in ids]
        assert Tally(future.result().status for future in sent) == {204: 50}
    assert members(entra, group) == set(ids)


def test_of_eight_who_take_a_user_name_at_once_one_gets_it(entra):
    for name in ("adele", "bob", "cleo"):
        spellings = [name, name.upper(), name.capitalize()]
        bodies = [user(random.choice(spellings)) for _ in range(8)]
        answers = at_once(entra, [lambda own, body=body: own.post("/Users", body) for body in bodies])
        assert statuses(answers) == {201: 1, 409: 7}
        made = next(answer.json["id"] for answer in answers if answer.status_int == 201)
        refused = [answer.json for answer in answers if answer.status_int == 409]
        assert all(made in error["detail"] and error["scimType"] == "uniqueness" for error in refused)
    assert entra.get("/Users").json["totalResults"] == 3
    check_whole(entra)


def test_of_eight_who_take_a_group_name_by_three_methods_one_gets_it(entra):
    groups = [entra.group(f"Team {number}") for number in range(4)]
    rename = {"op": "replace", "path": "displayName", "value": "TEAM"}
    body = {"schemas": [CORE_GROUP], "displayName": "team"}
    works: list[Work] = [lambda own: own.post("/Groups", body) for _ in range(4)]
    works += [lambda own, id=group["id"]: own.patch(f"/Groups/{id}", rename) for group in groups[:2]]
    works += [lambda own, id=group["id"]: own.put(f"/Groups/{id}", body) for group in groups[2:]]
    tally = statuses(at_once(entra, works))
    assert tally[409] == 7
    assert tally[200] + tally[201] + tally[204] == 1
    check_whole(entra)


def test_different_attributes_patched_at_once_all_survive(entra):
    bob = entra.user("bob")
    names = ("title", "nickName", "userType", "locale", "timezone", "name.givenName", "name.familyName", "externalId")
    changes = [{"op": "replace", "path": name, "value": f"x {name}"} for name in names]
    answers = at_once(entra, [lambda own, each=each: own.patch(f"/Users/{bob['id']}", each) for each in changes])
    assert statuses(answers) == {200: 8}
    after = entra.get(f"/Users/{bob['id']}").json
    flat = after | {f"name.{part}": text for part, text in after["name"].items()}
    assert {name: flat[name] for name in names} == {name: f"x {name}" for name in names}
    assert after["meta"]["version"] == 'W/"9"'


def test_elements_added_at_once_to_one_attribute_all_survive(entra):
    bob = entra.user("bob")
    numbers = [f"+33 1 {number:08}" for number in range(12)]
    works: Sequence[Work] = [
        lambda own, number=number: own.patch(
            f"/Users/{bob['id']}", {"op": "add", "path": "phoneNumbers", "value": [{"value": number, "type": "other"}]}
        )
        for number in numbers
    ]
    assert statuses(at_once(entra, works)) == {200: 12}
    assert {phone["value"] for phone in entra.get(f"/Users/{bob['id']}").json["phoneNumbers"]} == set(numbers)


def test_two_groups_nested_into_each_other_at_once_make_no_circle(entra):
    for number in range(4):
        a, b = entra.group(f"A{number}")["id"], entra.group(f"B{number}")["id"]
        pairs = ((a, b), (b, a), (a, b), (b, a))
        works = [
            lambda own, outer=outer, inner=inner: own.patch(f"/Groups/{outer}", add(inner)) for outer, inner in pairs
        ]
        assert statuses(at_once(entra, works)) == {204: 2, 400: 2}
        assert sorted(len(members(entra, {"id": id})) for id in (a, b)) == [0, 1]


def test_a_longer_circle_is_not_closed_either(entra):
    ids = [entra.group(f"G{number}")["id"] for number in range(5)]
    pairs = zip(ids, ids[1:] + ids[:1], strict=True)
    works = [lambda own, outer=outer, inner=inner: own.patch(f"/Groups/{outer}", add(inner)) for outer, inner in pairs]
    assert statuses(at_once(entra, works)) == {204: 4, 400: 1}


def test_two_who_become_each_others_manager_at_once_do(entra):
    for number in range(4):
        a, b = entra.user(f"a{number}")["id"], entra.user(f"b{number}")["id"]
        works = [
            lambda own, of=of, by=by: own.patch(f"/Users/{of}", {"op": "add", "path": "manager", "value": by})
            for of, by in ((a, b), (b, a))
        ]
        assert statuses(at_once(entra, works)) == {200: 2}


def test_who_is_deleted_by_several_at_once_is_deleted_once(entra):
    bob, group = entra.user("bob"), entra.group("Team")
    entra.patch(f"/Groups/{group['id']}", add(bob["id"]))
    assert statuses(at_once(entra, [lambda own: own.delete(f"/Users/{bob['id']}")] * 6)) == {204: 1, 404: 5}
    assert statuses(at_once(entra, [lambda own: own.delete(f"/Groups/{group['id']}")] * 6)) == {204: 1, 404: 5}
    check_whole(entra)


def test_who_is_deleted_while_named_is_nobodys_member_or_manager(entra):
    for number in range(5):
        bob, boss = entra.user(f"bob{number}")["id"], entra.user(f"boss{number}")["id"]
        group = entra.group(f"Team {number}")["id"]
        works: Sequence[Work] = [
            lambda own, boss=boss: own.delete(f"/Users/{boss}"),
            lambda own, group=group, boss=boss: own.patch(f"/Groups/{group}", add(boss)),
            lambda own, bob=bob, boss=boss: own.patch(f"/Users/{bob}", {"op": "add", "path": "manager", "value": boss}),
        ]
        gone, *others = at_once(entra, works)
        assert gone.status_int == 204
        assert {answer.status_int for answer in others} <= {200, 204, 400}
        assert members(entra, {"id": group}) == set()
        assert "manager" not in entra.get(f"/Users/{bob}").text
    check_whole(entra)


@ON_POSTGRES
def test_a_deadlock_is_run_again_and_the_client_does_not_notice(entra, database_url):
    """Another session holds the member and asks for the group, while the request holds the group and asks for it."""
    bob, group = entra.user("bob"), entra.group("Team")
    lock = "UPDATE resource SET parent = NULL WHERE id = %s"
    with psycopg.connect(database_url) as other:
        be_patient(other)
        other.execute("SELECT 1 FROM resource WHERE id = %s FOR UPDATE", (bob["id"],))
        with ThreadPoolExecutor(1) as threads:
            request = threads.submit(at_once, entra, [lambda own: own.patch(f"/Groups/{group['id']}", add(bob["id"]))])
            await_waiting(database_url)
            other.execute(lock, (group["id"],))
            other.commit()
            (answer,) = request.result(60)
    assert answer.status_int == 204
    assert members(entra, group) == {bob["id"]}
    assert len([entry for entry in entra.log() if entry["operation"] == "PATCH"]) == 1


@ON_POSTGRES
def test_a_bulk_job_in_a_deadlock_is_run_again_and_does_nothing_twice(entra, database_url):
    bob, group = entra.user("bob"), entra.group("Team")
    joins = {"Operations": [add("bulkId:a"), add(bob["id"])]}
    job = {"Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": user("ada")},
        {"method": "PATCH", "path": f"/Groups/{group['id']}", "data": joins},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("ada")},
    ]}  # fmt: skip
    with psycopg.connect(database_url) as other:
        be_patient(other)
        other.execute("SELECT 1 FROM resource WHERE id = %s FOR UPDATE", (bob["id"],))
        with ThreadPoolExecutor(1) as threads:
            request = threads.submit(at_once, entra, [lambda own: own.post("/Bulk", job)])
            await_waiting(database_url)
            other.execute("UPDATE resource SET parent = NULL WHERE id = %s", (group["id"],))
            other.commit()
            (answer,) = request.result(60)
    assert [result["status"] for result in answer.json["Operations"]] == ["201", "200", "409"]
    assert members(entra, group) == {bob["id"], answer.json["Operations"][0]["location"].rpartition("/")[2]}
    assert len([entry for entry in entra.log() if entry["operation"].endswith("(bulk)")]) == 3
    check_whole(entra)


@ON_POSTGRES
def test_a_bulk_job_whose_commit_nobody_confirmed_is_not_done_again(entra):
    """It would meet itself, and call what it has just made somebody else's."""
    entra.database.db.connection().unreplicated = True
    job = {"Operations": [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": user("ada")},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": user("bob")},
    ]}  # fmt: skip
    results = entra.post("/Bulk", job).json["Operations"]
    assert [result["status"] for result in results] == ["503", "503"]
    assert [result["bulkId"] for result in results] == ["a", "b"]
    assert "before you send it again" in results[0]["response"]["detail"]
    assert [entry["status"] for entry in entra.log()] == [503, 503, 201, 201]
    again = entra.post("/Bulk", job).json["Operations"]
    assert [result["status"] for result in again] == ["409", "409"]


def test_jobs_at_once_do_all_that_they_are_told(entra):
    def job(number: int) -> dict[str, Any]:
        data = [user(f"user{number}-{each}") for each in range(60)]
        posts = [{"method": "POST", "path": "/Users", "bulkId": str(i), "data": body} for i, body in enumerate(data)]
        return {"Operations": posts}

    answers = at_once(entra, [lambda own, number=number: own.post("/Bulk", job(number)) for number in range(4)])
    assert Tally(result["status"] for answer in answers for result in answer.json["Operations"]) == {"201": 240}
    check_whole(entra)


def be_patient(session: psycopg.Connection[Any]) -> None:
    """Whoever has waited so long looks for a deadlock, and gives up if there is one: it shall not be this session."""
    try:
        session.execute("SET deadlock_timeout = '60s'")
    except psycopg.errors.InsufficientPrivilege:
        missing("a Postgres whose user may set deadlock_timeout is needed to make a deadlock")


def await_waiting(url: str) -> None:
    """Come back as soon as somebody waits for a lock."""
    with psycopg.connect(url, autocommit=True) as connection:
        deadline = time.monotonic() + 30
        while connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone() == (0,):
            assert time.monotonic() < deadline


class Mix:
    """One worker of the mixed run: random requests about a few names, the statuses counted."""

    def __init__(self, seed: int, until: float, groups: list[str]) -> None:
        self._random = random.Random(seed)
        self._until = until
        self._groups = groups
        self.tally: Tally[tuple[str, int]] = Tally()
        self.bad: list[str] = []

    def __call__(self, own: Any) -> "Mix":
        acts = (
            self.create,
            self.create,
            self.delete,
            self.join,
            self.join,
            self.leave,
            self.manage,
            self.regroup,
            self.job,
            self.look,
        )
        while time.monotonic() < self._until:
            act = self._random.choice(acts)
            answer = act(own)
            if answer is not None:
                self.tally[act.__name__, answer.status_int] += 1
                if answer.status_int >= 500:
                    self.bad.append(f"{act.__name__}: {answer.status} {answer.text[:300]}")
        return self

    def create(self, own: Any) -> Any:
        return own.post("/Users", user(f"user{self._random.randrange(30)}"))

    def delete(self, own: Any) -> Any:
        id = self._some_user(own)
        return id and own.delete(f"/Users/{id}")

    def join(self, own: Any) -> Any:
        id = self._some_user(own)
        return id and own.patch(f"/Groups/{self._some_group()}", add(id))

    def leave(self, own: Any) -> Any:
        id = self._some_user(own)
        return id and own.patch(f"/Groups/{self._some_group()}", {"op": "remove", "path": f'members[value eq "{id}"]'})

    def manage(self, own: Any) -> Any:
        of, by = self._some_user(own), self._some_user(own)
        offer = {
            "op": "replace",
            "path": 'emails[type eq "work"].value',
            "value": f"{self._random.random()}@example.com",
        }
        return of and by and own.patch(f"/Users/{of}", {"op": "add", "path": "manager", "value": by}, offer)

    def regroup(self, own: Any) -> Any:
        """A group goes and another comes, with a group and a user in it."""
        index = self._random.randrange(len(self._groups))
        gone = own.delete(f"/Groups/{self._groups[index]}")
        inside = [{"value": id} for id in (self._some_user(own), self._some_group()) if id]
        name = f"Team {index} {self._random.random()}"
        made = own.post("/Groups", {"schemas": [CORE_GROUP], "displayName": name, "members": inside})
        if made.status_int == 201:
            self._groups[index] = made.json["id"]
        return gone if gone.status_int >= 500 else made

    def job(self, own: Any) -> Any:
        """Somebody new joins a group, and somebody else leaves the directory."""
        id = self._some_user(own)
        join = {"Operations": [add("bulkId:a")]}
        operations = [
            {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(f"user{self._random.randrange(30)}")},
            {"method": "PATCH", "path": f"/Groups/{self._some_group()}", "data": join},
            *([{"method": "DELETE", "path": f"/Users/{id}"}] if id else []),
        ]
        answer = own.post("/Bulk", {"Operations": operations})
        failed = [result for result in answer.json["Operations"] if result["status"] >= "500"]
        self.bad += [f"job: {result}" for result in failed]
        return answer

    def look(self, own: Any) -> Any:
        return own.get(self._random.choice(["/Users", "/Groups", "/Users?count=2", f"/Groups/{self._some_group()}"]))

    def _some_user(self, own: Any) -> str | None:
        found = own.get(f'/Users?filter=userName eq "user{self._random.randrange(30)}"&attributes=id').json["Resources"]
        return found[0]["id"] if found else None

    def _some_group(self) -> str:
        return self._random.choice(self._groups)


def test_a_mix_of_everything_leaves_no_error_and_nothing_dangling(entra):
    """Users deleted while groups take them up, groups deleted while they are changed, names taken while they free."""
    groups = [entra.group(f"Team {number}")["id"] for number in range(5)]
    until = time.monotonic() + SECONDS
    mixes = at_once(entra, [Mix(seed, until, groups) for seed in range(8)])
    tally = sum((mix.tally for mix in mixes), Tally[tuple[str, int]]())
    bad = [line for mix in mixes for line in mix.bad]
    assert not bad, (bad[:5], tally)
    assert {act for act, _ in tally} == {"create", "delete", "join", "leave", "manage", "regroup", "job", "look"}
    assert tally["delete", 204] > 5
    assert tally["join", 204] > 5
    check_whole(entra)


class Churn:
    """Writers who come and go between those who stay, until the scan is over."""

    def __init__(self, stable: list[str]) -> None:
        self.begun = Event()
        self.over = Event()
        self._stable = stable

    def write(self, own: Any, seed: int) -> None:
        """People before, between and behind the others are made and removed; who stays gets another nickname."""
        random_ = random.Random(seed)
        while not self.over.is_set():
            made = own.post("/Users", user(f"{random_.choice('abmyz')}{seed}{random_.random()}", title="Temp"))
            change = {"op": "replace", "path": "nickName", "value": str(random_.random())}
            own.patch(f"/Users/{random_.choice(self._stable)}", change)
            if random_.random() < 0.7:
                own.delete(f"/Users/{made.json['id']}")
            self.begun.set()

    def scan(self, own: Any, path: str) -> tuple[list[list[str]], list[list[str]]]:
        """The names on the pages from the first to the last, and from there back to the first."""
        try:
            assert self.begun.wait(60)
            there, last = self._walk(own, path, "", "nextCursor")
            back, _ = self._walk(own, path, last["previousCursor"], "previousCursor")
            return there, [there[-1], *back]
        finally:
            self.over.set()

    def _walk(self, own: Any, path: str, cursor: str, following: str) -> tuple[list[list[str]], dict[str, Any]]:
        pages = []
        while True:
            answer = own.get(f"{path}&cursor={cursor}").json
            pages.append([found["userName"] for found in answer["Resources"]])
            if following not in answer:
                return pages, answer
            cursor = answer[following]


@pytest.mark.parametrize(
    "order", ["", "&sortBy=userName", "&sortBy=userName&sortOrder=descending", "&sortBy=title", "&sortBy=meta.created"]
)
def test_a_scan_by_cursor_during_writes_repeats_and_skips_nobody_who_stays(entra, order):
    """(RFC 9865 §2)"""
    titles = [None, "Chief", "Temp", "Worker"]
    stable = [entra.user(f"m{number:02}", title=titles[number % 4]) for number in range(40)]
    names = {one["userName"] for one in stable}
    by_index = [one["userName"] for one in entra.get(f"/Users?count=100{order}").json["Resources"]]
    churn = Churn([one["id"] for one in stable])
    writers = [lambda own, seed=seed: churn.write(own, seed) for seed in range(3)]
    there, back = at_once(entra, [lambda own: churn.scan(own, f"/Users?count=5{order}"), *writers])[0]
    forwards = [name for page in there for name in page if name in names]
    backwards = [name for page in reversed(back) for name in page if name in names]
    assert forwards == by_index
    assert backwards == by_index
    assert all(len(page) == 5 for page in there[:-1])


@ON_POSTGRES
def test_who_is_taken_up_while_being_deleted_leaves_with_a_new_version_of_the_group(entra, database_url):
    """Another session has added the user to the group and not yet committed when the user is deleted."""
    bob, group = entra.user("bob"), entra.group("Team")
    keys = {row.id: row.pk for row in Resource.select().where(Resource.id.in_([bob["id"], group["id"]]))}
    with psycopg.connect(database_url) as other:
        other.execute("UPDATE resource SET version = version + 1 WHERE id = %s", (group["id"],))
        pair = (keys[group["id"]], keys[bob["id"]])
        other.execute("""INSERT INTO membership ("group", member, origin) VALUES (%s, %s, 'scim')""", pair)
        with ThreadPoolExecutor(1) as threads:
            request = threads.submit(at_once, entra, [lambda own: own.delete(f"/Users/{bob['id']}")])
            await_waiting(database_url)
            other.commit()
            (answer,) = request.result(60)
    assert answer.status_int == 204
    after = entra.get(f"/Groups/{group['id']}")
    assert "members" not in after.json
    assert after.headers["ETag"] == 'W/"3"'


def deadlocks(database_url: str) -> int:
    """How many deadlocks Postgres has met in the database; sessions report theirs when they end."""
    with psycopg.connect(database_url, autocommit=True) as other:
        row = other.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row
    return int(row[0])


@ON_POSTGRES
def test_users_who_join_the_integration_group_meet_no_deadlock(entra, database, database_url):
    entra.group("Everybody")
    database.write(
        lambda write: set_integration_group(write, database, entra.tenants.get(entra.name), "Everybody", Call())
    )
    before, end = deadlocks(database_url), time.monotonic() + 3

    def singly(own: Any, name: str) -> int:
        count = 0
        while time.monotonic() < end:
            made = own.post("/Users", user(f"{name}-{count}"))
            assert made.status_int == 201, made.text
            if count % 2:
                assert own.delete(f"/Users/{made.json['id']}").status_int == 204
            count += 1
        return count

    def in_bulk(own: Any) -> int:
        count = 0
        while time.monotonic() < end:
            operations = [
                {"method": "POST", "path": "/Users", "bulkId": str(number), "data": user(f"bulk-{count}-{number}")}
                for number in range(25)
            ]
            results = own.post("/Bulk", {"Operations": operations}).json["Operations"]
            assert {result["status"] for result in results} == {"201"}
            count += 25
        return count

    made = at_once(entra, [in_bulk, *(lambda own, name=name: singly(own, name) for name in ("a", "b", "c"))])
    assert min(made) > 0
    assert deadlocks(database_url) == before
