"""A worker: one server and one episode at a time, on the orders that come in; `python -m` starts it for the coordinator.

It ends with its coordinator, and what it started ends with it, whichever of them is killed and in whatever way.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path
from types import FrameType

from alpamayo_scenarios.benchmark.episode_process import start_episode
from alpamayo_scenarios.benchmark.messages import (
    Failed,
    Finished,
    LineReader,
    Order,
    Ready,
    Refused,
    Report,
    decode_order,
    decode_report,
    decode_setup,
    encode,
    write_all,
)
from alpamayo_scenarios.benchmark.servers import ServerSource, open_source
from alpamayo_sim.errors import InfrastructureError, InputError

SERVER_LOG = "server.log"
_LOOK_EVERY_S = 0.2
_UNWIND_S = 10.0
"""Time that an episode has to leave a server of the user's as it found it."""
_PATIENCE_S = 120.0
"""Beyond the time-outs that the episode keeps itself."""


class _CoordinatorGone(Exception):
    """There is nobody left to work for."""


class Worker:
    """The loop of a worker process."""

    def __init__(self, orders: LineReader, reports: int) -> None:
        self._orders = orders
        self._reports = reports
        self._setup = decode_setup(self._next_line())
        maps = [Path(folder) for folder in self._setup.maps]
        self._source: ServerSource = open_source(self._setup.server, maps, Path(self._setup.cache))
        self._pending: list[bytes] = []

    def run(self) -> None:
        """Work off orders until the coordinator is gone."""
        try:
            while True:
                self._tell(Ready())
                order = decode_order(self._next_line())
                self._tell(self._work_off(order))
        except (_CoordinatorGone, BrokenPipeError):
            return
        finally:
            self._source.close()

    def _next_line(self) -> bytes:
        lines: list[bytes] = []
        while not lines:
            lines = self._orders.read()
            if self._orders.is_at_end:
                raise _CoordinatorGone
        return lines[0]

    def _tell(self, report: Report) -> None:
        write_all(self._reports, encode(report))

    def _work_off(self, order: Order) -> Report:
        """Return the one report that ends an order."""
        self._source.begin(order.task)
        pid, reports, address = start_episode(
            self._setup, order, fresh=self._source.is_fresh, worker_pipe=self._reports
        )
        verdict: Report = Failed("interrupted", "the worker has ended")
        try:
            verdict = self._supervise(pid, LineReader(reports), address)
        except InputError as error:
            verdict = Refused(str(error))
        except InfrastructureError as error:
            verdict = Failed("server_not_started", str(error))
        finally:
            self._end_episode(pid)
            os.close(reports)
            with contextlib.suppress(OSError):
                os.close(address)
            if isinstance(verdict, Failed):
                with contextlib.suppress(OSError):
                    (Path(order.staging) / SERVER_LOG).write_text(self._source.log(), encoding="utf-8")
            self._source.end(failed=not isinstance(verdict, Finished))
        return verdict

    def _supervise(self, pid: int, reports: LineReader, address_pipe: int) -> Report:
        address = self._source.address()
        with contextlib.suppress(BrokenPipeError):
            write_all(address_pipe, str(address).encode("ascii"))
        os.close(address_pipe)
        limit_s = self._setup.agent_timeout_s + self._setup.silent_after_s + _PATIENCE_S
        heard_s = time.monotonic()
        while True:
            readable, _, _ = select.select([reports.descriptor, self._orders.descriptor], [], [], _LOOK_EVERY_S)
            if self._orders.descriptor in readable:
                # An order is only sent to a worker that is ready, so this is the end of the pipe.
                raise _CoordinatorGone
            loss = self._source.loss()
            if reports.descriptor in readable:
                heard_s = time.monotonic()
                for line in reports.read():
                    report = decode_report(line)
                    if isinstance(report, Finished) and loss is not None and report.status != "ok":
                        return Failed(loss.kind, loss.reason)
                    if isinstance(report, (Finished, Failed, Refused)):
                        return report
                    self._tell(report)
                if reports.is_at_end:
                    _, status = os.waitpid(pid, 0)
                    how = os.waitstatus_to_exitcode(status)
                    loss = self._source.loss() or loss
                    if loss is not None:
                        return Failed(loss.kind, loss.reason)
                    return Failed("client_died", f"the client's process ended with {_how(how)}")
            elif loss is not None:
                return Failed(loss.kind, loss.reason)
            if time.monotonic() - heard_s > limit_s:
                return Failed("client_silent", f"the client's process has reported nothing for {limit_s:.0f} s")

    def _end_episode(self, pid: int) -> None:
        """End the episode's process: at once where its server is ours, else in a way that tidies up."""
        if self._source.is_foreign:
            deadline = time.monotonic() + _UNWIND_S
            _signal(pid, signal.SIGINT)
            while time.monotonic() < deadline:
                if _has_ended(pid):
                    return
                time.sleep(0.05)
        _signal(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _signal(pid: int, number: signal.Signals) -> None:
    """Signal our own child unless it has been waited for, when its number may be somebody else's."""
    if not _has_ended(pid):
        os.kill(pid, number)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def _how(code: int) -> str:
    return f"code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"


def _terminated(number: int, frame: FrameType | None) -> None:
    raise _CoordinatorGone


def main() -> int:
    """Take orders on standard input and report on standard output; everything else goes to standard error."""
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reports = os.dup(1)
    os.dup2(2, 1)
    with contextlib.suppress(_CoordinatorGone):
        Worker(LineReader(0), reports).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
