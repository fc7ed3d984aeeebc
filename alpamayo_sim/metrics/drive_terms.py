"""NAVSIM's terms and AlpaSim's outcome of an episode that was driven, from its ticks and the map."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.metrics.alpasim import SceneOutcome
from alpamayo_sim.metrics.contact import Contact, contacts, footprint, near, soon_collides
from alpamayo_sim.metrics.navsim import PdmTerms, ego_progress
from alpamayo_sim.metrics.smoothness import LIMITS, comfort_signals, motion_of_ticks
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import RoadMap

_ON_ROAD = carla.LaneType.Driving | carla.LaneType.Parking | carla.LaneType.Bidirectional
_DRIVABLE_TOLERANCE_M = 0.3


@dataclass(frozen=True)
class DriveTerms:
    """What an episode's ticks show of it."""

    pdm: PdmTerms
    outcome: SceneOutcome
    contacts: tuple[Contact, ...]
    """First touches of others, by their boxes; CARLA's collision sensor may tell of more (the map itself)."""


def terms_of_drive(
    ticks: Iterable[TickRecord], road_map: RoadMap, *, progress_m: float, reference_m: float
) -> DriveTerms:
    """Return the terms of a whole episode; InputError for fewer than three ticks.

    `progress_m` is how much of the route was driven and `reference_m` how much the best safe drive covers (the route's
    length, where nobody else's drive is known). NC, DAC, TTC and comfort are those of the worst moment, so that a long
    episode is judged more strictly than NAVSIM's 4 s.
    """
    listed = list(ticks)
    motion = motion_of_ticks(listed)
    touched: list[Contact] = []
    stays_on_road, has_time = True, True
    for tick in listed:
        others = near(tick.ego, tick.actors)
        corners = footprint(tick.ego)
        lanes = [_lane_at(road_map, corner, tick.ego.transform.z) for corner in corners]
        stays_on_road = stays_on_road and all(lane is not None for lane in lanes)
        if not others:
            continue
        in_one_lane = None not in lanes and len(set(lanes)) == 1
        known = [contact.actor_id for contact in touched]
        touched += contacts(tick.ego, others, known, in_one_lane=in_one_lane)
        known = [contact.actor_id for contact in touched]
        has_time = has_time and not soon_collides(tick.ego, others, known, in_one_lane=in_one_lane)
    guilty = [contact for contact in touched if contact.at_fault]
    no_collision = 0.0 if any(c.is_road_user for c in guilty) else 0.5 if guilty else 1.0
    signals = comfort_signals(motion)
    comfortable = all(np.all((signals[n] > low) & (signals[n] < high)) for n, (low, high) in LIMITS.items())
    driven_m = sum(
        math.dist(a.ego.transform[:2], b.ego.transform[:2]) for a, b in zip(listed, listed[1:], strict=False)
    )
    return DriveTerms(
        pdm=PdmTerms(
            no_collision=no_collision,
            drivable_area=float(stays_on_road),
            time_to_collision=float(has_time and no_collision == 1.0),
            ego_progress=ego_progress(progress_m, reference_m),
            comfort=float(comfortable),
        ),
        outcome=SceneOutcome(
            collision_at_fault=bool(guilty),
            offroad=not stays_on_road,
            progress_m=progress_m,
            reference_m=reference_m,
            driven_km=driven_m / 1000.0,
            collision_any=bool(touched),
        ),
        contacts=tuple(touched),
    )


def _lane_at(road_map: RoadMap, corner: NDArray[np.float64], z: float) -> tuple[int, int] | None:
    """Road and lane under a point, (-1, -1) for any lane of a junction; None beside the road by more than 0.3 m.

    The paved ground of a junction lies between its lanes, so there a lane's width beside one still counts.
    """
    location = carla.Location(float(corner[0]), float(corner[1]), z)
    waypoint = road_map.carla_map.get_waypoint(location, lane_type=_ON_ROAD)
    if waypoint is None:
        return None
    dx, dy = location.x - waypoint.transform.location.x, location.y - waypoint.transform.location.y
    beyond_m = waypoint.lane_width if waypoint.is_junction else _DRIVABLE_TOLERANCE_M
    if math.hypot(dx, dy) > waypoint.lane_width / 2.0 + beyond_m:
        return None
    return (-1, -1) if waypoint.is_junction else (waypoint.road_id, waypoint.lane_id)
