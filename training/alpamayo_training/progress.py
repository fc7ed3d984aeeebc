"""Progress of a drive: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from alpamayo_sim.metrics.infraction import Infraction

_LOG_EVERY_PERCENT = 10.0


class DriveProgress:
    """Shows how much of the route is done, with the time that remains; writes to standard error."""

    def __init__(self, route_length_m: float, *, quiet: bool = False) -> None:
        """Show nothing at all if `quiet`."""
        self._quiet = quiet
        self._length_m = route_length_m
        self._next_log_percent = 0.0
        self._started = time.monotonic()
        self._console = Console(stderr=True, quiet=quiet)
        self._bar: Progress | None = None
        if sys.stderr.isatty() and not quiet:
            columns = (
                TextColumn("driving"),
                BarColumn(),
                TextColumn("{task.percentage:5.1f} %"),
                TextColumn("{task.fields[text]}"),
            )
            self._bar = Progress(*columns, TextColumn("left:"), TimeRemainingColumn(), console=self._console)
            self._task = self._bar.add_task("drive", total=100.0, text="")

    def __enter__(self) -> DriveProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def update(self, percent: float, time_s: float, speed_mps: float, infractions: list[Infraction]) -> None:
        """Show the state after a tick; infractions are written out as they come."""
        wall_s = max(time.monotonic() - self._started, 1e-6)
        for infraction in infractions:
            self._console.print(f"[red]{time_s:7.1f} s  {infraction.message}[/]", highlight=False, soft_wrap=True)
        text = f"{time_s:6.1f} s  {3.6 * speed_mps:5.1f} km/h  {time_s / wall_s:4.1f}x real time"
        if self._bar is not None:
            self._bar.update(self._task, completed=percent, text=text)
        elif percent >= self._next_log_percent:
            left_s = wall_s * (100.0 - percent) / percent if percent > 0.0 else 0.0
            done_m = percent / 100.0 * self._length_m
            line = f"{percent:5.1f} % of the route ({done_m:.0f} m)  {text}  about {left_s:.0f} s left"
            self._console.print(line, highlight=False, soft_wrap=True)
            self._next_log_percent = (percent // _LOG_EVERY_PERCENT + 1.0) * _LOG_EVERY_PERCENT

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()
