"""The rule of the flows' gaps, against a drive tick by tick; and the suite's flows, against the rule."""

from __future__ import annotations

from functools import cache

import carla
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_scenarios.library.junctions import entries, side_of
from alpamayo_scenarios.placement.gaps import (
    ACCELERATION_MPS2,
    BICYCLE_M,
    CAR_M,
    LANE_M,
    LEAST_SHARE,
    MARGIN_S,
    WAITING_M,
    Passing,
    flow_values,
    needed_gap_m,
    suits_road,
    usable_share,
)
from alpamayo_scenarios.route_file import RouteSpec, ScenarioSpec
from alpamayo_scenarios.suite import load_suite
from alpamayo_sim.roads.road_map import RoadMap, load_road_map

TICK_S = 0.001
CROSS, ENTER, MERGE = (Passing.CROSS,), (Passing.ENTER,), (Passing.MERGE,)
FLOWS: dict[str, tuple[tuple[Passing, ...], tuple[int, int], tuple[int, int, int, int], str]] = {
    "CrossingBicycleFlow": (CROSS, (8, 12), (5, 15, 25, 30), ""),
    "EnterActorFlow": (MERGE, (12, 19), (17, 30, 30, 39), ""),
    "HighwayExit": (MERGE, (10, 15), (11, 20, 33, 46), ""),
    "InterurbanActorFlow": (CROSS, (15, 16), (42, 53, 78, 98), ""),
    "InterurbanAdvancedActorFlow": (CROSS + ENTER, (16, 18), (36, 42, 84, 94), ""),
    "MergerIntoSlowTraffic": (MERGE, (9, 10), (14, 16, 33, 42), ""),
    "MergerIntoSlowTrafficV2": (MERGE, (10, 10), (11, 14, 30, 34), ""),
    "NonSignalizedJunctionLeftTurn": (CROSS, (8, 11), (15, 24, 25, 30), "opposite"),
    "NonSignalizedJunctionRightTurn": (ENTER, (8, 14), (16, 22, 25, 30), "left"),
    "NonSignalizedJunctionLeftTurnEnterFlow": (ENTER, (8, 10), (15, 19, 26, 30), "opposite"),
    "SignalizedJunctionLeftTurn": (CROSS, (9, 11), (15, 24, 25, 28), "opposite"),
    "SignalizedJunctionRightTurn": (ENTER, (10, 14), (19, 24, 26, 38), "left"),
    "SignalizedJunctionLeftTurnEnterFlow": (ENTER, (8, 10), (16, 24, 25, 30), "opposite"),
}
"""What the ego does with the gaps; speeds (m/s) and intervals (m) of the published routes; from which side of the junction the
flow comes, where the route file does not say."""


def least_times_s(passing: Passing, speed_mps: float, gap_m: float) -> tuple[float, float]:
    """How long the flow's lane is free before and behind a car that starts at the best moment, tick by tick.

    The leader's tail passes the place at time 0, the follower's nose comes a gap later. CROSS: seconds before the car comes
    into the lane and after it has left it. ENTER: seconds between the follower's nose and the car's tail, at the worst moment.
    """
    time = np.arange(0.0, 30.0, TICK_S)
    nose = 0.5 * ACCELERATION_MPS2 * time**2 - WAITING_M
    own_mps = ACCELERATION_MPS2 * time
    comes = int(np.argmax(nose >= 0.0))
    free_s = (gap_m - CAR_M) / speed_mps
    if passing is Passing.CROSS:
        leaves = int(np.argmax(nose >= LANE_M + CAR_M))
        rest = free_s - (time[leaves] - time[comes])
        return rest / 2.0, rest / 2.0
    as_fast = max(comes, int(np.argmax(own_mps >= speed_mps)))
    tail = nose[comes : as_fast + 1] - CAR_M
    follower = speed_mps * (time[comes : as_fast + 1] - time[comes]) - speed_mps * free_s
    return 0.0, float((tail - follower).min()) / speed_mps


@pytest.mark.parametrize("speed_mps", [6.0, 8.0, 10.0, 14.0, 18.0])
def test_the_needed_gap_leaves_the_margin_and_no_more(speed_mps: float) -> None:
    before, behind = least_times_s(Passing.CROSS, speed_mps, needed_gap_m(Passing.CROSS, speed_mps))
    assert before + behind == pytest.approx(MARGIN_S, abs=0.01)
    _, behind = least_times_s(Passing.ENTER, speed_mps, needed_gap_m(Passing.ENTER, speed_mps))
    assert behind == pytest.approx(MARGIN_S, abs=0.01)
    merging = (needed_gap_m(Passing.MERGE, speed_mps) - 2.0 * CAR_M) / speed_mps
    assert merging == pytest.approx(2.0 * MARGIN_S)


@given(st.sampled_from(list(Passing)), st.floats(4.0, 20.0), st.floats(5.0, 60.0), st.floats(1.0, 60.0))
def test_the_share_is_that_of_the_drawn_gaps(passing: Passing, speed_mps: float, low_m: float, width_m: float) -> None:
    gaps = np.linspace(low_m, low_m + width_m, 4001)
    share = float((gaps >= needed_gap_m(passing, speed_mps)).mean())
    assert usable_share((passing,), speed_mps, low_m, low_m + width_m) == pytest.approx(share, abs=1e-3)


def test_no_values_where_nobody_could_pass() -> None:
    rng = np.random.default_rng(0)
    assert flow_values(rng, ENTER, (15, 17), (20, 25, 30, 40), 80.0) is None, "too dense for a standing start"
    assert flow_values(rng, MERGE, (15, 17), (20, 25, 55, 60), 40.0) is None, "too fast for the road"
    assert flow_values(rng, MERGE, (15, 17), (20, 25, 55, 60), 80.0) is not None


def flows_of_the_suite() -> list[tuple[RouteSpec, ScenarioSpec]]:
    found = [(route, route.scenarios[0]) for route in load_suite("abilities").routes]
    return [(route, spec) for route, spec in found if "flow_speed" in spec.parameters]


@cache
def town(name: str) -> tuple[RoadMap, carla.Map]:
    road_map = load_road_map(name)
    return road_map, road_map.carla_map


def limit_kmh(name: str, waypoint: carla.Waypoint) -> float:
    lanes = town(name)[0].lanes
    return float(lanes.speed_limit_kmh[lanes.find(waypoint.road_id, waypoint.lane_id, waypoint.s)])


def source_limit_kmh(route: RouteSpec, spec: ScenarioSpec, side: str) -> float:
    """The limit of the road that the flow comes from: as told, or on one side of the junction ahead of the trigger."""
    carla_map = town(route.town)[1]
    if not side:
        at = spec.parameters["start_actor_flow"]
        return limit_kmh(route.town, carla_map.get_waypoint(carla.Location(*(float(at[key]) for key in "xyz"))))
    here = carla_map.get_waypoint(carla.Location(spec.trigger.x, spec.trigger.y, spec.trigger.z))
    own = here
    while not here.is_junction:
        own, here = here, here.next(1.0)[0]
    return min(limit_kmh(route.town, entry) for entry in entries(here.get_junction()) if side_of(own, entry) == side)


def test_every_flow_of_the_suite_is_known() -> None:
    assert {spec.type for _, spec in flows_of_the_suite()} == set(FLOWS)
    assert len(flows_of_the_suite()) == 3 * len(FLOWS)


@pytest.mark.parametrize(("route", "spec"), flows_of_the_suite(), ids=lambda value: getattr(value, "route_id", ""))
def test_the_suites_flows_suit_road_and_car(route: RouteSpec, spec: ScenarioSpec) -> None:
    passings, speeds, gaps, side = FLOWS[spec.type]
    speed_mps = float(spec.parameters["flow_speed"]["value"])
    low_m, high_m = (float(spec.parameters["source_dist_interval"][end]) for end in ("from", "to"))
    assert speeds[0] <= speed_mps <= speeds[1]
    assert gaps[0] <= low_m <= gaps[1] and gaps[2] <= high_m <= gaps[3], "within what the published routes use"
    vehicle_m = BICYCLE_M if spec.type == "CrossingBicycleFlow" else CAR_M
    assert usable_share(passings, speed_mps, low_m, high_m, vehicle_m) >= LEAST_SHARE
    limit = source_limit_kmh(route, spec, side)
    assert suits_road(speed_mps, limit)
    if spec.type.startswith("Interurban"):
        assert limit >= 70.0, "roads between towns"
