"""Starting and ending a render service as a child process."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO

from alpamayo_sim.client.embedded import die_with_parent
from alpamayo_sim.errors import InfrastructureError

_READY_TIMEOUT_S = 120.0


class RenderService:
    """A running render service; a context manager that ends it, and that the kernel ends with this process (Linux).

    Give its `address` to servers (`--render-service ADDRESS`).
    """

    def __init__(self, *, samples: int = 0, listen: Path | None = None) -> None:
        """Start the service and wait until worlds can connect; without `listen` its socket lies in a private folder.

        Raises InfrastructureError when it can not render or is not ready in time.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="alpamayo-render-")
        self.address = str(listen or Path(self._folder.name) / "socket")
        # A file, since a pipe that nobody reads would stop the service.
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        command = [sys.executable, "-m", "alpamayo_sim.render.service", "--listen", self.address]
        self._process = subprocess.Popen(
            [*command, "--samples", str(samples)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )
        self.pid = self._process.pid
        try:
            self.device = self._wait_until_ready()
        except BaseException:
            self.close()
            raise

    def _wait_until_ready(self) -> str:
        assert self._process.stdout is not None
        deadline = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < deadline:
            readable, _, _ = select.select([self._process.stdout], [], [], 0.2)
            line = self._process.stdout.readline() if readable else b""
            if line:
                return str(json.loads(line)["device"])
            if self._process.poll() is not None:
                said = self.log().strip().removeprefix("error: ") or "it said nothing"
                raise InfrastructureError(f"the render service ended with code {self._process.returncode}: {said}")
        raise InfrastructureError(f"the render service was not ready after {_READY_TIMEOUT_S:.0f} s")

    @property
    def is_software(self) -> bool:
        """Whether the processor draws, not a graphics card."""
        return "llvmpipe" in self.device or "softpipe" in self.device

    def log(self) -> str:
        """Return the end of what the service has logged, at most 64 KiB."""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), 65536, max(0, size - 65536)).decode(errors="replace")

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the service at once."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def close(self) -> None:
        """End the service: politely first, then for certain. Safe to call twice."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=20.0)
            except subprocess.TimeoutExpired:
                self.kill()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
        self._folder.cleanup()

    def __enter__(self) -> RenderService:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
