"""The server that a command works with: one that the user names, or the embedded one, started and ended here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import carla

from alpamayo_sim.client.connection import ServerAddress, connect, is_embedded
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.watchdog import CLIENT_TIMEOUT_S, ServerWatchdog
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.roads.road_map import load_road_map


@dataclass(frozen=True)
class ConnectedServer:
    """A server that answers, showing the town that was asked for."""

    client: carla.Client
    address: ServerAddress
    embedded: EmbeddedServer | None

    @property
    def name(self) -> str:
        """What results call it."""
        if is_embedded(self.client):
            return "embedded"
        return f"CARLA {self.client.get_server_version()} at {self.address}"

    def watchdog(self, on_loss: Callable[[str], None]) -> ServerWatchdog:
        """Return a watchdog for an episode, after whose `on_loss` the process is expected to end."""
        self.client.set_timeout(CLIENT_TIMEOUT_S)
        embedded = self.embedded
        return ServerWatchdog(self.address, None if embedded is None else lambda: embedded.running, on_loss)

    def has_cameras(self) -> bool:
        """Whether the server can draw; says why on standard error if not."""
        world = self.client.get_world()
        blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
        try:
            camera = world.spawn_actor(blueprint, carla.Transform(carla.Location(z=50.0)))
        except RuntimeError as error:
            print(f"note: no front camera in the video: {error}", file=sys.stderr)
            return False
        self.client.apply_batch_sync([carla.command.DestroyActor(camera.id)])
        return True


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
    _show_town(client, town)
    return ConnectedServer(client, address, None)


def _show_town(client: carla.Client, town: str | None) -> None:
    current = client.get_world().get_map().name.rsplit("/", 1)[-1]
    if town is None or town == current:
        return
    xodr = load_road_map(Path(town)).xodr if town.endswith(".xodr") else None
    available = sorted(name.rsplit("/", 1)[-1] for name in client.get_available_maps())
    if xodr is None and town not in available:
        raise InputError(f"the server has no town {town!r}; it has {', '.join(available)}")
    try:
        if xodr is None:
            client.load_world(town)
        else:
            client.generate_opendrive_world(xodr)
    except RuntimeError as error:
        raise InfrastructureError(f"the server did not load {town}: {error}") from error
