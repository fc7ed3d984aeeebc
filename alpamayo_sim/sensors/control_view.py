"""What `sensor.camera.cosmos_visualization` draws: lanes, crossings, poles, lights, signs and boxes of actors on black.

After CARLA's `CosmosControlSensor.cpp`: a picture that steers generative video models. Things hide nothing but each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrices
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.world.tables import ActorKind
from alpamayo_sim.world.world import World

Floats = NDArray[np.floating]
Color = tuple[int, int, int]
LANE_LINE: Color = (98, 183, 249)
BOUNDARY: Color = (200, 36, 35)
WAIT_LINE: Color = (185, 63, 34)
CROSSWALK: Color = (206, 131, 63)
POLE: Color = (66, 40, 144)
SIGN: Color = (131, 175, 155)
LIGHT: Color = (252, 157, 155)
VEHICLE: Color = (255, 0, 0)
PEDESTRIAN: Color = (0, 255, 0)
"""CARLA's colours, RGB."""
LINE_M, BOX_LINE_M, POLE_M = 0.2, 0.1, 0.4
"""Widths."""
SAMPLE_M = 2.0
POLE_TAG, LIGHT_TAG, SIGN_TAG, CAR_TAG = 6, 7, 8, 14
OWN_ROLES = ("hero", "ego_vehicle")
"""What the `role_name` of the vehicle that is not drawn contains."""
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float64)
EDGES = np.array([(a, b) for a in range(8) for b in range(a + 1, 8) if np.abs(CORNERS[a] - CORNERS[b]).sum() == 2])
FACES = np.array([[0, 1, 3, 2], [4, 5, 7, 6], [0, 1, 5, 4], [2, 3, 7, 6], [0, 2, 6, 4], [1, 3, 7, 5]])


@dataclass(frozen=True)
class Shapes:
    """S lines and P polygons, CARLA world frame, metres."""

    ends: Floats
    """[S, 2, 3]"""
    width_m: Floats
    """[S]"""
    color: NDArray[np.uint8]
    """[S, 3] RGB."""
    polygons: tuple[tuple[Floats, Color], ...]


def shapes_of(world: World) -> Shapes:
    """Return everything that is to be seen in a world at the present tick."""
    parts = [*_map_lines(world.road_map), *_standing_lines(world), *_actor_lines(world)]
    polygons = [(polygon, CROSSWALK) for polygon in world.road_map.crosswalks]
    scene = world.scene
    for tag, color in ((LIGHT_TAG, LIGHT), (SIGN_TAG, SIGN)):
        corners = _corners(world, np.flatnonzero(scene.present & (scene.label == tag)))
        polygons += [(box[face], color) for box in corners for face in FACES]
    return Shapes(
        np.concatenate([ends for ends, _, _ in parts]),
        np.concatenate([np.full(len(ends), width) for ends, width, _ in parts]),
        np.concatenate([np.tile(np.array(color, np.uint8), (len(ends), 1)) for ends, _, color in parts]),
        tuple(polygons),
    )


Lines = tuple[Floats, float, Color]
_MAPS: WeakKeyDictionary[RoadMap, list[Lines]] = WeakKeyDictionary()


def _map_lines(road_map: RoadMap) -> list[Lines]:
    """Return lines between lanes, boundaries of the carriageway, and stop lines."""
    found = _MAPS.get(road_map)
    if found is None:
        between, outside = _lane_edges(road_map)
        stops = np.array([light.stop_line for light in road_map.signals.lights], np.float64).reshape(-1, 2, 3)
        found = _MAPS[road_map] = [
            (between, LINE_M, LANE_LINE),
            (outside, LINE_M, BOUNDARY),
            (stops, LINE_M, WAIT_LINE),
        ]
    return found


def _lane_edges(road_map: RoadMap) -> tuple[Floats, Floats]:
    """Return the pieces [S, 2, 3] of edges between two driving lanes, and of edges that have a driving lane on one side.

    Inside junctions only the kerbs of sidewalks are drawn.
    """
    lanes = road_map.lanes
    kind = {
        key: int(lane_type)
        for key, lane_type in zip(
            zip(lanes.road_id.tolist(), lanes.section.tolist(), lanes.lane_id.tolist(), strict=True),
            lanes.lane_type.tolist(),
            strict=True,
        )
    }
    between: list[Floats] = []
    outside: list[Floats] = []
    for lane in range(len(lanes)):
        road, section, number = int(lanes.road_id[lane]), int(lanes.section[lane]), int(lanes.lane_id[lane])
        driving, sidewalk = (lanes.lane_type[lane] == k for k in (LaneType.DRIVING, LaneType.SIDEWALK))
        away = 1 if number > 0 else -1
        inner = -away if abs(number) == 1 else number - away
        if lanes.is_junction[lane]:
            if sidewalk:
                outside.append(_edge(road_map, lane, -1.0))
        elif driving:
            outer_kind = kind.get((road, section, number + away))
            (between if outer_kind == LaneType.DRIVING else outside).append(_edge(road_map, lane, 1.0))
            inner_kind = kind.get((road, section, inner))
            if abs(number) == 1:
                (between if inner_kind == LaneType.DRIVING else outside).append(_edge(road_map, lane, -1.0))
            elif inner_kind != LaneType.DRIVING:
                outside.append(_edge(road_map, lane, -1.0))
    none = np.zeros((0, 2, 3))
    return np.concatenate([none, *between]), np.concatenate([none, *outside])


def _edge(road_map: RoadMap, lane: int, side: float) -> Floats:
    """Return the pieces [S, 2, 3] of a lane's edge on the right (1) or left (-1) of its driving direction."""
    lanes = road_map.lanes
    first, last = int(lanes.start[lane]), int(lanes.stop[lane]) - 1
    count = max(2, round(float(lanes.along_m[last]) / SAMPLE_M) + 1)
    rows = np.unique(np.rint(np.linspace(first, last, count)).astype(np.int64))
    right = np.column_stack([-lanes.tangent[rows, 1], lanes.tangent[rows, 0], np.zeros(len(rows))])
    points = lanes.xyz[rows] + right * (0.5 * side * lanes.width[rows])[:, None]
    return np.stack([points[:-1], points[1:]], axis=1)


def _standing_lines(world: World) -> list[Lines]:
    scene = world.scene
    poles = np.flatnonzero(scene.present & (scene.label == POLE_TAG))
    high = np.zeros((len(poles), 3))
    high[:, 2] = scene.extent[poles, 2]
    uprights = np.stack([scene.center[poles] - high, scene.center[poles] + high], axis=1)
    parked = _corners(world, np.flatnonzero(scene.present & (scene.label == CAR_TAG)))
    return [(uprights, POLE_M, POLE), (parked[:, EDGES].reshape(-1, 2, 3), BOX_LINE_M, VEHICLE)]


def _corners(world: World, objects: NDArray[np.integer]) -> Floats:
    """Return the corners [N, 8, 3] of objects of the map."""
    scene = world.scene
    angles = np.column_stack([np.zeros(len(objects)), np.degrees(scene.yaw_rad[objects]), np.zeros(len(objects))])
    local = CORNERS * scene.extent[objects][:, None]
    return scene.center[objects][:, None] + np.einsum("nij,nkj->nki", rotation_matrices(angles), local)


def _actor_lines(world: World) -> list[Lines]:
    actors = world.actors
    found: list[Lines] = []
    for kind, color in ((ActorKind.VEHICLE, VEHICLE), (ActorKind.WALKER, PEDESTRIAN)):
        rows = np.flatnonzero((actors.kind == kind) & (actors.extent[:, 0] > 0.0))
        infos = [world.info(int(i)) for i in actors.ids[rows]]
        own = [any(word in info.attribute_values.get("role_name", "") for word in OWN_ROLES) for info in infos]
        rows = rows[~np.array(own, dtype=np.bool_)]
        turn = rotation_matrices(actors.rotation_deg[rows])
        local = actors.box_center[rows][:, None] + CORNERS * actors.extent[rows][:, None]
        corners = actors.location[rows][:, None] + np.einsum("nij,nkj->nki", turn, local)
        found.append((corners[:, EDGES].reshape(-1, 2, 3), BOX_LINE_M, color))
    return found
