"""Ports that no other process of ours takes: a lock on a file for each, held for as long as anybody has it open."""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from alpamayo_sim.errors import InfrastructureError

FIRST_PORT, LAST_PORT = 20000, 31990
"""Below the ports that systems hand out for outgoing connections."""
_STEP = 10


class PortLease:
    """Successive ports, the first being `port`; a context manager that gives them back.

    A process that inherits `descriptor` holds the lease too, so that the ports of a server that outlives whoever started it
    are not given to another.
    """

    def __init__(self, port: int, descriptor: int) -> None:
        self.port = port
        self.descriptor = descriptor

    def close(self) -> None:
        """Give the ports back, unless another process holds them too. Safe to call twice."""
        descriptor, self.descriptor = self.descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> PortLease:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lease_ports(count: int, *, candidates: Sequence[int] | None = None) -> PortLease:
    """Return a lease on `count` successive ports that nobody listens on; InfrastructureError when none are left.

    `candidates` are the first ports that are tried, in this order; by default all from 20000 on in steps of 10, beginning
    where no other process is likely to begin.
    """
    if candidates is None:
        blocks = (LAST_PORT - FIRST_PORT) // _STEP
        begin = os.getpid() * 7 % blocks
        candidates = [FIRST_PORT + (begin + k) % blocks * _STEP for k in range(blocks)]
    for port in candidates:
        lease = hold(f"port-{port}")
        if lease is None:
            continue
        if all(_is_free(port + k) for k in range(count)):
            return PortLease(port, lease)
        os.close(lease)
    raise InfrastructureError(
        f"there are no {count} free ports in a row on this machine, of {len(candidates)} places tried"
    )


def hold(name: str) -> int | None:
    """Return the descriptor of a lock of this user's on this machine, by name; None while another has it."""
    folder = Path(tempfile.gettempdir()) / f"alpamayo-leases-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: what has just been closed there is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
