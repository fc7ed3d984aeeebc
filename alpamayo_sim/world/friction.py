"""Friction triggers (`static.trigger.friction`): boxes that set the tyre friction of the vehicles inside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform

if TYPE_CHECKING:
    from alpamayo_sim.world.world import World


def _number(text: str, default: float) -> float:
    """Return the number of a blueprint attribute; CARLA writes some as `3.5f`."""
    try:
        value = float(text.rstrip("fF"))
    except ValueError:
        return default
    return value if math.isfinite(value) else default


class FrictionTriggers:
    """The live triggers: box [centre xy, z, half sizes (m), cosine, sine of yaw] and friction each."""

    def __init__(self) -> None:
        self.boxes: dict[int, tuple[NDArray[np.float64], float]] = {}
        self.inside: dict[int, float] = {}
        """Friction of the vehicles that are in a trigger now, by actor id."""

    def add(self, actor_id: int, pose: Transform, values: Mapping[str, str]) -> None:
        """Remember a trigger; its extents are given in centimetres."""
        extent_m = [_number(values.get(f"extent_{axis}", "1.0"), 1.0) / 100.0 for axis in "xyz"]
        yaw = math.radians(pose.yaw)
        box = np.array([*pose[:3], *extent_m, math.cos(yaw), math.sin(yaw)])
        self.boxes[actor_id] = (box, max(_number(values.get("friction", "3.5"), 3.5), 0.0))

    def remove(self, actor_id: int) -> None:
        """Forget a trigger, or a vehicle that was inside one."""
        self.boxes.pop(actor_id, None)
        self.inside.pop(actor_id, None)

    def apply(self, world: World) -> None:
        """Set the friction of vehicles whose origin is inside a trigger, restore it for those that left."""
        if not self.boxes and not self.inside:
            return
        now: dict[int, float] = {}
        for actor_id, index in world.vehicle_of.items():
            location = world.actors.location[world.vehicles.row[index]]
            for box, friction in self.boxes.values():
                offset = location - box[:3]
                along, across = (
                    offset[0] * box[6] + offset[1] * box[7],
                    offset[1] * box[6] - offset[0] * box[7],
                )
                if abs(along) <= box[3] and abs(across) <= box[4] and abs(offset[2]) <= box[5]:
                    now[actor_id] = friction
        for actor_id in self.inside.keys() | now.keys():
            if self.inside.get(actor_id) != now.get(actor_id) and actor_id in world.vehicle_of:
                wheels = world.physics_of[actor_id].wheels
                own = sum(max(wheel.tire_friction, 0.0) for wheel in wheels) / len(wheels)
                world.constants.friction[world.vehicle_of[actor_id]] = now.get(actor_id, own)
        self.inside = now
