"""Calls on maps and the files that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from alpamayo_sim.roads.generated_statics import build_generated_statics
from alpamayo_sim.roads.road_map import road_map_from_text
from alpamayo_sim.server.codec import opendrive_parameters, text, xodr_text
from alpamayo_sim.server.registry import CallError, Family, call
from alpamayo_sim.server.rpc import PendingReply, Session
from alpamayo_sim.server.simulation import GENERATED_MAP, BuiltMap


@call(Family.VALUE)
def get_map_info(session: Session) -> list[Any]:
    """Return the map's name and its spawn points."""
    simulation = session.server.simulation
    points = [[point[:3], point[3:]] for point in simulation.road_map.spawn_points.tolist()]
    return [simulation.map_name, points]


@call(Family.VALUE)
def get_map_data(session: Session) -> str:
    """Return the OpenDRIVE text."""
    return session.server.simulation.road_map.xodr


IDENTITY_FOLDER = "alpamayo-sim"
IDENTITY = "alpamayo-sim/embedded"
"""How a client learns through CARLA's own API that it talks to the embedded server (CARLA has no such folder)."""


@call(Family.VALUE)
def get_available_maps(session: Session) -> list[str]:
    """Return the names of the maps that can be loaded."""
    return session.server.simulation.available_maps()


MAX_WALL_HEIGHT_M = 100.0
NAVIGATION_FOLDER = "Nav"
"""The folder in which clients look for the mesh that their AI walkers walk on."""


@call(Family.VALUE, text)
def get_required_files(session: Session, folder: str) -> list[str]:
    """Return the file of the map's navigation mesh for its folder, what this server is for our own question, else nothing.

    Clients need no other file beside the OpenDRIVE text.
    """
    folder = folder.rstrip("/\\")
    if folder == NAVIGATION_FOLDER:
        return [session.server.navmesh_name()]
    return [IDENTITY] if folder == IDENTITY_FOLDER else []


@call(Family.VALUE, text)
def request_file(session: Session, name: str) -> bytes | PendingReply:
    """Return a navigation mesh under the name that `get_required_files` gave; no other file of the server can be read."""
    if not session.server.navmeshes.offers(name):
        raise CallError(f"file {name!r} is not available: this server hands out navigation meshes only")
    return _navigation_mesh(session, name)


def _navigation_mesh(session: Session, name: str) -> bytes | PendingReply:
    """Return a mesh that was offered, once it is built."""
    server, meshes = session.server, session.server.navmeshes
    content = meshes.built(name)
    if content is not None:
        return content
    reply = PendingReply(holds=False)

    def built(content: bytes) -> None:
        meshes.keep(name, content)
        reply.resolve(content)

    return server.builds.begin(reply, meshes.builder(name), built, key=name)


@call(Family.VALUE)
def get_navigation_mesh(session: Session) -> bytes | PendingReply:
    """Return the map's navigation mesh, as `request_file` does."""
    return _navigation_mesh(session, session.server.navmesh_name())


@call(Family.VOID, xodr_text, opendrive_parameters)
def copy_opendrive_to_file(session: Session, xodr: str, parameters: Sequence[Any]) -> PendingReply:
    """Keep OpenDRIVE text for the next load of the generated map; refused when it is not a usable map.

    Of the parameters the height of the walls beside the roads counts. The others shape CARLA's road mesh: its vertices, the
    lengths of its pieces, how far lanes of junctions overlap, how they are smoothed, whether it is visible. The ground here
    follows the text itself, has no gaps, and is always visible.
    """
    wall_height_m = parameters[2]
    if wall_height_m > MAX_WALL_HEIGHT_M:
        raise CallError(f"wall_height must not exceed {MAX_WALL_HEIGHT_M:g} m, found {wall_height_m:g}")
    server, reply = session.server, PendingReply(holds=True)

    def build() -> BuiltMap:
        road_map = road_map_from_text(GENERATED_MAP, xodr, cache_dir=server.config.cache_dir)
        return BuiltMap(road_map, build_generated_statics(road_map, wall_height_m))

    def built(result: BuiltMap) -> None:
        server.simulation.generated = result
        reply.resolve(None)

    return server.builds.begin(reply, build, built, size=len(xodr))
