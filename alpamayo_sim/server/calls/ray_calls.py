"""Calls that ask what lies along a ray."""

from __future__ import annotations

from typing import Any

import numpy as np

from alpamayo_sim.sensors.rays import ray_hits
from alpamayo_sim.server.codec import Vector, location, number, vector
from alpamayo_sim.server.registry import Family, call
from alpamayo_sim.server.rpc import Session

_NOTHING = [[0.0, 0.0, 0.0], 0]


@call(Family.VALUE, location, vector, number)
def project_point(session: Session, place: Vector, direction: Vector, distance_m: float) -> list[Any]:
    """Return [True, labelled point] of the first thing along a direction, [False, ...] without one."""
    along = np.array(direction)
    norm = float(np.linalg.norm(along))
    if norm == 0.0 or distance_m <= 0.0:
        return [False, _NOTHING]
    origin = np.array(place)
    hits = ray_hits(session.server.simulation.world, origin, along / norm, distance_m)
    if not hits:
        return [False, _NOTHING]
    distance, label = hits[0]
    return [True, [(origin + distance * along / norm).tolist(), label]]


@call(Family.VALUE, location, location)
def cast_ray(session: Session, start: Vector, end: Vector) -> list[Any]:
    """Return every labelled point on the segment, nearest first."""
    origin = np.array(start)
    along = np.array(end) - origin
    length = float(np.linalg.norm(along))
    if length == 0.0:
        return []
    hits = ray_hits(session.server.simulation.world, origin, along / length, length)
    return [[(origin + distance * along / length).tolist(), label] for distance, label in hits]
