"""Where the heads of traffic lights hang: one answer for what cameras see and for what `get_light_boxes` tells.

A light has a head on its pole, and a second one on an arm over the lanes where the pole stands far from them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import wrap_degrees
from alpamayo_sim.roads.signal_boxes import Box
from alpamayo_sim.roads.statics import StaticBoxes, StaticKind

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap
    from alpamayo_sim.roads.signals import TrafficLightSpec

Floats = NDArray[np.floating]
POST_HEAD_M = 2.7
"""Height of the middle of the head on a pole above the pole's foot."""
ARM_M = 5.9
"""Height of the arm that carries the head over the lanes."""
LONGEST_ARM_M = 9.0
SHORTEST_ARM_M = 1.5
BEFORE_POLE_M = 0.24
"""How far heads stand before their pole or arm."""
HEAD_EXTENT_M = (0.14, 0.30, 0.64)
"""Half depth, width and height of a head with its backboard."""


@dataclass(frozen=True)
class LightHeads:
    """H heads: `center` [H, 3] middle, `facing_deg` [H] yaw of the way the lenses look, `light` [H] index of the traffic light.

    `arm_foot` [A, 3], `arm_yaw_deg` [A] and `arm_length_m` [A] are the arms; `pole_foot` [P, 3] and `pole_height_m` [P] the
    poles.
    """

    center: Floats
    facing_deg: Floats
    light: NDArray[np.integer]
    height_m: Floats
    """[H] of the middle over the pole's foot."""
    arm_foot: Floats
    arm_yaw_deg: Floats
    arm_length_m: Floats
    arm_light: NDArray[np.integer]
    """[A] index of the traffic light that the arm belongs to."""
    pole_foot: Floats
    pole_height_m: Floats
    pole_light: NDArray[np.integer]
    """[P]"""

    def where(self, heads: NDArray[np.bool_], lights_with_pole: Collection[int]) -> LightHeads:
        """Return the chosen heads [H], and the poles and arms of the lights that have their pole."""
        arms = np.isin(self.arm_light, list(lights_with_pole))
        poles = np.isin(self.pole_light, list(lights_with_pole))
        return LightHeads(
            self.center[heads], self.facing_deg[heads], self.light[heads], self.height_m[heads],
            self.arm_foot[arms], self.arm_yaw_deg[arms], self.arm_length_m[arms], self.arm_light[arms],
            self.pole_foot[poles], self.pole_height_m[poles], self.pole_light[poles],
        )  # fmt: skip

    def boxes(self, light: int, actor_yaw_deg: float) -> tuple[Box, ...]:
        """Return the boxes of one light's heads, turned as its actor is: extents along and across its forward vector."""
        depth, width, height = HEAD_EXTENT_M
        found: list[Box] = []
        for k in np.flatnonzero(self.light == light):
            turn = np.radians(wrap_degrees(float(self.facing_deg[k]) - actor_yaw_deg))
            c, s = abs(float(np.cos(turn))), abs(float(np.sin(turn)))
            x, y, z = (float(v) for v in self.center[k])
            found.append(Box((x, y, z), (c * depth + s * width, s * depth + c * width, height), actor_yaw_deg))
        return tuple(found)


def travel_yaw_deg(light: TrafficLightSpec) -> float:
    """Return the driving direction of the traffic that a light concerns, degrees."""
    return light.lane_boxes[0].yaw_deg if light.lane_boxes else light.transform.yaw - 90.0


def light_boxes(road_map: RoadMap, statics: StaticBoxes | None) -> tuple[tuple[Box, ...], ...]:
    """Return the boxes of the heads of each of a map's traffic lights; their yaw is the light's actor's."""
    heads = light_heads(road_map, statics)
    return tuple(heads.boxes(index, light.transform.yaw) for index, light in enumerate(road_map.signals.lights))


def light_heads(road_map: RoadMap, statics: StaticBoxes | None) -> LightHeads:
    """Return the heads, arms and poles of a map's traffic lights, standing where the static boxes have their poles."""
    foot_of: dict[int, Floats] = {}
    if statics is not None:
        for k in np.flatnonzero(statics.kind == int(StaticKind.LIGHT_POLE)):
            foot_of[int(statics.source[k])] = statics.center[k] - np.array([0.0, 0.0, statics.extent[k, 2]])
    up = np.array([0.0, 0.0, 1.0])
    heads: list[tuple[Floats, float, int, float]] = []
    arms: list[tuple[Floats, float, float, int]] = []
    poles: list[tuple[Floats, float, int]] = []
    for index, light in enumerate(road_map.signals.lights):
        t = light.transform
        ground = float(road_map.ground.height(np.array([[t.x, t.y]]), t.z + 1.0)[0][0])
        foot = foot_of.get(index, np.array([t.x, t.y, ground]))
        travel = travel_yaw_deg(light)
        forward = np.array([np.cos(np.radians(travel)), np.sin(np.radians(travel)), 0.0])
        right = np.array([-forward[1], forward[0], 0.0])
        reach = float((np.asarray(light.trigger_box.center) - foot) @ right)
        reach = float(np.clip(reach, -LONGEST_ARM_M, LONGEST_ARM_M))
        before = forward * BEFORE_POLE_M
        has_arm, has_pole = abs(reach) > SHORTEST_ARM_M, index in foot_of
        facing = wrap_degrees(travel + 180.0)
        if has_pole:
            poles.append((foot, ARM_M + 0.25 if has_arm else POST_HEAD_M + 0.8, index))
            heads.append((foot + up * POST_HEAD_M - before, facing, index, POST_HEAD_M))
        if has_arm:
            arms.append((foot + up * ARM_M, travel + (90.0 if reach > 0 else -90.0), abs(reach), index))
            hung = foot + right * (reach - np.sign(reach) * 0.15) + up * (ARM_M - 0.1) - before
            heads.append((hung, facing, index, ARM_M - 0.1))
        elif not has_pole:
            heads.append((foot + up * ARM_M, facing, index, ARM_M))
    return LightHeads(
        np.array([h[0] for h in heads]).reshape(-1, 3),
        np.array([h[1] for h in heads], dtype=np.float64),
        np.array([h[2] for h in heads], dtype=np.int32),
        np.array([h[3] for h in heads], dtype=np.float64),
        np.array([a[0] for a in arms]).reshape(-1, 3),
        np.array([a[1] for a in arms], dtype=np.float64),
        np.array([a[2] for a in arms], dtype=np.float64),
        np.array([a[3] for a in arms], dtype=np.int32),
        np.array([p[0] for p in poles]).reshape(-1, 3),
        np.array([p[1] for p in poles], dtype=np.float64),
        np.array([p[2] for p in poles], dtype=np.int32),
    )
