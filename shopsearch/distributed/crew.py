"""Workers as Ray actors: hired, given parcels in turn, and replaced when they end."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import ray
import structlog

from shopsearch.distributed.cluster import first_line
from shopsearch.distributed.parcels import (
    CannotStart,
    EncodedParcel,
    Parcel,
    ParcelLost,
    Started,
    WorkerPlan,
)
from shopsearch.distributed.staffing import Staffing
from shopsearch.distributed.worker import EncodingWorker
from shopsearch.errors import WorkersUnavailable

AT_ONCE = 2  # parcels that a worker works on: one is decoded while the other is encoded
AHEAD = 3  # parcels that a worker has: one more is there when it has done one
TRIES = 3  # workers that may end over a parcel
STARTS_WITHIN_S = 300.0  # the first worker; a model may have to be downloaded

_ENDED = (
    ray.exceptions.RayActorError,
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.OutOfMemoryError,
    ray.exceptions.ObjectLostError,  # what it had made went with its machine
)
_log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class _Member:
    """A worker, from when it is asked for."""

    actor: Any
    starting: Any  # a reference to `Started` or `CannotStart`
    has_started: bool = False
    tasks: list[Task] = field(default_factory=list)

    def n_undone(self) -> int:
        if not self.tasks:
            return 0
        refs = [task.ref for task in self.tasks]
        _, undone = ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)
        return len(undone)


@dataclass(eq=False, slots=True)
class Task:
    """A parcel that a worker has."""

    parcel: Any  # a reference: it is handed over again without being packed again
    member: _Member
    ref: Any
    tries: int = 1


class RayCrew:
    """The workers of one run. Not for several threads; dismiss it at the end.

    A worker that ends is replaced, and what it had is done again by others. Where workers end over
    and over while they load their model, those that are left go on alone.
    """

    def __init__(self, plan: WorkerPlan, staffing: Staffing) -> None:
        self._plan = ray.put(plan)
        self._hiring = ray.remote(EncodingWorker).options(
            num_cpus=staffing.cores,
            num_gpus=staffing.gpus,
            max_concurrency=AT_ONCE,
            max_restarts=0,  # replaced here: one that finds no room then holds up nothing
            scheduling_strategy="SPREAD",
        )
        self._members = [self._hired() for _ in range(staffing.n_workers)]
        self._n_lost_starting = 0

    @property
    def capacity(self) -> int:
        """How many parcels keep all workers busy that are there by now."""
        self._meet_newcomers()
        return AHEAD * max(1, sum(member.has_started for member in self._members))

    def submit(self, parcel: Parcel) -> Task:
        """Hand a parcel to the worker that has least to do. Raises `WorkersUnavailable`."""
        member = self._least_busy()
        packed = ray.put(parcel)
        task = Task(packed, member, member.actor.encode.remote(packed))
        member.tasks.append(task)
        return task

    def result(self, task: Task) -> EncodedParcel:
        """What became of a parcel, when it is done.

        Raises `ParcelLost`, `WorkersUnavailable`, and what encoding raised.
        """
        while True:
            try:
                encoded: EncodedParcel = ray.get(task.ref)
            except _ENDED as error:
                self._replace(task.member, error)
                if task.tries > TRIES:
                    raise ParcelLost(ray.get(task.parcel), TRIES) from error
            else:
                task.member.tasks.remove(task)
                return encoded

    def dismiss(self) -> None:
        """End the workers; what they have is dropped."""
        for member in self._members:
            ray.kill(member.actor)
        self._members = []

    def _hired(self) -> _Member:
        actor = self._hiring.remote(self._plan)
        return _Member(actor, actor.start.remote())

    def _replace(self, member: _Member, error: Exception) -> None:
        """Put another in the place of a worker that ended, and hand out again what it had."""
        if member not in self._members:
            return
        _log.warning("a worker of Ray ended, what it had is done again", reason=first_line(error))
        self._let_go(member)
        self._members.append(self._hired())
        for task in member.tasks:
            task.tries += 1
            if task.tries <= TRIES:
                self._hand_again(task)

    def _let_go(self, member: _Member) -> None:
        self._members.remove(member)
        ray.kill(member.actor)  # it may only have become unreachable

    def _hand_again(self, task: Task) -> None:
        task.member = self._least_busy()
        task.ref = task.member.actor.encode.remote(task.parcel)
        task.member.tasks.append(task)

    def _least_busy(self) -> _Member:
        until = time.monotonic() + STARTS_WITHIN_S
        while True:
            self._meet_newcomers()
            if there := [member for member in self._members if member.has_started]:
                return min(there, key=_Member.n_undone)
            if time.monotonic() > until:
                raise WorkersUnavailable(
                    f"no worker of Ray started within {STARTS_WITHIN_S:.0f} s; see with `ray "
                    "status` whether the cluster has cores or GPUs free, or set fewer threads "
                    "(SHOPSEARCH_THREADS)"
                )
            ray.wait([member.starting for member in self._members], timeout=1.0)

    def _meet_newcomers(self) -> None:
        """See who has started meanwhile."""
        newcomers = {m.starting: m for m in self._members if not m.has_started}
        if not newcomers:
            return
        told, _ = ray.wait(list(newcomers), num_returns=len(newcomers), timeout=0)
        for ref in told:
            self._meet(newcomers[ref])

    def _lost_starting(self, member: _Member, error: Exception) -> None:
        """One ended before it had anything to do; it is replaced, unless that is of no use."""
        self._n_lost_starting += 1
        if self._n_lost_starting < TRIES:
            self._replace(member, error)
            return
        self._let_go(member)
        if not self._members:
            raise WorkersUnavailable(
                f"workers of Ray end while they load the model: {first_line(error)}"
            ) from error
        _log.warning("a worker of Ray ended while it loaded the model", reason=first_line(error))

    def _meet(self, member: _Member) -> None:
        try:
            answer: Started | CannotStart = ray.get(member.starting)
        except _ENDED as error:
            self._lost_starting(member, error)
            return
        if isinstance(answer, CannotStart):
            raise WorkersUnavailable(
                f"the worker of Ray on {answer.node} cannot encode: {answer.reason}"
            )
        member.has_started = True
        self._n_lost_starting = 0
        _log.info("a worker of Ray has loaded the model", node=answer.node, process=answer.pid)
