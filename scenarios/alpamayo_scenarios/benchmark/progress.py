"""How a benchmark run goes, on standard error: a line for every route that is over, with the time that is left."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Sequence
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from alpamayo_scenarios.benchmark.plan import Task
from alpamayo_sim.metrics.episode_result import OK, EpisodeResult

_START_M = 40.0
"""Starting an episode takes about as long as driving so far."""


class BenchProgress:
    """Tells how far the run is, and about when it ends; a context manager for the bar of a terminal."""

    def __init__(self, tasks: Sequence[Task], done: Sequence[Task]) -> None:
        """Begin with the tasks that an earlier invocation has finished."""
        self._total = len(tasks)
        self._done = len(done)
        finished = {task.task_id for task in done}
        self._left_m = sum(_work_m(task) for task in tasks if task.task_id not in finished)
        self._worked_m = 0.0
        self._running: dict[str, tuple[Task, float]] = {}
        self._started_s = time.monotonic()
        self._console = Console(stderr=True)
        self._bar: Progress | None = None
        if sys.stderr.isatty():
            columns = (
                TextColumn("{task.completed:.1f} of {task.total} routes"),
                BarColumn(),
                TextColumn("{task.fields[left]}"),
            )
            self._bar = Progress(*columns, console=self._console)
            self._row = self._bar.add_task("bench", total=self._total, completed=self._done, left="")

    def began(self, task: Task) -> None:
        """A task was handed out."""
        self._running[task.task_id] = (task, 0.0)

    def advanced(self, task: Task, percent: float) -> None:
        """A task came so far on its route."""
        self._running[task.task_id] = (task, percent)
        self._draw()

    def finished(self, task: Task, result: EpisodeResult) -> None:
        """Print a task's result."""
        self._running.pop(task.task_id, None)
        self._done += 1
        self._worked_m += _work_m(task)
        self._left_m -= _work_m(task)
        verdict = result.outcome if result.status == OK else result.status
        colour = "green" if result.success else "yellow" if result.status == OK else "red"
        infractions = sorted({infraction.kind.value for infraction in result.infractions})
        told = f"  ({', '.join(infractions)})" if infractions else ""
        kinds = f"  {', '.join(task.scenario_types)}" if task.scenario_types else ""
        line = Text(f"[{self._done:>{len(str(self._total))}}/{self._total}] {task.task_id:<24} ")
        line.append(verdict, style=colour)
        line.append(f"  score {result.driving_score:5.1f}{told}{kinds}  {result.wall_time_s:.0f} s, {self._left()}")
        self._console.print(line, highlight=False, soft_wrap=True)
        self._draw()

    def failed(self, task: Task, kind: str, reason: str, tries_left: int) -> None:
        """Print that infrastructure failed an attempt."""
        self._running.pop(task.task_id, None)
        after = f"{tries_left} more tries" if tries_left > 0 else "given up for now"
        first = reason.strip().splitlines()[-1] if reason.strip() else kind
        line = f"infrastructure: {task.task_id}: {kind}: {first[:200]}; {after}"
        self._console.print(Text(line, style="magenta"), highlight=False, soft_wrap=True)

    def _draw(self) -> None:
        if self._bar is not None:
            part = sum(percent / 100.0 for _, percent in self._running.values())
            self._bar.update(self._row, completed=min(self._total, self._done + part), left=self._left())

    def _left(self) -> str:
        if self._done >= self._total:
            return "done"
        under_way_m = sum(_work_m(task) * percent / 100.0 for task, percent in self._running.values())
        worked_m = self._worked_m + under_way_m
        if worked_m <= 0.0:
            return "no estimate yet"
        rate_mps = worked_m / max(time.monotonic() - self._started_s, 1e-6)
        left_s = max(self._left_m - under_way_m, 0.0) / rate_mps
        return f"about {_duration(left_s)} left"

    def __enter__(self) -> BenchProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()


def _work_m(task: Task) -> float:
    return task.length_m + _START_M


def _duration(seconds: float) -> str:
    if seconds < 90.0:
        return f"{math.ceil(seconds)} s"
    minutes = seconds / 60.0
    return f"{minutes:.0f} min" if minutes < 90.0 else f"{minutes / 60.0:.1f} h"
