"""Making a server show a town."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import carla

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.town_lookup import available_towns, find_map_file


def shown_town(client: carla.Client) -> str:
    """Return the plain name of the town that the server shows."""
    return client.get_world().get_map().name.rsplit("/", 1)[-1]


def server_towns(client: carla.Client) -> set[str]:
    """Return the plain names of the towns that the server has."""
    return {name.rsplit("/", 1)[-1] for name in client.get_available_maps()}


def show_town(client: carla.Client, town: str | None, *, maps: Sequence[Path] = (), afresh: bool = False) -> None:
    """Let the server show a town: one of its own, else one of `maps`, else an OpenDRIVE file (`town` ends in .xodr).

    A town that is shown already is loaded again only if `afresh`. Raises InputError for a town that nobody has and
    InfrastructureError when the server does not load it.
    """
    if town is None or (town == shown_town(client) and not afresh):
        return
    xodr = load_road_map(Path(town)).xodr if town.endswith(".xodr") else None
    available = server_towns(client)
    if xodr is None and town not in available:
        if town not in available_towns(maps):
            raise InputError(f"the server has no town {town!r}; it has {', '.join(sorted(available))}")
        xodr = load_road_map(find_map_file(town, maps)).xodr
    try:
        if xodr is None:
            client.load_world(town)
        else:
            client.generate_opendrive_world(xodr)
    except RuntimeError as error:
        raise InfrastructureError(f"the server did not load {town}: {error}") from error
