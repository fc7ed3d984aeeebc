"""What a client learns of the map."""

from __future__ import annotations

from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.context import Context

MAPS = Family("maps")
_SMOKE = "PythonAPI/test/smoke/test_map.py"


@MAPS.check(
    "names",
    "The map has a name, and is one of those that the server offers",
    carla="The last part of the map's name is that of an available map, /Game/Carla/Maps/<name>.",
    source=_SMOKE,
)
def _names(context: Context) -> Iterator[Measured]:
    name = context.map.name.rsplit("/", 1)[-1]
    available = [path.rsplit("/", 1)[-1] for path in context.client.get_available_maps()]
    yield Measured("the map is available", name in available or name == "OpenDriveMap", expected=True)
    yield Measured("name has a folder", "/" in context.map.name, expected=True)
    yield Measured("available maps", len(available))


@MAPS.check(
    "opendrive",
    "The OpenDRIVE text is one, and a client's own map of it is the same",
    carla="to_opendrive() gives the file; carla.Map(name, text) has the same topology.",
    source=_SMOKE,
)
def _opendrive(context: Context) -> Iterator[Measured]:
    text = context.map.to_opendrive()
    yield Measured("it is OpenDRIVE", "<OpenDRIVE" in text and "</OpenDRIVE>" in text, expected=True)
    yield Measured("characters", len(text))
    again = carla.Map("again", text)
    same = len(again.get_topology()) - len(context.map.get_topology())
    yield Measured("topology of the text less the map's", same, expected=0)


@MAPS.check(
    "spawn_points",
    "Spawn points stand above driving lanes, along them",
    carla="Spawn points are about half a metre above the lane, headed along it (hand-placed ones within a few degrees).",
    source="Carla/OpenDrive/OpenDriveGenerator.cpp; Docs/core_map.md",
)
def _spawn_points(context: Context) -> Iterator[Measured]:
    spots = list(context.map.get_spawn_points())
    yield Measured("spawn points", len(spots))
    yield Measured("there are some", len(spots) > 0, expected=True)
    off = turned = 0
    heights: list[float] = []
    for spot in spots:
        lane = context.map.get_waypoint(spot.location).transform
        off += lane.location.distance_2d(spot.location) > 1.0
        turned += lane.get_forward_vector().dot(spot.get_forward_vector()) < 0.9
        heights.append(spot.location.z - lane.location.z)
    yield Measured("part of them more than a metre beside a lane", off / max(1, len(spots)), "", 0.0, 0.05)
    yield Measured("part of them not along the lane", turned / max(1, len(spots)), "", 0.0, 0.05)
    yield Measured("least height over the lane", min(heights, default=0.0), "m", 0.4, 0.4)
    yield Measured("largest height over the lane", max(heights, default=0.0), "m", 0.6, 0.6)


@MAPS.check(
    "waypoints",
    "Waypoints can be queried and followed",
    carla="Topology and waypoints are there; lane widths are not negative; next(d) lies d further.",
    source=_SMOKE,
)
def _waypoints(context: Context) -> Iterator[Measured]:
    waypoints = context.map.generate_waypoints(2.0)
    yield Measured("waypoints every 2 m", len(waypoints))
    yield Measured("pieces of the topology", len(context.map.get_topology()))
    yield Measured("there is a topology", len(context.map.get_topology()) > 0, expected=True)
    yield Measured("negative lane widths", sum(w.lane_width < 0.0 for w in waypoints), expected=0)
    start = context.places.straight(40.0).start
    following = start.next(10.0)
    distance = following[0].transform.location.distance(start.transform.location) if following else 0.0
    yield Measured("distance of next(10)", distance, "m", 10.0, 0.1)
    snapped = context.map.get_waypoint(start.transform.location)
    yield Measured("get_waypoint gives the lane back", snapped.lane_id == start.lane_id, expected=True)


@MAPS.check(
    "ground",
    "The road that is driven on is where the map has it",
    carla="The ground under a lane is the OpenDRIVE elevation, within a few centimetres.",
    source="Docs/core_map.md (maps are generated from, or aligned to, OpenDRIVE)",
)
def _ground(context: Context) -> Iterator[Measured]:
    errors: list[float] = []
    missed = 0
    for spot in list(context.map.get_spawn_points())[:40:4]:
        lane = context.map.get_waypoint(spot.location).transform.location
        hit = context.world.ground_projection(carla.Location(lane.x, lane.y, lane.z + 1.5), 5.0)
        if hit is None:
            missed += 1
        else:
            errors.append(abs(hit.location.z - lane.z))
    yield Measured("places without ground", missed, expected=0)
    yield Measured("largest height of the ground beside the map's", max(errors, default=0.0), "m", 0.0, 0.1)


@MAPS.check(
    "crosswalks",
    "Crosswalks are closed polygons",
    carla="get_crosswalks gives polygons one after the other, each ending where it began.",
    source="Docs/python_api.md, carla.Map.get_crosswalks",
)
def _crosswalks(context: Context) -> Iterator[Measured]:
    points = list(context.map.get_crosswalks())
    yield Measured("points of crosswalks", len(points))
    start, closed = 0, 0
    for k in range(1, len(points)):
        if k > start and points[k].distance(points[start]) < 1e-3:
            closed += 1
            start = k + 1
    yield Measured("crosswalks", closed)
    yield Measured("points after the last closed polygon", max(0, len(points) - start), expected=0)
