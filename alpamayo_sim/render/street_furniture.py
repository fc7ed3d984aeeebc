"""Instances of trees, lamps, rails, traffic lights and signs, placed where the map and its static boxes have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import rotation_matrices
from alpamayo_sim.render.instances import DynamicInstances, Instances, joined, make_instances
from alpamayo_sim.render.library import CARS, PARKING, MeshLibrary
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass
from alpamayo_sim.roads.light_heads import LightHeads
from alpamayo_sim.roads.static_boxes import SWITCHED_OFF
from alpamayo_sim.roads.statics import BAY_HALF_M, PARKED_SIZES, StaticBoxes, StaticKind

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap
    from alpamayo_sim.roads.signals import SignSpec

Floats = NDArray[np.floating]
SPEED_PREFIX = "traffic.speed_limit."
STATE_OFF = 3.0
POLE_LABEL, LIGHT_LABEL, SIGN_LABEL, GROUND_LABEL = 6, 7, 8, 25
"""CARLA's semantic tags."""


def _upright(yaw_deg: Floats) -> Floats:
    yaw = np.asarray(yaw_deg, dtype=np.float64)
    return rotation_matrices(np.stack([np.zeros_like(yaw), yaw, np.zeros_like(yaw)], axis=1))


def _place(
    library: MeshLibrary,
    name: str,
    position: Floats,
    yaw_deg: Floats,
    scale: Floats,
    label: NDArray[np.integer],
    apart: Floats | None = None,
) -> Instances:
    count = len(position)
    paint = np.ones((count, 4))
    paint[:, 3] = np.modf(np.abs(position[:, 0] * 0.37 + position[:, 1] * 0.73))[0] if apart is None else apart
    state = np.zeros((count, 4))
    state[:, 3] = 2.0
    owner = np.column_stack([np.asarray(label, dtype=np.float64), np.zeros(count)])
    mesh = np.full(count, library.index(name), dtype=np.int32)
    return make_instances(
        library, mesh, _upright(yaw_deg), np.broadcast_to(scale, (count, 3)), position, paint, state, owner
    )


RAIL_JOINT_M = 5.0
"""Pieces of guard rail nearer to one another than this belong to one rail."""
TREES = (("broad_tree", 0.0, 0.45), ("slim_tree", 0.45, 0.75), ("conifer", 0.75, 1.0))
"""Which share of the trees each mesh is."""
PARKED_COLORS = np.array(
    [(200, 202, 205), (28, 30, 33), (120, 124, 130), (140, 24, 28), (30, 52, 110), (225, 225, 220), (60, 80, 64), (170, 150, 120)]
)  # fmt: skip


def roadside_instances(library: MeshLibrary, statics: StaticBoxes) -> Instances:
    """Return what the static boxes stand for, save houses, lights and signs."""
    foot = statics.center - statics.extent * np.array([0.0, 0.0, 1.0])
    parts: list[Instances] = []

    def add(name: str, chosen: NDArray[np.bool_], scale: Floats, apart: Floats | None = None) -> None:
        label = statics.label[chosen]
        parts.append(_place(library, name, foot[chosen], statics.yaw_deg[chosen], scale, label, apart))

    trees = statics.kind == int(StaticKind.TREE)
    apart = np.modf(np.abs(statics.yaw_deg) * 0.7713)[0]
    for name, low, high in TREES:
        chosen = trees & (apart >= low) & (apart < high)
        add(name, chosen, np.tile(statics.extent[chosen, 2:3] / 1.6, (1, 3)), apart[chosen])
    lamps = statics.kind == int(StaticKind.LAMP)
    add("lamp", lamps, np.ones(3))
    parts[-1].rows[:, 16] = statics.source[lamps] == SWITCHED_OFF
    rails = statics.kind == int(StaticKind.GUARD_RAIL)
    add("rail", rails, np.column_stack([statics.extent[rails, 0] * 1.02, np.ones((int(rails.sum()), 2))]))
    # On slopes the pieces lean so that they meet.
    parts[-1].rows[:, 8] = _slopes(foot[rails], statics.yaw_deg[rails]) * statics.extent[rails, 0] * 1.02
    hedges = statics.kind == int(StaticKind.HEDGE)
    add("hedge", hedges, statics.extent[hedges] * np.array([1.16, 1.0, 1.0]))
    for kind, name in (
        (StaticKind.BUS_STOP, "shelter"),
        (StaticKind.BENCH, "street_bench"),
        (StaticKind.BIN, "street_bin"),
    ):
        chosen = statics.kind == int(kind)
        add(name, chosen, statics.extent[chosen])
    stops = statics.kind == int(StaticKind.BUS_STOP)
    flags = _upright(statics.yaw_deg[stops])
    where = foot[stops] - flags[:, :, 0] * 2.5 + flags[:, :, 1] * 0.5
    parts.append(
        _place(library, "bus_stop_sign", where, statics.yaw_deg[stops], np.ones(3), np.full(len(where), SIGN_LABEL))
    )
    parts.append(_parked_instances(library, statics, foot))
    return joined(parts)


def _slopes(foot: Floats, yaw_deg: Floats) -> Floats:
    """Return the rise per metre along each of a row's pieces [M] from the neighbours that it joins, 0 without any."""
    yaw = np.radians(yaw_deg)
    step = np.diff(foot, axis=0)
    length = np.hypot(step[:, 0], step[:, 1])
    joined_next = np.append((length > 0.5) & (length < RAIL_JOINT_M), False)
    slope, weight = np.zeros(len(foot)), np.zeros(len(foot))
    k = np.flatnonzero(joined_next)
    for own, first in ((k, k), (k + 1, k)):
        way = step[first, 0] * np.cos(yaw[own]) + step[first, 1] * np.sin(yaw[own])
        slope[own] += step[first, 2] / np.where(np.abs(way) > 0.5, way, np.inf)
        weight[own] += 1.0
    return slope / np.maximum(weight, 1.0)


def _parked_instances(library: MeshLibrary, statics: StaticBoxes, foot: Floats) -> Instances:
    """Return parked cars with their wheels, and the bays of those that do not stand in a parking lane."""
    chosen = np.flatnonzero(statics.kind == int(StaticKind.PARKED_CAR))
    if not len(chosen):
        return joined([])
    sizes = np.array(PARKED_SIZES)
    shape = np.array(
        [int(PARKING[k]) for k in np.abs(statics.extent[chosen][:, None] - sizes).sum(axis=2).argmin(axis=1)]
    )
    dice = np.modf(np.abs(statics.center[chosen, 0] * 0.917 + statics.center[chosen, 1] * 0.371))[0]
    color = PARKED_COLORS[(dice * len(PARKED_COLORS)).astype(np.intp)]
    count = len(chosen)
    frame = SceneFrame(
        shape_class=shape,
        transform=np.column_stack([foot[chosen], np.zeros(count), statics.yaw_deg[chosen], np.zeros(count)]),
        extent=statics.extent[chosen],
        box_center=np.column_stack([np.zeros((count, 2)), statics.extent[chosen, 2]]),
        color=color.astype(np.uint8),
        semantic_tag=statics.label[chosen].astype(np.int32),
    )
    cars, _, _ = DynamicInstances(library).bodies(frame)
    names = [CARS[ShapeClass(int(k))][0] for k in shape]
    cars.mesh[:count] = [library.index(f"parked_{name}") for name in names]
    far = np.array([library.index(f"distant_{name}") for name in names], dtype=np.int32)
    distant = Instances(cars.rows[:count], far, cars.radius_m[:count])
    off_road = chosen[statics.source[chosen] < 0]
    bays = np.tile([BAY_HALF_M[0] + 1.1, BAY_HALF_M[1], 1.0], (len(off_road), 1))
    ground = np.full(len(off_road), GROUND_LABEL)
    return joined([cars, distant, _place(library, "bay", foot[off_road], statics.yaw_deg[off_road], bays, ground)])


def _pole_feet(statics: StaticBoxes, kind: StaticKind) -> dict[int, Floats]:
    chosen = np.nonzero(statics.kind == int(kind))[0]
    foot = statics.center[chosen] - statics.extent[chosen] * np.array([0.0, 0.0, 1.0])
    return {int(source): point for source, point in zip(statics.source[chosen], foot, strict=True)}


def sign_travel_yaw_deg(sign: SignSpec) -> float:
    """Return the driving direction of the traffic that a sign concerns, degrees."""
    return sign.boxes[0].yaw_deg if sign.boxes else sign.transform.yaw - 90.0


def light_instances(
    library: MeshLibrary, heads: LightHeads
) -> tuple[Instances, NDArray[np.integer], NDArray[np.integer]]:
    """Return the instances of all traffic lights, which of them are heads, and the light index of each head."""
    count = len(heads.pole_foot)
    tall = np.column_stack([np.ones((count, 2)), heads.pole_height_m + 0.3])
    sunk = heads.pole_foot - np.array([0.0, 0.0, 0.3])
    pole = _place(library, "light_pole", sunk, np.zeros(count), tall, np.full(count, POLE_LABEL))
    arms = len(heads.arm_foot)
    stretched = np.column_stack([heads.arm_length_m, np.ones((arms, 2))])
    arm = _place(library, "light_arm", heads.arm_foot, heads.arm_yaw_deg, stretched, np.full(arms, POLE_LABEL))
    head = _place(
        library, "light_head", heads.center, heads.facing_deg, np.ones(3), np.full(len(heads.center), LIGHT_LABEL)
    )
    head.rows[:, 16] = STATE_OFF
    first = count + arms
    return joined([pole, arm, head]), np.arange(first, first + len(heads.center), dtype=np.int32), heads.light


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


def sign_instances(
    library: MeshLibrary, road_map: RoadMap, statics: StaticBoxes, plates: NDArray[np.bool_] | None = None
) -> Instances:
    """Return the signs that stand on poles, facing the traffic that they concern.

    `plates` [signs of the map] tells which have their plate; the others are bare posts.
    """
    feet = _pole_feet(statics, StaticKind.SIGN_POLE)
    parts: list[Instances] = []
    for index, foot in feet.items():
        sign = road_map.signals.signs[index]
        yaw = np.array([sign_travel_yaw_deg(sign) + 180.0])
        label = np.array([SIGN_LABEL])
        mesh = _sign_mesh(sign.type_id) if plates is None or plates[index] else "sign_post"
        parts.append(_place(library, mesh, foot[None], yaw, np.ones(3), label))
    return joined(parts)
