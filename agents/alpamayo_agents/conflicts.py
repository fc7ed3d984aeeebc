"""When and where others occupy the ego's path: exact footprints, in station and time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoModel
from alpamayo_agents.forecast import TIMES_S, Forecasts
from alpamayo_agents.surroundings import Neighbours

Array = NDArray[np.float64]

CIRCLES = 4
VEHICLE_MARGIN_M = 0.12
MARGIN_GROWTH_MPS = 0.06
"""The margin around what moves grows with the forecast's age."""
WALKER_MARGIN_M = 0.45
STATION_STEP_M = 1.0


@dataclass(frozen=True)
class Occupancy:
    """C hypotheses that touch the path, at the K instants of `TIMES_S`; stations count from the ego's rear axle now."""

    owner: NDArray[np.int64]
    """[C] row in the neighbours."""
    first_m: Array
    """[C, K] smallest station of the rear axle at which the ego would touch the other; NaN where it would nowhere."""
    last_m: Array
    """[C, K] largest such station."""
    speed_mps: Array
    """[C, K] the other's speed along the path."""
    pace_mps: Array
    """[C, K] the other's speed."""
    walker: NDArray[np.bool_]
    """[C]"""
    ambiguous: NDArray[np.bool_]


def circle_radius(model: EgoModel) -> float:
    """Return the radius in metres of the circles that together cover the ego's footprint."""
    length = model.front_m + model.rear_m
    return float(np.hypot(length / (2 * CIRCLES), model.half_width_m))


def circle_centers(model: EgoModel, xy: Array, yaw: Array) -> Array:
    """Return the centres [J, 4, 2] of the circles that cover the ego with its rear axle at poses xy [J, 2], yaw [J]."""
    length = model.front_m + model.rear_m
    along = -model.rear_m + (np.arange(CIRCLES) + 0.5) * length / CIRCLES
    heading = np.stack([np.cos(yaw), np.sin(yaw)], axis=-1)
    return xy[:, None, :] + along[None, :, None] * heading[:, None, :]


def occupancy(model: EgoModel, xy: Array, yaw: Array, neighbours: Neighbours, forecasts: Forecasts) -> Occupancy:
    """Return who touches the ego's path, given by rear axle poses every metre: xy [J, 2], yaw [J], the first being now."""
    centers = circle_centers(model, xy, yaw)
    radius = circle_radius(model)
    half = neighbours.half_size_m[forecasts.owner]
    walker = neighbours.is_walker[forecasts.owner]
    growth = MARGIN_GROWTH_MPS * np.minimum(1.0, np.linalg.norm(neighbours.velocity_mps[forecasts.owner], axis=1))
    margin = np.where(walker, WALKER_MARGIN_M, VEHICLE_MARGIN_M)[:, None] + growth[:, None] * TIMES_S[None, :]
    reach = np.hypot(half[:, 0], half[:, 1])[:, None] + radius + margin + model.front_m
    coarse = xy[::4]
    off = forecasts.xy[:, :, None, :] - coarse[None, None, :, :]
    near = (off**2).sum(-1).min(-1) < (reach + 3.0) ** 2
    still = (np.abs(forecasts.xy - forecasts.xy[:, :1]).max(axis=(1, 2)) < 1e-6) & (growth < 1e-6)
    near[still, 1:] = False
    hyp, instant = np.nonzero(near)
    n = len(hyp)
    first = np.full(forecasts.yaw.shape, np.nan)
    last = np.full(forecasts.yaw.shape, np.nan)
    if n:
        flat = centers.reshape(-1, 2)
        delta = flat[None, :, :] - forecasts.xy[hyp, instant][:, None, :]
        cos, sin = np.cos(forecasts.yaw[hyp, instant])[:, None], np.sin(forecasts.yaw[hyp, instant])[:, None]
        along = np.abs(delta[..., 0] * cos + delta[..., 1] * sin) - half[hyp, 0][:, None]
        across = np.abs(delta[..., 1] * cos - delta[..., 0] * sin) - half[hyp, 1][:, None]
        gap = np.hypot(np.maximum(along, 0.0), np.maximum(across, 0.0))
        touching = (gap < (radius + margin[hyp, instant])[:, None]).reshape(n, len(xy), CIRCLES).any(-1)
        some = touching.any(-1)
        begin = np.argmax(touching, axis=1) * STATION_STEP_M
        end = (len(xy) - 1 - np.argmax(touching[:, ::-1], axis=1)) * STATION_STEP_M
        first[hyp[some], instant[some]] = begin[some]
        last[hyp[some], instant[some]] = end[some]
    first[still], last[still] = first[still, :1], last[still, :1]
    rows = np.flatnonzero(np.isfinite(first).any(axis=1))
    first, last = first[rows], last[rows]
    station = np.where(np.isfinite(first), first, 0.0)
    index = np.clip((station / STATION_STEP_M).astype(int), 0, len(yaw) - 1)
    owner = forecasts.owner[rows]
    xy_rate = np.gradient(forecasts.xy[rows], TIMES_S, axis=1) if len(rows) else np.zeros((0, len(TIMES_S), 2))
    speed = xy_rate[..., 0] * np.cos(yaw[index]) + xy_rate[..., 1] * np.sin(yaw[index])
    pace = np.linalg.norm(xy_rate, axis=-1)
    return Occupancy(owner, first, last, speed, pace, neighbours.is_walker[owner], forecasts.ambiguous[rows])
