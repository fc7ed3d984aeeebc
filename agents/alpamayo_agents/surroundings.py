"""Everybody around the ego, as arrays, through CARLA's client API."""

from __future__ import annotations

from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DRIVEN_OVER = ("static.prop.dirtdebris",)
"""Props that lie flat on the road."""
PARKED_AFTER_S = 0.5
REFRESH_TICKS = 10
"""How often actors that came into the world are looked for."""
STILL_MPS = 0.1
LARGEST_PROP_M = 8.0
"""Half length plus half width; what is larger is part of the scenery."""


@dataclass(frozen=True)
class Neighbours:
    """M other road users at one tick, CARLA world frame, yaw in radians."""

    ids: NDArray[np.int64]
    is_walker: NDArray[np.bool_]
    center: Array
    """[M, 3] centre of the bounding box."""
    yaw: Array
    velocity_mps: Array
    """[M, 2]"""
    acceleration_mps2: Array
    """[M] along the heading."""
    half_size_m: Array
    """[M, 2] half length and half width."""
    standing_s: Array
    """[M] for how long each has stood still; infinite for props and for vehicles parked with their hand brake on."""

    @property
    def speed_mps(self) -> Array:
        """[M] along the heading."""
        return self.velocity_mps[:, 0] * np.cos(self.yaw) + self.velocity_mps[:, 1] * np.sin(self.yaw)


@dataclass
class _Known:
    actor_id: int
    vehicle: carla.Vehicle | None
    is_walker: bool
    is_prop: bool
    half_length: float
    half_width: float
    offset: tuple[float, float]
    moved_at_s: float


class Surroundings:
    """Watches the vehicles, walkers and props of one world, except the ego."""

    def __init__(self, world: carla.World, ego_id: int) -> None:
        self._world = world
        self._ego_id = ego_id
        self._known: dict[int, _Known] = {}
        self._seen: set[int] = set()
        self._emergency: set[int] = set()
        self._ticks = 0

    @property
    def emergency_ids(self) -> frozenset[int]:
        """The emergency vehicles among those that are known."""
        return frozenset(self._emergency)

    def observe(self, snapshot: carla.WorldSnapshot, around: Array, within_m: float) -> Neighbours:
        """Return those within a distance of a point [2], by rising id."""
        if self._ticks % REFRESH_TICKS == 0:
            self._refresh(snapshot.timestamp.elapsed_seconds)
        self._ticks += 1
        now_s = snapshot.timestamp.elapsed_seconds
        rows: list[tuple[float, ...]] = []
        gone: list[int] = []
        x0, y0 = float(around[0]), float(around[1])
        for known in self._known.values():
            state = snapshot.find(known.actor_id)
            if state is None:
                gone.append(known.actor_id)
                continue
            pose = state.get_transform()
            where = pose.location
            if abs(where.x - x0) > within_m or abs(where.y - y0) > within_m:
                continue
            velocity, acceleration = state.get_velocity(), state.get_acceleration()
            if abs(velocity.x) + abs(velocity.y) > STILL_MPS:
                known.moved_at_s = now_s
            standing_s = np.inf if known.is_prop or _is_parked(known, now_s) else now_s - known.moved_at_s
            rows.append(
                (
                    known.actor_id, known.is_walker, where.x, where.y, where.z, pose.rotation.yaw, velocity.x, velocity.y,
                    acceleration.x, acceleration.y, known.half_length, known.half_width, *known.offset, standing_s,
                )
            )  # fmt: skip
        for actor_id in gone:
            del self._known[actor_id]
        table = np.array(rows, dtype=np.float64).reshape(-1, 15)
        table = table[np.argsort(table[:, 0])]
        yaw = np.radians(table[:, 5])
        cos, sin = np.cos(yaw), np.sin(yaw)
        center = table[:, 2:5].copy()
        center[:, 0] += cos * table[:, 12] - sin * table[:, 13]
        center[:, 1] += sin * table[:, 12] + cos * table[:, 13]
        return Neighbours(
            ids=table[:, 0].astype(np.int64),
            is_walker=table[:, 1] > 0.5,
            center=center,
            yaw=yaw,
            velocity_mps=table[:, 6:8],
            acceleration_mps2=table[:, 8] * cos + table[:, 9] * sin,
            half_size_m=table[:, 10:12],
            standing_s=table[:, 14],
        )

    def _refresh(self, now_s: float) -> None:
        for actor in self._world.get_actors():
            if actor.id in self._seen:
                continue
            self._seen.add(actor.id)
            kind = actor.type_id.split(".", 1)[0]
            is_prop = actor.type_id.startswith("static.prop")
            if actor.id == self._ego_id or not (is_prop or kind in ("vehicle", "walker")):
                continue
            box = actor.bounding_box
            if is_prop and (
                not 0.05 < box.extent.x + box.extent.y < LARGEST_PROP_M or actor.type_id.startswith(DRIVEN_OVER)
            ):
                continue
            if actor.attributes.get("special_type") == "emergency":
                self._emergency.add(actor.id)
            self._known[actor.id] = _Known(
                actor_id=actor.id,
                vehicle=actor if isinstance(actor, carla.Vehicle) else None,
                is_walker=kind == "walker",
                is_prop=is_prop,
                half_length=max(0.2, box.extent.x),
                half_width=max(0.2, box.extent.y),
                offset=(box.location.x, box.location.y),
                moved_at_s=now_s,
            )


def _is_parked(known: _Known, now_s: float) -> bool:
    """Whether a vehicle stands with its hand brake on."""
    if known.vehicle is None or now_s - known.moved_at_s < PARKED_AFTER_S:
        return False
    return known.vehicle.get_control().hand_brake
