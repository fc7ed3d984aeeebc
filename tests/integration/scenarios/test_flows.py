"""Flows of vehicles, at the places of the suite `abilities`: steady, on their lanes, apart as asked for, and gone afterwards."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import cache

import carla
import numpy as np
import pytest
from flow_scene import Course, FlowScene, Moment, Seen, flow_scene

from alpamayo_scenarios.route_file import RouteSpec, ScenarioSpec
from alpamayo_scenarios.suite import load_suite
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.metrics.tick import ScenarioPhase

TOWNS = ("Rampfield", "Longmoor")
"""The second has the roads between towns."""
SPEEDS = {
    "SignalizedJunctionLeftTurn": True, "SignalizedJunctionRightTurn": True, "NonSignalizedJunctionLeftTurn": False,
    "NonSignalizedJunctionRightTurn": False, "NonSignalizedJunctionLeftTurnEnterFlow": False, "EnterActorFlow": False,
    "InterurbanActorFlow": False, "InterurbanAdvancedActorFlow": False, "CrossingBicycleFlow": False,
    "MergerIntoSlowTraffic": False, "MergerIntoSlowTrafficV2": False, "HighwayExit": False,
}  # fmt: skip
"""The types with a flow, and whether the junction's lights are theirs."""
WATCH_S = 14.0
EGO_MPS = 9.0


@pytest.fixture(scope="module")
def server_of() -> Generator[Callable[[str], EmbeddedServer]]:
    """A server for a town, started when it is first asked for."""
    with ExitStack() as running:
        yield cache(lambda town: running.enter_context(EmbeddedServer(town, seed=4)))


def placed(kind: str) -> tuple[RouteSpec, ScenarioSpec]:
    """The suite's first route with a type in one of the towns."""
    routes = [route for route in load_suite("abilities").routes if route.scenarios[0].type == kind]
    route = next(route for town in TOWNS for route in routes if route.town == town)
    return route, route.scenarios[0]


def played(server_of: Callable[[str], EmbeddedServer], kind: str) -> tuple[Course, FlowScene, ScenarioSpec]:
    """The ego waits at the trigger for a while and then drives on, whoever comes."""
    route, spec = placed(kind)
    with flow_scene(server_of(route.town), route.town, [(p.x, p.y, p.z) for p in route.waypoints]) as scene:
        trigger_m = scene.stage.station_of(carla.Location(spec.trigger.x, spec.trigger.y, spec.trigger.z))
        began: list[float] = []

        def speed(moment: Moment) -> float:
            began.append(moment.time_s)
            waiting = 1.0 < moment.time_s - began[0] < WATCH_S
            return 0.0 if waiting else EGO_MPS

        course = scene.play(kind, trigger_m, spec.parameters, speed, longest_s=90.0)
        return course, scene, spec


def old_enough(course: Course, until_s: float) -> list[list[tuple[float, Seen]]]:
    """What was seen of each vehicle a second after it came, while the ego waited."""
    tracks: list[list[tuple[float, Seen]]] = []
    for track in course.tracks().values():
        kept = [(t, seen) for t, seen in track if t > track[0][0] + 1.0 and t < until_s]
        if kept:
            tracks.append(kept)
    return tracks


@pytest.mark.parametrize("kind", SPEEDS)
def test_a_flow_is_steady_and_ends_with_the_scenario(server_of: Callable[[str], EmbeddedServer], kind: str) -> None:
    course, scene, spec = played(server_of, kind)
    assert course.phases[:2] == [ScenarioPhase.PLANNED, ScenarioPhase.TRIGGERED], course.reasons
    assert course.phases[-1] is ScenarioPhase.FINISHED, "the ego that drives through ends it"
    assert course.left_over == 0
    start = next(m.time_s for m in course.moments if m.actors)
    until = course.moments[0].time_s + WATCH_S - 0.5
    tracks = old_enough(course, until)
    assert len(tracks) >= 2, "vehicles come one after another"
    flow_mps = float(spec.parameters["flow_speed"]["value"])
    speeds = np.array([seen.speed_mps for track in tracks for _, seen in track])
    assert np.median(speeds) == pytest.approx(flow_mps, rel=0.12)
    assert speeds.max() < 1.15 * flow_mps
    off_lane = [_off_lane_m(scene, seen) for track in tracks for _, seen in track[::10]]
    assert max(off_lane) < (2.2 if "Bicycle" in kind else 0.9), "they keep to their lanes"
    low = float(spec.parameters["source_dist_interval"]["from"])
    assert _least_gap_m(course, start, until) > 0.8 * low - 2.5


def _off_lane_m(scene: FlowScene, seen: Seen) -> float:
    place = carla.Location(seen.pose.x, seen.pose.y, seen.pose.z)
    lane = scene.stage.map.get_waypoint(place)
    return lane.transform.location.distance_2d(place)


def _least_gap_m(course: Course, start_s: float, until_s: float) -> float:
    """The least distance between the origins of two vehicles that drive the same way."""
    least = np.inf
    for moment in course.moments[::10]:
        if not start_s + 2.0 < moment.time_s < until_s:
            continue
        for a, b in itertools.combinations(moment.actors, 2):
            same_way = np.cos(np.radians(a.pose.yaw - b.pose.yaw)) > 0.95
            across = abs(
                (b.pose.y - a.pose.y) * np.cos(np.radians(a.pose.yaw))
                - (b.pose.x - a.pose.x) * np.sin(np.radians(a.pose.yaw))
            )
            if same_way and across < 1.5:
                least = min(least, float(np.hypot(a.pose.x - b.pose.x, a.pose.y - b.pose.y)))
    return least
