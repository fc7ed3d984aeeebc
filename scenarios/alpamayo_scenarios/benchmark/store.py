"""The results of a run on disk: an episode is there whole or not at all, once, whoever is killed when.

Episodes are written below `.attempts/`, each attempt in a folder of its own, and moved to `episodes/<id>` in one step when
they are complete. Only the process that holds the run's lock moves them.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from alpamayo_scenarios.benchmark.plan import Plan, Task
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_result import EpisodeResult
from alpamayo_sim.record.episode_recorder import result_from_json
from alpamayo_sim.record.run_folder import COMPLETE_MARKER, RunFolder, append_json_line, read_json_lines, write_text

ATTEMPTS_FOLDER = ".attempts"
FAILURES_FOLDER = "infrastructure"
FAILURES_FILE = "infrastructure.jsonl"
LOCK_FILE = ".lock"


class BrokenAttempt(Exception):
    """What an attempt has left is not the complete result of its task."""


@dataclass(frozen=True)
class Attempt:
    """One try at a task, and the folder that it writes to."""

    task: Task
    number: int
    folder: Path


class ResultStore:
    """A benchmark's run folder, opened by the one coordinator that may write to it; a context manager."""

    def __init__(self, run: RunFolder, plan: Plan) -> None:
        """Take the run's lock and clear what earlier attempts have left; InputError while somebody else holds it."""
        self.run = run
        self.plan = plan
        self._lock: IO[str] = (run.path / LOCK_FILE).open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise InputError(f"another process is working on {run.path}; wait for it, or end it first") from error
        base = run.path / ATTEMPTS_FOLDER
        shutil.rmtree(base, ignore_errors=True)
        self._folder = base / f"{os.getpid()}"
        self._folder.mkdir(parents=True, exist_ok=True)
        earlier = [int(line["attempt"]) for line in read_json_lines(run.path / FAILURES_FILE)]
        self._numbers = itertools.count(max(earlier, default=0) + 1)

    def is_complete(self, task: Task) -> bool:
        """Whether the task has its result."""
        return self.run.is_complete(task.task_id)

    def worker_log(self, number: int) -> Path:
        """Return the file that a worker's standard error goes to."""
        return self._folder / f"worker-{number}.log"

    def new_attempt(self, task: Task) -> Attempt:
        """Return a new, empty attempt, laid out as a run folder."""
        number = next(self._numbers)
        folder = self._folder / f"{task.task_id}-{number}"
        for name in ("episodes", "videos"):
            (folder / name).mkdir(parents=True)
        return Attempt(task, number, folder)

    def commit(self, attempt: Attempt) -> EpisodeResult:
        """Move a complete episode into the run and return its result; BrokenAttempt unless it is the task's, whole."""
        task = attempt.task
        staged = RunFolder(attempt.folder)
        source = staged.episode_folder(task.task_id)
        if not (source / COMPLETE_MARKER).is_file():
            raise BrokenAttempt("the episode was not written to its end")
        result = read_episode(source)
        identity = result.identity
        found = (identity.episode_id, identity.route_id, identity.seed, identity.agent)
        wanted = (task.task_id, task.route_id, task.seed, self.plan.settings.agent)
        if found != wanted or not result.is_scored:
            raise BrokenAttempt(f"expected the result of {wanted}; found that of {found}, {result.status}")
        if self.is_complete(task):
            raise BrokenAttempt("the task has its result already")
        video = staged.video_file(task.task_id)
        if video.is_file():
            video.replace(self.run.video_file(task.task_id))
        target = self.run.episode_folder(task.task_id)
        source.rename(target)
        for event in read_json_lines(attempt.folder / "events.jsonl"):
            append_json_line(self.run.path / "events.jsonl", event)
        self.run.append_metrics(result.flat())
        shutil.rmtree(attempt.folder, ignore_errors=True)
        return result

    def note_failure(self, attempt: Attempt, kind: str, reason: str, *, is_last: bool) -> None:
        """Record an infrastructure failure and keep the logs of the attempt; what it measured is dropped."""
        failure = {"task_id": attempt.task.task_id, "attempt": attempt.number, "kind": kind, "reason": reason}
        append_json_line(self.run.path / FAILURES_FILE, {**failure, "given_up": is_last})
        self.run.append_event("infrastructure_failure", **failure)
        kept = self.run.path / FAILURES_FOLDER / f"{attempt.task.task_id}-{attempt.number}"
        logs = [log for log in attempt.folder.glob("*.log") if log.stat().st_size]
        if logs:
            kept.mkdir(parents=True, exist_ok=True)
        for log in logs:
            log.replace(kept / log.name)
        shutil.rmtree(attempt.folder, ignore_errors=True)

    def results(self) -> list[EpisodeResult]:
        """Return the results there are, in the plan's order."""
        return [self.result(task) for task in self.plan.tasks if self.is_complete(task)]

    def result(self, task: Task) -> EpisodeResult:
        """Return the result of a complete task."""
        return read_episode(self.run.episode_folder(task.task_id))

    def rewrite_metrics(self) -> None:
        """Write metrics.jsonl again from the results: one line each, in the plan's order, however the run went."""
        lines = (json.dumps(result.flat(), separators=(",", ":"), allow_nan=False) for result in self.results())
        write_text(self.run.path / "metrics.jsonl", "".join(f"{line}\n" for line in lines))

    def __enter__(self) -> ResultStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.run.path / ATTEMPTS_FOLDER, ignore_errors=True)
        self._lock.close()


def read_episode(folder: Path) -> EpisodeResult:
    """Return the result in an episode's folder; BrokenAttempt if there is none."""
    try:
        return result_from_json(json.loads((folder / "result.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BrokenAttempt(f"{folder.name}/result.json cannot be read: {error}") from error


def episode_details(folder: Path) -> dict[str, Any]:
    """Return what the episode's own description says beside its identity."""
    return json.loads((folder / "episode.json").read_text(encoding="utf-8"))["details"]
