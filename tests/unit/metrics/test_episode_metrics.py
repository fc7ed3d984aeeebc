"""The criteria together, comfort and speed figures, and the summary of many episodes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from synthetic_drive import drive, ego_tick, others_on, pose_on

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.comfort import Comfort
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, EpisodeResult, summarise
from alpamayo_sim.metrics.infraction import InfractionKind
from alpamayo_sim.metrics.min_speed import MinSpeed
from alpamayo_sim.metrics.tick import CollisionEvent
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

IDENTITY = EpisodeIdentity("e1", "Gridvale", "r1", "expert", 1, "embedded")


def clean_drive(road_map: RoadMap, route: Route, metrics: EpisodeMetrics) -> None:
    for tick in drive(road_map, route, speed_mps=10.0, others=0):
        metrics.update(replace(tick, light_states={}))
        if metrics.end_reason:
            return


def test_a_clean_drive_scores_100(road_map: RoadMap, route: Route) -> None:
    metrics = EpisodeMetrics(road_map, route, criteria=["collision", "red_light", "outside_route_lanes", "blocked"])
    clean_drive(road_map, route, metrics)
    result = metrics.result(IDENTITY)
    assert metrics.end_reason == "completed"
    assert (result.driving_score, result.success, result.infractions_total) == (100.0, True, 0)
    assert result.distance_m == pytest.approx(route.length_m, rel=0.05)


def test_a_collision_halves_and_names_itself(road_map: RoadMap, route: Route) -> None:
    metrics = EpisodeMetrics(road_map, route, profile="leaderboard-2.0", criteria=["collision"])
    event = CollisionEvent(0, 0.0, 9, "walker.pedestrian.0001", 50.0)
    metrics.update(ego_tick(0, pose_on(route, 0.0), 3.0, collisions=[event]))
    clean_drive(road_map, route, metrics)
    result = metrics.result(IDENTITY)
    assert (result.driving_score, result.success, result.collisions_total) == (50.0, False, 1)
    flat = result.flat()
    assert flat["collision_pedestrian_total"] == 1
    assert all(isinstance(value, (int, float, str)) for value in flat.values())


def test_leaving_the_route_ends_the_episode_and_keeps_the_completion(road_map: RoadMap, route: Route) -> None:
    metrics = EpisodeMetrics(road_map, route, criteria=["route_deviation"])
    for frame, distance in enumerate(np.arange(0.0, 50.0, 0.5)):
        metrics.update(ego_tick(frame, pose_on(route, float(distance)), 10.0))
    metrics.update(ego_tick(100, pose_on(route, 50.0, 40.0), 10.0))
    assert metrics.end_reason == "route_deviation"
    result = metrics.result(IDENTITY)
    assert result.outcome == "route_deviation"
    assert result.route_completion_percent == pytest.approx(100 * 50 / route.length_m, abs=1.0)


def test_an_unknown_criterion_is_refused(road_map: RoadMap, route: Route) -> None:
    with pytest.raises(InputError, match="red_light"):
        EpisodeMetrics(road_map, route, criteria=["speling"])


def test_comfort_measures_known_motions() -> None:
    """A longitudinal acceleration that rises by 2 m/s2 each second, in a world that is turned by 90 degrees."""
    comfort = Comfort()
    for frame in range(60):
        acceleration = (3.0, 0.1 * frame, 0.0)
        comfort.update(ego_tick(frame, Transform(0.0, 0.0, 0.0, yaw=90.0), 5.0, acceleration_mps2=acceleration))
    values = comfort.values()
    assert values["longitudinal_jerk_max_mps3"] == pytest.approx(2.0)
    assert values["lateral_acceleration_max_mps2"] == pytest.approx(3.0)
    assert values["acceleration_max_mps2"] == pytest.approx(0.1 * 56)
    assert values["deceleration_max_mps2"] == 0.0


def test_minimum_speed_compares_with_the_traffic(road_map: RoadMap, route: Route) -> None:
    parked = [replace(a, velocity_mps=(0.0, 0.0, 0.0)) for a in others_on(road_map, 4, seed=1)]
    slow, fast = MinSpeed(route), MinSpeed(route)
    found_slow, found_fast = [], []
    for frame, distance in enumerate(np.arange(0.0, route.length_m, 0.5)):
        pose = pose_on(route, float(distance))
        found_slow += slow.update(replace(ego_tick(frame, pose, 4.0, actors=parked), traffic_speed_mps=8.0))
        found_fast += fast.update(replace(ego_tick(frame, pose, 8.0, actors=parked), traffic_speed_mps=8.0))
    found_slow += slow.finish()
    assert found_fast + fast.finish() == []
    assert len(found_slow) == 4
    assert all(i.percentage == 50.0 and i.kind is InfractionKind.MIN_SPEED for i in found_slow)
    assert slow.values() == {"speed_of_traffic_percent": 50.0}


def test_minimum_speed_without_background_traffic_says_nothing(road_map: RoadMap, route: Route) -> None:
    """A scenario's vehicles are no background traffic, and the leaderboard takes no sample of a tick without any."""
    others = others_on(road_map, 4, seed=1)
    slow = MinSpeed(route)
    found = [
        infraction
        for frame, distance in enumerate(np.arange(0.0, route.length_m, 0.5))
        for infraction in slow.update(ego_tick(frame, pose_on(route, float(distance)), 1.0, actors=others))
    ]
    assert found + slow.finish() == []


def result(score: float, status: str = "ok", success: bool = True) -> EpisodeResult:
    return EpisodeResult(
        IDENTITY, status, "completed", "leaderboard-2.1", 100.0, score / 100, score, success, 60.0, 500.0
    )


def test_summary_leaves_out_infrastructure_failures_only() -> None:
    summary = summarise(
        [
            result(100.0),
            result(50.0, success=False),
            result(0.0, "policy_failure(exception)", False),
            result(0.0, "infra_failure(server)"),
        ]
    )
    assert summary["driving_score"] == 50.0
    assert summary["success_rate_percent"] == pytest.approx(100 / 3, abs=0.001)
    assert (summary["episodes_total"], summary["episodes_scored"], summary["episodes_infra_failed"]) == (4, 3, 1)
    assert summary["distance_km"] == 1.5


def test_summary_of_nothing_is_all_zero() -> None:
    summary = summarise([])
    for key in (
        "route_completion_percent",
        "collisions_total",
        "infractions_total",
        "driving_score",
        "success_rate_percent",
    ):
        assert summary[key] == 0
    assert not any(isinstance(value, float) and math.isnan(value) for value in summary.values())
