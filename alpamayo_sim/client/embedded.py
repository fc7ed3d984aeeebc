"""Starting and ending the embedded server as a child process."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.errors import InfrastructureError, InputError

_PR_SET_PDEATHSIG = 1
_READY_TIMEOUT_S = 180.0
"""Generous, since the first start on a machine compiles the world's kernels."""


class EmbeddedServer:
    """A running embedded server; a context manager that ends it, and that the kernel ends with this process (Linux)."""

    def __init__(
        self,
        town: str,
        *,
        seed: int = 0,
        maps_dirs: Sequence[Path] = (),
        cache_dir: Path | None = None,
        port: int = 0,
        extra_args: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        wait: bool = True,
    ) -> None:
        """Start the server on a port of the loopback interface (0: any free one) and wait until it answers.

        With `wait` false the caller asks for `address` when it needs it. `environment` is added to this process's.

        Raises InputError when it refuses the town (its own message is passed on), InfrastructureError when it dies or is
        not ready in time.
        """
        command = [
            sys.executable,
            "-m",
            "alpamayo_sim.server",
            "--town",
            town,
            "--port",
            str(port),
            "--seed",
            str(seed),
        ]
        for directory in maps_dirs:
            command += ["--maps", str(directory)]
        if cache_dir is not None:
            command += ["--cache", str(cache_dir)]
        command += extra_args
        # A file, since a pipe that nobody reads would stop the server.
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            env={**os.environ, **(environment or {})},
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )
        self._address: ServerAddress | None = None
        self.pid = self._process.pid
        if wait:
            _ = self.address

    @property
    def address(self) -> ServerAddress:
        """Where the server answers; waits until it does, and raises as the constructor says."""
        if self._address is None:
            with ExitStack() as on_failure:
                on_failure.callback(self.close)
                self._address = ServerAddress("127.0.0.1", self._wait_until_ready())
                on_failure.pop_all()
        return self._address

    def _wait_until_ready(self) -> int:
        assert self._process.stdout is not None
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            readable, _, _ = select.select([self._process.stdout], [], [], 0.2)
            if readable:
                line = self._process.stdout.readline()
                if line:
                    message = json.loads(line)
                    if message.get("event") == "ready":
                        return int(message["port"])
                    continue
            if self._process.poll() is not None:
                message = self._error_output()
                if self._process.returncode == 2:
                    raise InputError(message)
                raise InfrastructureError(f"the embedded server ended with code {self._process.returncode}: {message}")
        raise InfrastructureError(f"the embedded server was not ready after {_READY_TIMEOUT_S:.0f} s")

    def _error_output(self) -> str:
        lines = self.log().strip().splitlines()
        return "\n".join(lines[-8:]).removeprefix("error: ") if lines else "it said nothing"

    def log(self) -> str:
        """Return the end of what the server has logged, at most 64 KiB; empty after `close`."""
        if self._log.closed:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), 65536, max(0, size - 65536)).decode(errors="replace")

    @property
    def running(self) -> bool:
        """Whether the server process is alive."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the server at once."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """End the server: politely first, then for certain. Safe to call twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20.0)
            except subprocess.TimeoutExpired:
                self.kill()
                self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def die_with_parent() -> None:
    """Let the kernel end this process with its parent; for `preexec_fn`."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
