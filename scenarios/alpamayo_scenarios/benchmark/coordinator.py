"""Hands out a plan's tasks to workers until each has its result or has failed too often, and survives any of them."""

from __future__ import annotations

import select
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from alpamayo_scenarios.benchmark.messages import (
    TRAFFIC_STALLED,
    Failed,
    Finished,
    Progress,
    Ready,
    Refused,
    Report,
    WorkerSetup,
    decode_report,
)
from alpamayo_scenarios.benchmark.plan import Task
from alpamayo_scenarios.benchmark.store import Attempt, BrokenAttempt, ResultStore
from alpamayo_scenarios.benchmark.worker_process import WorkerProcess
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.metrics.episode_result import EpisodeResult

_LOOK_EVERY_S = 0.2
_WORKER_PATIENCE_S = 400.0
"""Beyond the time-outs that a worker keeps itself: the start of its server, and its own clean-up."""
_FEWEST_START_FAILURES = 6
_NOT_STARTED = ("server_not_started", "worker_not_started")


class Listener(Protocol):
    """Somebody who is told how the run goes."""

    def began(self, task: Task) -> None:
        """A task was handed out."""
        ...

    def advanced(self, task: Task, percent: float) -> None:
        """A task's episode came so far on its route."""
        ...

    def finished(self, task: Task, result: EpisodeResult) -> None:
        """A task has its result."""
        ...

    def failed(self, task: Task, kind: str, reason: str, tries_left: int) -> None:
        """Infrastructure failed an attempt."""
        ...


@dataclass(frozen=True)
class Limits:
    """How much is tried."""

    attempts: int = 3
    """Times that a task is tried before it is given up for this invocation; a resumed run tries it again."""
    stalls: int = 10
    """Times that CARLA's TrafficManager may have missed a signal besides."""


class Coordinator:
    """Runs a plan's open tasks on some workers; a context manager that ends them."""

    def __init__(
        self, store: ResultStore, setups: Sequence[WorkerSetup], listener: Listener, limits: Limits | None = None
    ) -> None:
        """Prepare one worker for each set-up; none is started yet."""
        self._store = store
        self._setups = setups
        self._listener = listener
        self._limits = limits or Limits()
        open_tasks = [task for task in store.plan.tasks if not store.is_complete(task)]
        # The longest first, so that no worker is left alone with one at the end.
        self._open = deque(sorted(open_tasks, key=lambda task: -task.length_m))
        self._failures: Counter[str] = Counter()
        self._stalls: Counter[str] = Counter()
        self._start_failures = 0
        self._workers: dict[int, WorkerProcess] = {}
        self.given_up: list[Task] = []

    def run(self) -> None:
        """Return when every task is complete or given up.

        Raises InputError when a task cannot be driven for want of something that the user has, InfrastructureError
        when neither workers nor servers start.
        """
        while self._open or any(worker.attempt for worker in self._workers.values()):
            self._start_workers()
            self._hand_out()
            self._listen()
            self._end_silent_workers()

    def _start_workers(self) -> None:
        busy = sum(worker.attempt is not None for worker in self._workers.values())
        for number, setup in enumerate(self._setups):
            if number not in self._workers and len(self._workers) < busy + len(self._open):
                self._workers[number] = WorkerProcess(number, setup, self._store.worker_log(number))

    def _hand_out(self) -> None:
        for worker in self._workers.values():
            if worker.is_ready and self._open:
                task = self._open.popleft()
                self._listener.began(task)
                worker.give(self._store.new_attempt(task))

    def _listen(self) -> None:
        by_pipe = {worker.reports.descriptor: worker for worker in self._workers.values()}
        readable, _, _ = select.select(list(by_pipe), [], [], _LOOK_EVERY_S)
        for pipe in readable:
            worker = by_pipe[pipe]
            for line in worker.reports.read():
                worker.heard_s = time.monotonic()
                self._take(worker, decode_report(line))
            if worker.reports.is_at_end:
                self._lost(worker)

    def _take(self, worker: WorkerProcess, report: Report) -> None:
        if isinstance(report, Ready):
            worker.is_ready = True
            return
        attempt = worker.attempt
        if attempt is None:
            return
        if isinstance(report, Progress):
            self._listener.advanced(attempt.task, report.percent)
            return
        worker.attempt = None
        if isinstance(report, Refused):
            raise InputError(f"route {attempt.task.route_id} ({attempt.task.town}): {report.message}")
        if isinstance(report, Finished):
            self._commit(attempt)
        else:
            self._retry(attempt, report)

    def _commit(self, attempt: Attempt) -> None:
        try:
            result = self._store.commit(attempt)
        except BrokenAttempt as error:
            self._retry(attempt, Failed("broken_result", str(error)))
            return
        self._start_failures = 0
        self._listener.finished(attempt.task, result)

    def _retry(self, attempt: Attempt, failure: Failed) -> None:
        task = attempt.task
        if failure.kind == TRAFFIC_STALLED:
            self._stalls[task.task_id] += 1
            tries_left = self._limits.stalls - self._stalls[task.task_id]
        else:
            self._failures[task.task_id] += 1
            tries_left = self._limits.attempts - self._failures[task.task_id]
        self._store.note_failure(attempt, failure.kind, failure.reason, is_last=tries_left <= 0)
        self._listener.failed(task, failure.kind, failure.reason, tries_left)
        if tries_left > 0:
            self._open.append(task)
        else:
            self.given_up.append(task)
        self._note_start(failure)

    def _note_start(self, failure: Failed) -> None:
        """Give up a run in which nothing starts, rather than fail every route for it in turn."""
        self._start_failures = self._start_failures + 1 if failure.kind in _NOT_STARTED else 0
        if self._start_failures >= max(_FEWEST_START_FAILURES, 2 * len(self._setups)):
            what = "workers" if failure.kind == "worker_not_started" else "servers"
            raise InfrastructureError(
                f"{what} do not start ({self._start_failures} times in a row): {failure.reason}. What there is lies in "
                f"{self._store.run.path}"
            )

    def _lost(self, worker: WorkerProcess) -> None:
        """A worker has ended: what it was driving is driven again, and another takes its place."""
        del self._workers[worker.number]
        how, log = worker.how_it_ended(), worker.log()
        worker.close(at_once=True)
        reason = f"the worker's process ended with {how}" + (f": {log}" if log else "")
        if worker.attempt is not None:
            self._retry(worker.attempt, Failed("worker_died", reason))
        elif not worker.is_ready:
            self._note_start(Failed("worker_not_started", reason))

    def _end_silent_workers(self) -> None:
        for worker in list(self._workers.values()):
            setup = self._setups[worker.number]
            limit_s = setup.agent_timeout_s + setup.silent_after_s + _WORKER_PATIENCE_S
            if worker.attempt is not None and time.monotonic() - worker.heard_s > limit_s:
                del self._workers[worker.number]
                worker.close(at_once=True)
                self._retry(worker.attempt, Failed("worker_silent", f"the worker said nothing for {limit_s:.0f} s"))

    def close(self) -> None:
        """End the workers and all that they have started. Safe to call twice."""
        workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.dismiss()
        for worker in workers:
            worker.close()

    def __enter__(self) -> Coordinator:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.close()
