"""Instances of trees, lamps, rails, traffic lights and signs, placed where the map and its static boxes have them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrices
from alpamayo_sim.render.instances import Instances, joined, make_instances
from alpamayo_sim.render.library import MeshLibrary
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.signals import SignSpec, TrafficLightSpec
from alpamayo_sim.roads.statics import StaticBoxes, StaticKind

Floats = NDArray[np.floating]
POST_HEAD_M = 2.7
"""Height of the middle of the head on a pole above the pole's foot."""
ARM_M = 5.9
"""Height of the arm that carries the head over the lanes."""
LONGEST_ARM_M = 9.0
SPEED_PREFIX = "traffic.speed_limit."
STATE_OFF = 3.0


def _upright(yaw_deg: Floats) -> Floats:
    yaw = np.asarray(yaw_deg, dtype=np.float64)
    return rotation_matrices(np.stack([np.zeros_like(yaw), yaw, np.zeros_like(yaw)], axis=1))


def _place(
    library: MeshLibrary, name: str, position: Floats, yaw_deg: Floats, scale: Floats, apart: Floats | None = None
) -> Instances:
    count = len(position)
    paint = np.ones((count, 4))
    paint[:, 3] = np.modf(np.abs(position[:, 0] * 0.37 + position[:, 1] * 0.73))[0] if apart is None else apart
    state = np.zeros((count, 4))
    mesh = np.full(count, library.index(name), dtype=np.int32)
    return make_instances(library, mesh, _upright(yaw_deg), np.broadcast_to(scale, (count, 3)), position, paint, state)


def roadside_instances(library: MeshLibrary, statics: StaticBoxes) -> Instances:
    """Return the trees, lamps and guard rails of the static boxes."""
    foot = statics.center - statics.extent * np.array([0.0, 0.0, 1.0])
    parts: list[Instances] = []
    trees = statics.kind == int(StaticKind.TREE)
    apart = np.modf(np.abs(statics.yaw_deg) * 0.7713)[0]
    for name, chosen in (("broad_tree", trees & (apart < 0.72)), ("conifer", trees & (apart >= 0.72))):
        size = statics.extent[chosen, 2:3] / 1.6
        parts.append(_place(library, name, foot[chosen], statics.yaw_deg[chosen], np.tile(size, (1, 3)), apart[chosen]))
    lamps = statics.kind == int(StaticKind.LAMP)
    parts.append(_place(library, "lamp", foot[lamps], statics.yaw_deg[lamps], np.ones(3)))
    rails = statics.kind == int(StaticKind.GUARD_RAIL)
    length = np.column_stack([statics.extent[rails, 0] * 1.02, np.ones((int(rails.sum()), 2))])
    parts.append(_place(library, "rail", foot[rails], statics.yaw_deg[rails], length))
    return joined(parts)


def _pole_feet(statics: StaticBoxes, kind: StaticKind) -> dict[int, Floats]:
    chosen = np.nonzero(statics.kind == int(kind))[0]
    foot = statics.center[chosen] - statics.extent[chosen] * np.array([0.0, 0.0, 1.0])
    return {int(source): point for source, point in zip(statics.source[chosen], foot, strict=True)}


def travel_yaw_deg(spec: TrafficLightSpec | SignSpec) -> float:
    """Return the driving direction of the traffic that a light or sign concerns, degrees."""
    boxes = spec.lane_boxes if isinstance(spec, TrafficLightSpec) else spec.boxes
    return boxes[0].yaw_deg if boxes else spec.transform.yaw + 90.0


def light_instances(
    library: MeshLibrary, road_map: RoadMap, statics: StaticBoxes
) -> tuple[Instances, NDArray[np.integer], NDArray[np.integer]]:
    """Return the instances of all traffic lights, which of them are heads, and the light index of each head."""
    feet = _pole_feet(statics, StaticKind.LIGHT_POLE)
    poles, arms, heads = [], [], []
    for index, light in enumerate(road_map.signals.lights):
        t = light.transform
        spot = np.array([[t.x, t.y]])
        ground = float(road_map.ground.height(spot, t.z + 1.0)[0][0])
        foot = feet.get(index, np.array([t.x, t.y, ground]))
        travel = travel_yaw_deg(light)
        forward = np.array([np.cos(np.radians(travel)), np.sin(np.radians(travel)), 0.0])
        right = np.array([-forward[1], forward[0], 0.0])
        reach = float((np.asarray(light.trigger_box.center) - foot) @ right)
        reach = float(np.clip(reach, -LONGEST_ARM_M, LONGEST_ARM_M))
        high = abs(reach) > 1.5
        has_pole = index in feet
        if has_pole:
            poles.append((foot, ARM_M + 0.25 if high else POST_HEAD_M + 0.8))
            heads.append((foot + np.array([0.0, 0.0, POST_HEAD_M]) - forward * 0.24, travel + 180.0, index))
        if high:
            arms.append((foot + np.array([0.0, 0.0, ARM_M]), travel + (90.0 if reach > 0 else -90.0), abs(reach)))
            hung = foot + right * (reach - np.sign(reach) * 0.15) + np.array([0.0, 0.0, ARM_M - 0.1]) - forward * 0.24
            heads.append((hung, travel + 180.0, index))
        elif not has_pole:
            heads.append((foot + np.array([0.0, 0.0, ARM_M]), travel + 180.0, index))

    def column(items: list[tuple[Floats, float, float]], k: int, width: int) -> Floats:
        return np.array([item[k] for item in items], dtype=np.float64).reshape(len(items), width)

    tall = np.array([h for _, h in poles], dtype=np.float64).reshape(-1, 1)
    pole_feet = np.array([f for f, _ in poles], dtype=np.float64).reshape(-1, 3) - np.array([0.0, 0.0, 0.3])
    pole = _place(
        library, "light_pole", pole_feet, np.zeros(len(poles)), np.column_stack([np.ones((len(poles), 2)), tall + 0.3])
    )
    arm_scale = np.column_stack([column(arms, 2, 1), np.ones((len(arms), 2))])
    arm = _place(library, "light_arm", column(arms, 0, 3), column(arms, 1, 1)[:, 0], arm_scale)
    head = _place(library, "light_head", column(heads, 0, 3), column(heads, 1, 1)[:, 0], np.ones(3))
    head.rows[:, 16] = STATE_OFF
    first = len(poles) + len(arms)
    light_of_head = np.array([int(h[2]) for h in heads], dtype=np.int32)
    return joined([pole, arm, head]), np.arange(first, first + len(heads), dtype=np.int32), light_of_head


def speed_limits(road_map: RoadMap) -> tuple[int, ...]:
    """Return the values on the speed limit signs of a map, ascending."""
    values = {_speed(sign.type_id) for sign in road_map.signals.signs if sign.type_id.startswith(SPEED_PREFIX)}
    return tuple(sorted(v for v in values if v > 0))


def _speed(type_id: str) -> int:
    digits = type_id.removeprefix(SPEED_PREFIX).split(".")[0]
    return int(digits) if digits.isdigit() and 0 < int(digits) < 1000 else 0


def _sign_mesh(type_id: str) -> str:
    if type_id.startswith(SPEED_PREFIX):
        return f"sign_{_speed(type_id)}" if _speed(type_id) else "sign_plain"
    return {"traffic.stop": "sign_stop", "traffic.yield": "sign_yield"}.get(type_id, "sign_plain")


def sign_instances(library: MeshLibrary, road_map: RoadMap, statics: StaticBoxes) -> Instances:
    """Return the signs that stand on poles, facing the traffic that they concern."""
    feet = _pole_feet(statics, StaticKind.SIGN_POLE)
    parts: list[Instances] = []
    for index, foot in feet.items():
        sign = road_map.signals.signs[index]
        yaw = np.array([travel_yaw_deg(sign) + 180.0])
        parts.append(_place(library, _sign_mesh(sign.type_id), foot[None], yaw, np.ones(3)))
    return joined(parts)
