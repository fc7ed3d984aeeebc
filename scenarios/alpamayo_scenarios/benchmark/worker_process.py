"""The coordinator's end of a worker process."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from alpamayo_scenarios.benchmark.messages import LineReader, Order, WorkerSetup, encode
from alpamayo_scenarios.benchmark.store import Attempt
from alpamayo_sim.client.parent import end_with_parent

_ENVIRONMENT = {
    # Iteration over sets of strings, and sums over threads, would differ from process to process.
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    # Several software renderers, each with a thread for every core, are in one another's way.
    "LP_NUM_THREADS": "1",
}
_END_S = 12.0


class WorkerProcess:
    """A running worker in a session of its own, which ends when this process does."""

    def __init__(self, number: int, setup: WorkerSetup, log: Path) -> None:
        """Start the worker and hand it its set-up."""
        self.number = number
        self.attempt: Attempt | None = None
        self.percent = 0.0
        self.heard_s = time.monotonic()
        self.is_ready = False
        parent = os.getpid()
        with log.open("ab") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "alpamayo_scenarios.benchmark.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
                env={**os.environ, **_ENVIRONMENT},
                preexec_fn=lambda: end_with_parent(parent, signal.SIGTERM),
            )
        self.pid = self._process.pid
        self._log = log
        assert self._process.stdin is not None and self._process.stdout is not None
        self._orders: IO[bytes] = self._process.stdin
        self._reports_file: IO[bytes] = self._process.stdout
        self.reports = LineReader(self._reports_file.fileno())
        self._send(encode(setup))

    def give(self, attempt: Attempt) -> None:
        """Hand an attempt to the worker, which must be ready."""
        self.attempt = attempt
        self.percent = 0.0
        self.is_ready = False
        self.heard_s = time.monotonic()
        self._send(encode(Order(attempt.task, str(attempt.folder))))

    def _send(self, line: bytes) -> None:
        # A worker that is gone shows in the end of its reports.
        with contextlib.suppress(BrokenPipeError):
            self._orders.write(line)
            self._orders.flush()

    def log(self) -> str:
        """The end of what the worker has written to its standard error."""
        with contextlib.suppress(OSError):
            return self._log.read_text(encoding="utf-8", errors="replace")[-2000:].strip()
        return ""

    def how_it_ended(self) -> str:
        """Say how the process ended; waits for it."""
        code = self._process.wait()
        return f"code {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"

    def dismiss(self) -> None:
        """Tell the worker that there is no more to do, by the end of its orders."""
        with contextlib.suppress(BrokenPipeError):
            self._orders.close()

    def close(self, *, at_once: bool = False) -> None:
        """End the worker: it has a while to leave a server as it found it, then it and its episode are killed."""
        self.dismiss()
        try:
            self._process.wait(timeout=0.0 if at_once else _END_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()
        self._reports_file.close()
