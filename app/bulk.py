"""/Bulk: many operations in one request, each through the same functions as a request of its own (RFC 7644 §3.7)."""

from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, g, request

from app import answers, auth, errors
from app.answers import Reply
from app.http import body, response
from app.resources import RESOURCES
from scim.bulk import METHODS, BulkOperation, Job, Step, plan, read_job, references, resolved, target, withhold
from scim.envelopes import BULK_RESPONSE, error_body
from scim.errors import InvalidValue, MethodNotAllowed, ScimError, TooLarge, Unavailable, Uniqueness
from scim.versions import Precondition
from store.database.transactions import BUSY, Overdue, Unconfirmed
from store.database.write import Write
from store.resources.writing import Resources, together
from store.tenants.log import Call, Entry
from store.tenants.tenants import Tenant

bulk = Blueprint("bulk", __name__)


@bulk.post("/Bulk")
def run_bulk() -> Response:
    """The results of a job's operations, in their order; 200 even where every one of them failed."""
    try:
        sent = body()
    except TooLarge as error:
        limit = current_app.config["MAX_CONTENT_LENGTH"]
        raise TooLarge(f"The job is too large: maxPayloadSize is {limit} bytes.") from error
    job = read_job(sent, current_app.config["BULK_MAX_OPERATIONS"])
    results = _Run(job).results()
    return response(answers.message({"schemas": [BULK_RESPONSE], "Operations": results}, request.headers.get("Accept")))


BATCH = 25
"""How many steps share a transaction: they pay for one commit, and other writers wait for no more than these."""


@dataclass
class _Progress:
    """How far a job has come: the ids of new resources by bulkId, the results by the operation's index, the
    indexes that failed, the links that are still to be added, and the log's entries of refused operations."""

    ids: dict[str, str] = field(default_factory=dict)
    results: dict[int, dict[str, Any]] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
    links: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refusals: list[Entry] = field(default_factory=list)

    def copy(self) -> "_Progress":
        """A copy to return to."""
        return _Progress(*(value.copy() for value in vars(self).values()))


class _Run:
    """A job that is being carried out."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._known = {operation.bulk_id for operation in job.operations if operation.method == "POST"}
        self._progress = _Progress()
        self._gate = auth.gate(current_app)
        self._tenant: Tenant = g.access.tenant
        self._within: Write | None = None
        self._away: Unavailable | None = None
        """The error by which the database refused even a single operation; the rest of the job does not wait again."""

    def results(self) -> list[dict[str, Any]]:
        """Carry out the steps until as many operations failed as the client allows."""
        steps = plan(self._job)
        for start in range(0, len(steps), BATCH):
            self._take(steps[start : start + BATCH])
            # None of these steps is taken again.
            for entry in self._progress.refusals:
                self._gate.refusals.add(entry)
            self._progress.refusals.clear()
        return [self._progress.results[index] for index in sorted(self._progress.results)]

    def _take(self, steps: list[Step]) -> None:
        """Apply steps in one transaction, or each in one of its own if the database does not take them together.

        Steps whose commit is unconfirmed are not applied again, since they may have been applied already.
        """
        before = self._progress

        def work(write: Write, tenant: Tenant) -> None:
            self._progress, self._tenant, self._within = before.copy(), tenant, write
            for step in steps:
                self._step(step)

        try:
            if self._away is None:
                together(self._gate.database, self._tenant, work)
                return
        except Unconfirmed as error:
            self._doubt(steps, before, error)
            return
        except Unavailable:
            self._progress = before
        finally:
            self._within = None
        for step in steps:
            self._step(step)

    def _doubt(self, steps: list[Step], before: _Progress, error: Unconfirmed) -> None:
        """Answer with the error every step that was in the transaction."""
        taken, self._progress = self._progress.results, before.copy()
        for step in steps:
            if taken.get(step.index) is not before.results.get(step.index):
                operation = self._job.operations[step.index]
                self._note(step, self._refused(operation, _call(operation), error))

    def _step(self, step: Step) -> None:
        limit, progress = self._job.fail_on_errors, self._progress
        if (limit is not None and len(progress.failed) >= limit) or (step.links and step.index not in progress.links):
            return
        operation = self._job.operations[step.index]
        self._note(step, self._result(step, operation) if self._away is None else self._answer(operation, self._away))

    def _note(self, step: Step, result: dict[str, Any]) -> None:
        self._progress.results[step.index] = result
        if int(result["status"]) >= HTTPStatus.BAD_REQUEST:
            self._progress.failed.add(step.index)

    def _result(self, step: Step, operation: BulkOperation) -> dict[str, Any]:
        """One operation's entry in the response (RFC 7644 §3.7.3)."""
        call = _call(operation)
        try:
            reply = self._applied(step, operation, call)
        except ScimError as error:
            if isinstance(error, Unavailable) and error.detail == BUSY and not isinstance(error, Overdue):
                self._away = error
            return self._refused(operation, call, error)
        place = {"location": reply.headers["Location"], "version": reply.headers["ETag"]} if reply.headers else {}
        return _named(operation) | (place or self._location(operation)) | {"status": str(int(reply.status))}

    def _refused(self, operation: BulkOperation, call: Call, error: ScimError) -> dict[str, Any]:
        """The same for an operation that failed, which is entered in the log."""
        self._progress.refusals.append(errors.entry(error, call))
        return self._answer(operation, error)

    def _answer(self, operation: BulkOperation, error: ScimError) -> dict[str, Any]:
        """The same, without an entry."""
        location = {} if operation.method == "POST" or not operation.path else self._location(operation)
        return _named(operation) | location | {"status": str(int(error.status)), "response": error_body(error)}

    def _location(self, operation: BulkOperation) -> dict[str, str]:
        """The URL of the resource that an operation's path names."""
        return {"location": g.endpoint_url + "/" + resolved(operation.path, self._progress.ids).strip("/")}

    def _applied(self, step: Step, operation: BulkOperation, call: Call) -> Reply:
        self._check(operation, step)
        endpoint, id = target(operation, self._progress.ids, RESOURCES)
        resources = RESOURCES[endpoint](self._gate.database, self._tenant, g.endpoint_url, call, self._within)
        if step.links:
            return self._linked(step.index, operation, resources)
        data, links = withhold(operation.data, step.withheld)
        data = resolved(data, self._progress.ids)
        if id is None:
            return self._created(step.index, operation, answers.create(resources, data), links)
        if operation.method == "DELETE":
            return answers.delete(resources, id)
        if operation.method == "PUT":
            return answers.replace(resources, id, data)
        return answers.patch(resources, id, data, status=HTTPStatus.OK)

    def _created(self, index: int, operation: BulkOperation, reply: Reply, links: list[dict[str, Any]]) -> Reply:
        """Note the id that the operation's bulkId stands for from here on, and the links that are still to be added."""
        self._progress.ids[operation.bulk_id or ""] = reply.headers["Location"].rpartition("/")[2]
        if links:
            self._progress.links[index] = links
        return reply

    def _linked(self, index: int, operation: BulkOperation, resources: Resources) -> Reply:
        """Add what was withheld. If that is refused, the operation has failed, and the new resource is deleted."""
        id = self._progress.ids[operation.bulk_id or ""]
        operations = resolved(self._progress.links.pop(index), self._progress.ids)
        try:
            return answers.patch(resources, id, {"Operations": operations}, status=HTTPStatus.CREATED)
        except ScimError:
            resources.delete(id)
            raise

    def _check(self, operation: BulkOperation, step: Step) -> None:
        """Refuse what no resource can answer: the method, a missing bulkId, references that lead nowhere."""
        if operation.method not in METHODS:
            raise MethodNotAllowed("The method of an operation must be POST, PUT, PATCH or DELETE.")
        if operation.method == "POST" and operation.bulk_id is None:
            raise InvalidValue("A POST operation needs a bulkId.")
        for name in references([operation.path, operation.data]):
            if name not in self._known:
                raise InvalidValue(f'No POST operation of this job has the bulkId "{name[:100]}".')
            if name not in self._progress.ids and name not in step.withheld:
                raise Uniqueness(
                    f'The operation with the bulkId "{name[:100]}" failed, so this one has no one to refer to.'
                )


def _call(operation: BulkOperation) -> Call:
    """What the log says of an operation."""
    call: Call = replace(
        g.call, operation=f"{operation.method or 'none'} (bulk)", resource=None, name=None, warnings=[]
    )
    call.precondition = Precondition(operation.version) if operation.version else None
    return call


def _named(operation: BulkOperation) -> dict[str, Any]:
    """How an entry in the response begins: which operation it is about."""
    named = {"method": operation.method, "bulkId": operation.bulk_id}
    return {name: value for name, value in named.items() if value is not None}
