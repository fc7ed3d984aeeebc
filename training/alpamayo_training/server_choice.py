"""The server that a command works with: one that the user names, or the embedded one, started and ended here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import carla

from alpamayo_scenarios.shown_town import show_town
from alpamayo_sim.client.connection import ServerAddress, connect, is_embedded, server_name, why_no_cameras
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.watchdog import CLIENT_TIMEOUT_S, ServerWatchdog


@dataclass(frozen=True)
class ConnectedServer:
    """A server that answers, showing the town that was asked for."""

    client: carla.Client
    address: ServerAddress
    embedded: EmbeddedServer | None

    @property
    def name(self) -> str:
        """What results call it."""
        name = server_name(self.client)
        return name if is_embedded(self.client) else f"{name} at {self.address}"

    def watchdog(self, on_loss: Callable[[str], None]) -> ServerWatchdog:
        """Return a watchdog for an episode, after whose `on_loss` the process is expected to end."""
        self.client.set_timeout(CLIENT_TIMEOUT_S)
        embedded = self.embedded
        return ServerWatchdog(self.address, None if embedded is None else lambda: embedded.running, on_loss)

    def has_cameras(self) -> bool:
        """Whether the server can draw; says why on standard error if not."""
        reason = why_no_cameras(self.client)
        if reason is not None:
            print(f"note: no front camera in the video: {reason}", file=sys.stderr)
        return reason is None


def open_server(
    stack: ExitStack,
    address_text: str | None,
    town: str | None,
    *,
    default_town: str,
    seed: int,
    maps: Sequence[Path],
    cache: Path,
) -> ConnectedServer:
    """Return the server at an address (HOST:PORT), or an embedded one that ends with `stack`.

    Raises InputError for a town that the server does not have and InfrastructureError when there is no server to be had.
    """
    if address_text is None:
        embedded = stack.enter_context(EmbeddedServer(town or default_town, seed=seed, maps_dirs=maps, cache_dir=cache))
        return ConnectedServer(connect(embedded.address), embedded.address, embedded)
    address = ServerAddress.parse(address_text)
    client = connect(address)
    show_town(client, town)
    return ConnectedServer(client, address, None)
