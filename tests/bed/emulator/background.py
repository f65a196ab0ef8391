"""Query jobs that run in the background: jobs.insert answers immediately, and the client asks until they are done.

A job is PENDING while it waits for other DML of its table, then RUNNING. Patches `_build_job_response` of
bqemulator.api.routes.jobs, which knows one location.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from bqemulator.api.routes import jobs as routes
from bqemulator.catalog.models import JobMeta
from bqemulator.domain.errors import AlreadyExistsError, DomainError, NotFoundError

from . import billing
from .dml import Mutation, Queue, mutation_of
from .hooks import override
from .run import NOBODY
from .scope import DEFAULT_DATASET, written
from .threads import Writer

ANYWHERE = ("US", "EU")
"""Where a job is found without its location."""
_LISTED = {"kind", "id", "jobReference", "status", "statistics", "user_email"}
"""What jobs.list shows of a job by itself."""
_LOCATIONS: dict[tuple[str, str], str] = {}


class StoppedError(DomainError):
    """The job was cancelled."""

    http_status, bq_reason, grpc_status_name = 400, "stopped", "CANCELLED"


@dataclass(eq=False)
class Job:
    """A job that has not ended."""

    meta: JobMeta
    body: dict[str, Any]
    default: tuple[str, str] | None
    done: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sql(self) -> str:
        """The statement."""
        return str(self.body["configuration"]["query"].get("query", ""))

    @property
    def key(self) -> tuple[str, str]:
        """Project and id."""
        return self.meta.project_id, self.meta.job_id

    async def json(self) -> dict[str, Any]:
        """The body, as the stock jobs.insert asks its request for it."""
        return self.body


class Background:
    """All query jobs of the server. The server's event loop alone uses it."""

    def __init__(self, ctx: Any, writer: Writer) -> None:
        self._ctx, self._writer = ctx, writer
        self._queue = Queue()
        self._jobs: dict[tuple[str, str], Job] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._holds: set[str] = set()
        self._held: list[Job] = []
        self._change = asyncio.Event()

    def insert(self, project: str, body: dict[str, Any]) -> dict[str, Any]:
        """The resource of a job that has just begun."""
        reference = body.setdefault("jobReference", {})
        job_id = reference.setdefault("jobId", f"bqemu_{uuid.uuid4().hex[:12]}")
        sql = str(body["configuration"]["query"].get("query", ""))
        location = self._location(project, sql, reference.get("location"))
        self.require_unused(project, reference)
        _LOCATIONS[project, job_id] = location
        now = self._ctx.clock.now()
        meta = JobMeta(
            project_id=project, job_id=job_id, job_type="QUERY", state="RUNNING", configuration=body["configuration"],
            creation_time=now, start_time=now, etag=job_id,
        )  # fmt: skip
        job = self._jobs[project, job_id] = Job(meta, body, DEFAULT_DATASET.get())
        self._ctx.catalog.upsert_job(meta)
        task = asyncio.create_task(self._run(job))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return self.resource(project, job_id)

    def resource(self, project: str, job_id: str) -> dict[str, Any]:
        """A job as jobs.get shows it."""
        job = self._jobs.get((project, job_id))
        meta = job.meta if job else self._ctx.catalog.get_job(project, job_id)
        resource: dict[str, Any] = routes._build_job_response(project, job_id, meta, dict(meta.configuration))
        return resource

    def listed(self, project: str, query: dict[str, str]) -> list[dict[str, Any]]:
        """Jobs as jobs.list shows them, the newest first: all of one caller, with their configuration if asked for."""
        wanted, limit = query.get("stateFilter", "").upper(), int(query.get("maxResults", "50"))
        found = self._ctx.catalog.list_jobs(project, state_filter=wanted or None, max_results=limit)
        jobs = [self.resource(project, meta.job_id) for meta in found]
        shown = _LISTED | ({"configuration"} if query.get("projection", "").lower() == "full" else set())
        return [
            {name: value for name, value in job.items() if name in shown} | {"state": job["status"]["state"]}
            for job in jobs
        ]

    def require_found(self, project: str, job_id: str, location: str | None) -> None:
        """Refuses a job that does not exist, or not where the request looks."""
        where = _LOCATIONS.get((project, job_id), "US")
        elsewhere = location.upper() != where.upper() if location else where.upper() not in ANYWHERE
        if elsewhere or not self._known(project, job_id):
            raise NotFoundError(f"Not found: Job {project}:{location or 'US'}.{job_id}")

    async def done(self, project: str, job_id: str, seconds: float) -> bool:
        """Whether the job is done within that time."""
        job = self._jobs.get((project, job_id))
        if job is not None:
            await _first(job.done.wait(), asyncio.sleep(seconds))
        return job is None or job.done.is_set()

    async def settled(self, project: str, job_id: str, seconds: float) -> None:
        """Waits a moment for a job that is at its work, and not for one that waits or is held."""
        job = self._jobs.get((project, job_id))
        if job is not None and job.meta.state == "RUNNING" and job not in self._held:
            await self.done(project, job_id, seconds)

    def require_unused(self, project: str, reference: dict[str, Any]) -> None:
        """Refuses a job id that was used before."""
        job_id = str(reference.get("jobId") or "")
        if self._known(project, job_id):
            raise AlreadyExistsError(f"Already Exists: Job {project}:{_LOCATIONS.get((project, job_id), 'US')}.{job_id}")

    def cancel(self, project: str, job_id: str) -> None:
        """Ends a job that waits or is held; one at its work goes on to its end."""
        if (job := self._jobs.get((project, job_id))) is not None:
            job.cancelled.set()

    def hold(self, text: str) -> None:
        """Lets statements that contain the text stay RUNNING, once it is their turn, until `release`."""
        self._holds.add(text)

    def release(self, text: str) -> None:
        """Lets them go on."""
        self._holds.discard(text)
        self._changed()

    async def held(self, count: int) -> list[str]:
        """The ids of held jobs, in their order, as soon as there are so many."""
        while len(self._held) < count:
            await self._change.wait()
        return [job.meta.job_id for job in self._held]

    async def _run(self, job: Job) -> None:
        DEFAULT_DATASET.set(job.default)
        billing.set_limit(job.body["configuration"]["query"])
        project = job.meta.project_id
        mutation: Mutation | None = None
        try:
            mutation = await asyncio.to_thread(mutation_of, job.sql, project, self._ctx)
            if mutation is not None:
                await self._admitted(job, mutation)
            await self._while_held(job)
            await self._writer.run(routes.insert_job(project, job, self._ctx, NOBODY))
        except DomainError as refusal:
            self._fail(job, routes._domain_error_to_error_result(refusal))  # type: ignore[arg-type]
        except Exception as error:  # noqa: BLE001 - the job ends, whatever happens to it
            self._fail(job, {"reason": "internalError", "message": repr(error)})
        finally:
            if mutation is not None:
                self._queue.leave(mutation)
            self._end(job)

    async def _admitted(self, job: Job, mutation: Mutation) -> None:
        self._queue.join(mutation)
        if not mutation.admitted.is_set():
            self._show(job, state="PENDING", start_time=None)
            await _first(mutation.admitted.wait(), job.cancelled.wait())
            self._show(job, state="RUNNING", start_time=self._ctx.clock.now())
        _require_wanted(job)
        self._queue.require_no_conflict(mutation)

    async def _while_held(self, job: Job) -> None:
        if not self._is_held(job):
            return
        self._held.append(job)
        self._changed()
        while self._is_held(job) and not job.cancelled.is_set():
            await _first(self._change.wait(), job.cancelled.wait())
        self._held.remove(job)
        self._changed()
        _require_wanted(job)

    def _is_held(self, job: Job) -> bool:
        return any(text in job.sql for text in self._holds)

    def _changed(self) -> None:
        self._change.set()
        self._change = asyncio.Event()

    def _known(self, project: str, job_id: str) -> bool:
        return self._ctx.catalog.get_job(project, job_id) is not None

    def _location(self, project: str, sql: str, asked: str | None) -> str:
        """Where the job runs: where its data are. A request that looks for them elsewhere finds none."""
        path = DEFAULT_DATASET.get()
        if path is None and (key := written(sql, project)) is not None:
            path = key[:2]
        dataset = self._ctx.catalog.get_dataset(*path) if path else None
        if path is None or dataset is None:
            return asked or "US"
        if asked and asked.upper() != dataset.location.upper():
            raise NotFoundError(f"Not found: Dataset {path[0]}:{path[1]} was not found in location {asked}")
        return str(dataset.location)

    def _show(self, job: Job, **changes: Any) -> None:
        job.meta = job.meta.model_copy(update=changes)
        self._ctx.catalog.upsert_job(job.meta)

    def _fail(self, job: Job, error: dict[str, Any]) -> None:
        now = self._ctx.clock.now()
        self._ctx.catalog.upsert_job(
            routes._failed_job_meta(*job.key, "QUERY", job.meta.configuration, error, now)
        )

    def _end(self, job: Job) -> None:
        """What the statement left in the catalog, with the times of the whole job and the request's configuration."""
        ended = self._ctx.catalog.get_job(*job.key)
        configuration = dict(job.meta.configuration)
        routes._merge_executor_config(configuration, ended.configuration)
        times = {"creation_time": job.meta.creation_time, "start_time": job.meta.start_time or job.meta.creation_time}
        self._ctx.catalog.upsert_job(ended.model_copy(update={"configuration": configuration, **times}))
        del self._jobs[job.key]
        job.done.set()


def _require_wanted(job: Job) -> None:
    if job.cancelled.is_set():
        raise StoppedError("Job execution was cancelled: User requested cancellation")


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    """Returns as soon as one of them does."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()


def _located(stock: Any) -> Any:
    def build(project_id: str, job_id: str, *more: Any) -> dict[str, Any]:
        job: dict[str, Any] = stock(project_id, job_id, *more)
        job["jobReference"]["location"] = where = _LOCATIONS.get((project_id, job_id), "US")
        return job | {"id": f"{project_id}:{where}.{job_id}"}

    return build


def install() -> None:
    """Patches bqemulator; once, before the server starts."""
    override(routes, "_build_job_response", _located(routes._build_job_response))
