"""Drives many branches over several processes; killed at any moment, it goes on where it was."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from alpamayo_scenarios.counterfactual.branch import Branch, BranchStore, encode_branch
from alpamayo_scenarios.counterfactual.worker import DONE, REFUSED, STALLED
from alpamayo_sim.client.parent import end_with_parent
from alpamayo_sim.errors import InfrastructureError, InputError

_ENVIRONMENT = {
    # As for the benchmark's workers: what depends on hashes and threads would differ from process to process.
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_MOST_FAILURES_IN_A_ROW = 12
_LOOK_EVERY_S = 0.2
WORKER_DIED = "worker_died"

Told = Callable[[int, int, float], None]
"""(branches done, branches in all, seconds left by the pace so far)."""


@dataclass(frozen=True)
class PoolReport:
    """What a pool has driven."""

    driven: int
    found: int
    """Results that were there already."""
    given_up: dict[str, str]
    """Key of the branch to the last failure's reason."""
    retries: int
    wall_time_s: float
    cpu_s: float
    """Processor time of all drives, failed ones too."""


class _Worker:
    """The pool's end of a worker process."""

    def __init__(self, folder: Path) -> None:
        parent = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "alpamayo_scenarios.counterfactual.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, **_ENVIRONMENT},
            preexec_fn=lambda: end_with_parent(parent, signal.SIGKILL),
        )

    def drive(self, branch: Branch) -> tuple[str, str, float]:
        """Return what became of an order: the event, the reason if it is not done, and the processor time that it took."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(encode_branch(branch).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return WORKER_DIED, "the worker's process has ended", 0.0
        line = self._process.stdout.readline()
        if not line:
            return WORKER_DIED, f"the worker's process ended with {self._process.wait()}", 0.0
        told = json.loads(line)
        return str(told["event"]), str(told["reason"]), float(told["cpu_s"])

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the worker and whatever it drives at once."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the worker and release its pipes."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


class BranchPool:
    """Some workers on one folder of results; `drive` returns when all branches are driven or given up."""

    def __init__(self, store: BranchStore, *, jobs: int, attempts: int = 3, stalls: int = 10) -> None:
        """Prepare: `attempts` is how often a branch is tried when infrastructure fails; TrafficManager may stall besides."""
        if jobs < 1 or attempts < 1:
            raise InputError(f"jobs and attempts are 1 or more; found {jobs} and {attempts}")
        self._store = store
        self._jobs = jobs
        self._attempts = attempts
        self._stalls = stalls

    def drive(self, branches: Sequence[Branch], told: Told | None = None) -> PoolReport:
        """Drive what has no result yet.

        Raises InputError when an episode cannot be driven for something that the user has to mend, InfrastructureError when
        nothing works, with all workers ended.
        """
        began_s = time.monotonic()
        unique = {branch.key: branch for branch in branches}
        todo = [branch for branch in unique.values() if not self._store.has(branch)]
        run = _Run(self._store, self._attempts, self._stalls, todo)
        threads = [
            threading.Thread(target=run.work, name=f"branch-pool-{number}", daemon=True)
            for number in range(min(self._jobs, len(todo)))
        ]
        for thread in threads:
            thread.start()
        try:
            while any(thread.is_alive() for thread in threads):
                time.sleep(_LOOK_EVERY_S)
                if told is not None:
                    elapsed_s = time.monotonic() - began_s
                    done = run.finished
                    left_s = elapsed_s / done * (len(todo) - done) if done else float("inf")
                    told(len(unique) - len(todo) + done, len(unique), left_s)
        finally:
            run.stop()
            for thread in threads:
                thread.join()
        if run.error is not None:
            raise run.error
        return PoolReport(
            driven=len(todo) - len(run.given_up),
            found=len(unique) - len(todo),
            given_up=run.given_up,
            retries=run.retries,
            wall_time_s=time.monotonic() - began_s,
            cpu_s=run.cpu_s,
        )


class _Run:
    """What the threads of one `drive` share."""

    def __init__(self, store: BranchStore, attempts: int, stalls: int, todo: Sequence[Branch]) -> None:
        self._store = store
        self._tries_left = {branch.key: attempts for branch in todo}
        self._stalls_left = {branch.key: stalls for branch in todo}
        self._open: queue.SimpleQueue[Branch] = queue.SimpleQueue()
        for branch in todo:
            self._open.put(branch)
        self._unfinished = len(todo)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._workers: set[_Worker] = set()
        self._failures_in_a_row = 0
        self.finished = 0
        self.retries = 0
        self.cpu_s = 0.0
        self.given_up: dict[str, str] = {}
        self.error: Exception | None = None

    def work(self) -> None:
        """One thread: a worker and what it is given, until all is done."""
        worker: _Worker | None = None
        try:
            while not self._stopped.is_set() and self._unfinished > 0:
                try:
                    branch = self._open.get(timeout=0.2)
                except queue.Empty:
                    continue
                if worker is None or not worker.alive:
                    worker = self._new_worker(worker)
                self._settle(branch, *worker.drive(branch))
        finally:
            if worker is not None:
                self._end_worker(worker)

    def stop(self) -> None:
        """End every worker now."""
        self._stopped.set()
        with self._lock:
            for worker in self._workers:
                worker.kill()

    def _new_worker(self, old: _Worker | None) -> _Worker:
        if old is not None:
            self._end_worker(old)
        worker = _Worker(self._store.folder)
        with self._lock:
            self._workers.add(worker)
        if self._stopped.is_set():
            worker.kill()
        return worker

    def _end_worker(self, worker: _Worker) -> None:
        with self._lock:
            self._workers.discard(worker)
        worker.close()

    def _settle(self, branch: Branch, event: str, reason: str, cpu_s: float) -> None:
        if self._stopped.is_set():
            return
        with self._lock:
            self.cpu_s += cpu_s
            if event == DONE and self._store.has(branch):
                self._failures_in_a_row = 0
                self._unfinished -= 1
                self.finished += 1
                return
            if event == REFUSED:
                self.error = InputError(f"route {branch.replay.route_id} ({branch.replay.town}): {reason}")
                self._stopped.set()
                return
            left = self._stalls_left if event == STALLED else self._tries_left
            left[branch.key] -= 1
            self.retries += 1
            self._failures_in_a_row += event != STALLED
            if self._failures_in_a_row > _MOST_FAILURES_IN_A_ROW:
                self.error = InfrastructureError(
                    f"{self._failures_in_a_row} drives failed in a row; the last: {reason}"
                )
                self._stopped.set()
            elif left[branch.key] > 0:
                self._open.put(branch)
            else:
                self.given_up[branch.key] = f"{event}: {reason}"
                self._unfinished -= 1
                self.finished += 1
