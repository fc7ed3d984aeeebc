"""The server of a worker: one of our own for every route, one that the user runs, or a CARLA that is supervised."""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpamayo_scenarios.benchmark.messages import ServerChoice
from alpamayo_scenarios.benchmark.plan import Task
from alpamayo_sim.client.carla_process import CarlaLimits, CarlaProcess
from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.port_lease import hold
from alpamayo_sim.errors import InfrastructureError

_OTHERS_LEAVE_S = 30.0
_LOOK_AT_MEMORY_EVERY_S = 2.0


@dataclass(frozen=True)
class Loss:
    """Why a server cannot be used any more."""

    kind: str
    reason: str


class ServerSource(ABC):
    """Gives every route a server in the same state, so that results do not depend on what ran before."""

    is_fresh: bool
    """Whether each route gets a server process of its own, which shows its town already."""
    is_foreign: bool = False
    """Whether the server is the user's, to be left as it was found."""

    @abstractmethod
    def begin(self, task: Task) -> None:
        """Start what the task needs; does not wait."""

    @abstractmethod
    def address(self) -> ServerAddress:
        """Wait until the server answers; InfrastructureError or InputError if it never does."""

    @abstractmethod
    def loss(self) -> Loss | None:
        """What has become of the server while it is used; None as long as it is well."""

    @abstractmethod
    def end(self, *, failed: bool) -> None:
        """The task is over; `failed` if infrastructure ended it."""

    def log(self) -> str:
        """The end of what the server has written."""
        return ""

    @abstractmethod
    def close(self) -> None:
        """End what was started. Safe to call twice."""


class FreshEmbedded(ServerSource):
    """An embedded server for every route: it starts in a second, and none knows what others have seen."""

    is_fresh = True

    def __init__(self, maps: Sequence[Path], cache: Path) -> None:
        self._maps = maps
        self._cache = cache
        self._server: EmbeddedServer | None = None

    def begin(self, task: Task) -> None:
        """Start a server with the task's town and seed."""
        self.close()
        self._server = EmbeddedServer(
            task.town,
            seed=task.seed,
            maps_dirs=self._maps,
            cache_dir=self._cache,
            # The world waits for its client, or results would depend on how long that took.
            extra_args=["--synchronous"],
            wait=False,
        )

    def address(self) -> ServerAddress:
        """Wait for the server's own word that it is ready."""
        assert self._server is not None
        return self._server.address

    def loss(self) -> Loss | None:
        """A loss once the process has ended."""
        if self._server is None or self._server.running:
            return None
        return Loss("server_died", "the embedded server has ended during the episode")

    def end(self, *, failed: bool) -> None:
        """End the server."""
        if self._server is not None:
            self._server.kill()
        self.close()

    def log(self) -> str:
        """The end of what the server has logged."""
        return self._server.log() if self._server is not None else ""

    def close(self) -> None:
        """End the server."""
        server, self._server = self._server, None
        if server is not None:
            server.close()


class Given(ServerSource):
    """A server that the user runs; its world is loaded afresh for every route by the episode."""

    is_fresh = False
    is_foreign = True

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._lease: int | None = None

    def begin(self, task: Task) -> None:
        """Nothing is started."""

    def address(self) -> ServerAddress:
        """The address that the user gave, once no other benchmark on this machine drives there."""
        deadline = time.monotonic() + _OTHERS_LEAVE_S
        while self._lease is None:
            self._lease = hold(f"server-{self._address.host}-{self._address.port}")
            if self._lease is None:
                if time.monotonic() > deadline:
                    raise InfrastructureError(f"another benchmark drives on the server at {self._address}")
                time.sleep(0.2)
        return self._address

    def loss(self) -> Loss | None:
        """Never known from here: the episode notices by itself."""
        return None

    def end(self, *, failed: bool) -> None:
        """Nothing is ended."""

    def close(self) -> None:
        """Let others drive there."""
        lease, self._lease = self._lease, None
        if lease is not None:
            os.close(lease)


class Supervised(ServerSource):
    """A CARLA that is started here, kept while it is well, and started afresh when it is not, has grown, or is old."""

    is_fresh = False

    def __init__(self, choice: ServerChoice) -> None:
        self._choice = choice
        self._limits = CarlaLimits(ready_timeout_s=choice.ready_timeout_s, memory_mib=choice.memory_limit_mib)
        self._process: CarlaProcess | None = None
        self._routes = 0
        self._looked_s = 0.0

    def begin(self, task: Task) -> None:
        """Start the server unless there is one."""
        if self._process is None:
            self._routes = 0
            self._process = CarlaProcess(Path(self._choice.program), self._limits, extra_args=self._choice.program_args)

    def address(self) -> ServerAddress:
        """Wait for the first tick."""
        assert self._process is not None
        return self._process.wait_until_ready()

    def loss(self) -> Loss | None:
        """A loss once the server has ended or outgrown its limit."""
        if self._process is None:
            return Loss("server_died", "CARLA is gone")
        if self._process.running and time.monotonic() - self._looked_s < _LOOK_AT_MEMORY_EVERY_S:
            return None
        self._looked_s = time.monotonic()
        complaint = self._process.complaint()
        return None if complaint is None else Loss(*complaint)

    def end(self, *, failed: bool) -> None:
        """Keep the server for the next route if it is well, young and small."""
        self._routes += 1
        is_old = 0 < self._choice.restart_after_routes <= self._routes
        if failed or is_old or (self._process is not None and self._process.is_full()):
            self.close()

    def log(self) -> str:
        """The end of what the server has written."""
        return self._process.log() if self._process is not None else ""

    def close(self) -> None:
        """End the server and all that it has started."""
        process, self._process = self._process, None
        if process is not None:
            process.close()


def open_source(choice: ServerChoice, maps: Sequence[Path], cache: Path) -> ServerSource:
    """Return the source of a worker's servers."""
    if choice.kind == "embedded":
        return FreshEmbedded(maps, cache)
    if choice.kind == "carla":
        return Supervised(choice)
    return Given(ServerAddress.parse(choice.address))
