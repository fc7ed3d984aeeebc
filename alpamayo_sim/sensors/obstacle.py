"""Obstacle detector: a sphere that is swept forward from the sensor, and what it touches first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from alpamayo_sim.frames import rotation_matrix
from alpamayo_sim.sensors.actor_record import actor_record, static_record
from alpamayo_sim.sensors.rays import sweep
from alpamayo_sim.sensors.sensor import Tick, floats, pack
from alpamayo_sim.world.collisions import LABEL_NAMES

MAX_DISTANCE_M = 1000.0


class ObstacleDetector:
    """`sensor.other.obstacle`: the nearest thing within `distance` of a sphere of `hit_radius`, its parent excepted.

    With `only_dynamics` vehicles and walkers count, else everything that collides, the ground included. There is a message
    only when something is there. `debug_linetrace` draws nothing, as in CARLA's shipping builds.
    """

    def __init__(self, attributes: Mapping[str, str], seed: int) -> None:
        """Read the attributes; ValueError for a way or a radius that no sensor has."""
        self._distance_m, self._radius_m = floats(attributes, "distance", "hit_radius")
        if not 0.0 <= self._distance_m <= MAX_DISTANCE_M or not 0.0 <= self._radius_m <= MAX_DISTANCE_M:
            raise ValueError(f"distance and hit_radius lie in 0 to {MAX_DISTANCE_M:g} m")
        self._only_dynamic = attributes["only_dynamics"].lower() == "true"

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return `[sensor, other actor, distance m]`, or nothing. Parts of the map are `static.*` actors with id 0."""
        world = tick.world
        forward = rotation_matrix(*tick.pose[3:])[:, 0]
        hit = sweep(
            world, np.array(tick.pose[:3]), forward, self._distance_m, self._radius_m,
            ignored_ids=(tick.actor_id, tick.parent_id, *tick.ignored_ids), only_dynamic=self._only_dynamic,
        )  # fmt: skip
        if hit is None:
            return ()
        if hit.actor_id:
            other = actor_record(world.info(hit.actor_id))
        else:
            other = static_record(f"static.{LABEL_NAMES.get(hit.label, 'unknown')}")
        return (pack([actor_record(world.info(tick.actor_id)), other, hit.distance_m]),)
