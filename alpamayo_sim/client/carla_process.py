"""A CARLA that we start and supervise: own process group, leased ports, ready when a tick comes, gone without a trace."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

import psutil

from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.client.port_lease import PortLease, lease_ports
from alpamayo_sim.client.process_guard import GRACE_S, end_group
from alpamayo_sim.client.readiness import probe
from alpamayo_sim.errors import InfrastructureError, InputError

_PORTS = 3
"""RPC, streaming, and the secondary server's."""
_POLL_S = 0.1
_PROBE_TIMEOUT_S = 40.0
_MIB = 1024 * 1024


@dataclass(frozen=True)
class CarlaLimits:
    """What a supervised CARLA may take."""

    ready_timeout_s: float = 240.0
    """Until the first tick; the first start of a CARLA on a machine compiles shaders."""
    memory_mib: int = 0
    """Resident memory of the whole group; 0 for no limit."""
    full_share: float = 0.8
    """Share of `memory_mib` from which on the server is started afresh between two routes."""


class CarlaProcess:
    """A CARLA server by its `CarlaUE4.sh`; a context manager that ends it and all that it has started.

    It ends too when this process does, however that happens: a guard process holds a pipe from here.
    """

    def __init__(self, program: Path, limits: CarlaLimits | None = None, *, extra_args: Sequence[str] = ()) -> None:
        """Lease ports and start the server, without waiting; InputError for a program that cannot be run.

        `extra_args` follow our own flags, such as -graphicsadapter=1.
        """
        if not program.is_file() or not os.access(program, os.X_OK):
            raise InputError(f"expected a CarlaUE4.sh that can be run; found none at {program}")
        self.limits = limits or CarlaLimits()
        self.towns: frozenset[str] = frozenset()
        """The plain names of the towns that it has, known when it is ready."""
        self._group: int | None = None
        self._lease: PortLease = lease_ports(_PORTS)
        self.address = ServerAddress("127.0.0.1", self._lease.port)
        # A file, since a pipe that nobody reads would stop the server.
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115
        self.command = (
            str(program.absolute()), "-RenderOffScreen", "-nosound", f"-carla-rpc-port={self._lease.port}", *extra_args,
        )  # fmt: skip
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "alpamayo_sim.client.process_guard", str(self._lease.descriptor), *self.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            pass_fds=(self._lease.descriptor,),
        )
        assert self._guard.stdout is not None
        line = self._guard.stdout.readline()
        if line.strip().isdigit():
            self._group = int(line)

    def wait_until_ready(self) -> ServerAddress:
        """Return the address once a tick has come; ends the server and raises InfrastructureError if none does in time.

        Raises InputError for a server of another version.
        """
        if self.towns:
            return self.address
        deadline = time.monotonic() + self.limits.ready_timeout_s
        why = "nobody listens there"
        while time.monotonic() < deadline:
            if not self.running:
                code = self._guard.wait()
                message = f"{self.command[0]} ended with code {code} before it was ready: {self._last_words()}"
                self.close()
                raise InfrastructureError(message)
            if self._listens():
                try:
                    self.towns = probe(
                        self.address, timeout_s=max(1.0, min(_PROBE_TIMEOUT_S, deadline - time.monotonic()))
                    )
                    return self.address
                except InfrastructureError as error:
                    why = str(error)
                except InputError:
                    self.close()
                    raise
            time.sleep(_POLL_S)
        words = self._last_words()
        self.close()
        raise InfrastructureError(
            f"{self.command[0]} was not ready on port {self.address.port} after {self.limits.ready_timeout_s:.0f} s: {why}. Its "
            f"last words: {words}"
        )

    def _listens(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex((self.address.host, self.address.port)) == 0

    @property
    def running(self) -> bool:
        """Whether the server's process is alive."""
        return self._guard.poll() is None

    def memory_mib(self) -> float:
        """Return the resident memory of the server's process group."""
        total = 0
        for process in psutil.process_iter(["pid", "memory_info"]):
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                if self._group is not None and os.getpgid(process.pid) == self._group:
                    total += process.memory_info().rss
        return total / _MIB

    def complaint(self) -> tuple[str, str] | None:
        """Return the kind and the reason why the server cannot be used any more; None while it is well."""
        if not self.running:
            return "server_died", f"CARLA ended with code {self._guard.wait()}: {self._last_words()}"
        if self.limits.memory_mib:
            used_mib = self.memory_mib()
            if used_mib > self.limits.memory_mib:
                return "server_memory", f"CARLA takes {used_mib:.0f} MiB, more than {self.limits.memory_mib}"
        return None

    def is_full(self) -> bool:
        """Whether the server has grown so much that the next route should get a fresh one."""
        return bool(self.limits.memory_mib) and self.memory_mib() > self.limits.full_share * self.limits.memory_mib

    def log(self) -> str:
        """Return the end of what the server has written, at most 64 KiB; empty after `close`."""
        if self._log.closed:
            return ""
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), 65536, max(0, size - 65536)).decode(errors="replace")

    def _last_words(self) -> str:
        lines = self.log().strip().splitlines()
        return " / ".join(lines[-4:]) if lines else "it said nothing"

    def close(self) -> None:
        """End the server's whole group and give its ports back. Safe to call twice."""
        if self._log.closed:
            return
        assert self._guard.stdin is not None and self._guard.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.close()
        try:
            self._guard.wait(timeout=2.0 * GRACE_S + 2.0)
        except subprocess.TimeoutExpired:
            self._guard.send_signal(signal.SIGKILL)
            self._guard.wait()
        # The guard has done this, unless somebody has killed it.
        if self._group is not None:
            end_group(self._group)
        self._guard.stdout.close()
        self._log.close()
        self._lease.close()

    def __enter__(self) -> CarlaProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
