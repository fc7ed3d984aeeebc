"""The server of a worker: one of our own for every route, one that the user runs, or a CARLA that is supervised."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alpamayo_scenarios.benchmark.messages import ServerChoice
from alpamayo_scenarios.benchmark.plan import Task
from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.client.embedded import EmbeddedServer


@dataclass(frozen=True)
class Loss:
    """Why a server cannot be used any more."""

    kind: str
    reason: str


class ServerSource(ABC):
    """Gives every route a server in the same state, so that results do not depend on what ran before."""

    is_fresh: bool
    """Whether each route gets a server process of its own, which shows its town already and may be thrown away."""

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

    def __init__(self, address: ServerAddress) -> None:
        self._address = address

    def begin(self, task: Task) -> None:
        """Nothing is started."""

    def address(self) -> ServerAddress:
        """The address that the user gave."""
        return self._address

    def loss(self) -> Loss | None:
        """Never known from here: the episode notices by itself."""
        return None

    def end(self, *, failed: bool) -> None:
        """Nothing is ended."""

    def close(self) -> None:
        """Nothing is ended."""


def open_source(choice: ServerChoice, maps: Sequence[Path], cache: Path) -> ServerSource:
    """Return the source of a worker's servers."""
    if choice.kind == "embedded":
        return FreshEmbedded(maps, cache)
    return Given(ServerAddress.parse(choice.address))
