"""Other people's programs, run unmodified beside our server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a program ended."""

    exit_code: int | None
    """None if it was still running at its time limit and was ended."""
    output: str
    """What it printed, stdout and stderr together."""
    seconds: float


class Program:
    """A running program whose output goes into a file; a context manager that ends it with its children."""

    def __init__(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], log: Path) -> None:
        self._started_s = time.monotonic()
        self._log = log
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def wait(self, timeout_s: float) -> Outcome:
        """Wait for its end, at most `timeout_s`; it is ended then."""
        try:
            exit_code = self._process.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            exit_code = None
            self.end()
        return Outcome(exit_code, self.output(), time.monotonic() - self._started_s)

    def wait_for(self, text: str, timeout_s: float) -> bool:
        """Wait until it has printed `text`; False if it ends or `timeout_s` goes by before."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            ended = self._process.poll() is not None
            if text in self.output():
                return True
            if ended:
                return False
            time.sleep(0.1)
        return False

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """End it and its children: politely first, then for certain."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                return
            os.killpg(self._process.pid, number)
            try:
                self._process.wait(timeout=10.0)
            except subprocess.TimeoutExpired:
                continue

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


def free_port() -> int:
    """A TCP port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
