"""Forecasts along the lanes of a real map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import carla
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_agents.forecast import TIMES_S, LaneForecaster
from alpamayo_agents.surroundings import Neighbours
from alpamayo_sim.roads.lane_graph import LaneGraph


@pytest.fixture(scope="module")
def graph(shared_data: Path) -> LaneGraph:
    text = (shared_data / "maps" / "Town01.xodr").read_text(encoding="utf-8")
    return LaneGraph.of(carla.Map("Town01", text))


def on_lane(
    graph: LaneGraph, segment: int, sample: int, speed: float, right: float = 0.0, drift: float = 0.0
) -> Neighbours:
    lane = graph.segments[segment]
    yaw = np.radians(lane.yaw_deg[sample])
    side = np.array([-np.sin(yaw), np.cos(yaw)])
    center = lane.points[sample] + np.array([*(right * side), 0.75])
    velocity = speed * np.array([np.cos(yaw), np.sin(yaw)]) + drift * side
    return Neighbours(
        ids=np.array([5]),
        is_walker=np.array([False]),
        center=center[None],
        yaw=np.array([yaw]),
        velocity_mps=velocity[None],
        acceleration_mps2=np.zeros(1),
        half_size_m=np.array([[2.3, 1.0]]),
        standing_s=np.zeros(1),
    )


@given(data=st.data(), speed=st.floats(1.0, 14.0))
@settings(max_examples=40, deadline=None)
def test_forecasts_keep_to_lanes_and_to_the_speed(graph: LaneGraph, data: st.DataObject, speed: float) -> None:
    segment = data.draw(st.sampled_from([s.index for s in graph.segments if s.length_m > 8.0]))
    sample = data.draw(st.integers(2, len(graph.segments[segment].points) - 3))
    others = on_lane(graph, segment, sample, speed)
    forecasts = LaneForecaster(graph, ()).forecast(others, np.array([0]))
    assert 1 <= len(forecasts.owner) <= 12
    for xy in forecasts.xy:
        travelled = np.linalg.norm(np.diff(xy, axis=0), axis=1).sum()
        tolerance = 0.06 * speed * TIMES_S[-1] + 1.5
        assert travelled < speed * TIMES_S[-1] + tolerance
        assert travelled > speed * TIMES_S[-1] - tolerance or len(forecasts.owner) > 1, "slower for a turn only"
        points = np.concatenate([xy, np.full((len(xy), 1), others.center[0, 2] - 0.75)], axis=1)
        distance, _ = graph.nearest_samples(points, 1)
        assert distance.max() < 1.6, "half a sampling step along, and where lanes part a little across"


def test_every_way_through_a_junction_is_considered(graph: LaneGraph) -> None:
    approach = next(
        s for s in graph.segments if not s.is_junction and len(graph.successors[s.index]) == 2 and s.length_m > 30
    )
    others = on_lane(graph, approach.index, len(approach.points) - 6, 8.0)
    forecasts = LaneForecaster(graph, ()).forecast(others, np.array([0]))
    ends = forecasts.xy[:, -1]
    assert len(ends) >= 2 and np.linalg.norm(ends[0] - ends[-1]) > 10.0
    assert forecasts.ambiguous.all()


def test_who_is_too_fast_for_a_turn_goes_straight_on(graph: LaneGraph) -> None:
    approach = next(
        s
        for s in graph.segments
        if not s.is_junction
        and s.length_m > 40
        and len(graph.successors[s.index]) == 2
        and any(abs(np.ptp(np.unwrap(np.radians(graph.segments[n].yaw_deg)))) < 0.1 for n in graph.successors[s.index])
        and any(abs(np.ptp(np.unwrap(np.radians(graph.segments[n].yaw_deg)))) > 1.2 for n in graph.successors[s.index])
    )
    near, far = len(approach.points) - 3, int(np.searchsorted(approach.arc_m, approach.length_m - 20.0))
    fast = LaneForecaster(graph, ()).forecast(on_lane(graph, approach.index, near, 12.0), np.array([0]))
    assert np.ptp(fast.yaw, axis=1).max() < 0.2
    early = LaneForecaster(graph, ()).forecast(on_lane(graph, approach.index, far, 8.0), np.array([0]))
    turns = np.ptp(early.yaw, axis=1) > 0.5
    assert 0 < turns.sum() < len(turns)
    travelled = np.linalg.norm(np.diff(early.xy, axis=1), axis=2).sum(axis=1)
    assert travelled[turns].max() < travelled[~turns].min() - 1.0, "slows down for the turn"


def test_what_nobody_did_before_is_left_out_if_asked(graph: LaneGraph) -> None:
    approach = next(
        s for s in graph.segments if not s.is_junction and len(graph.successors[s.index]) == 2 and s.length_m > 30
    )
    forecaster = LaneForecaster(graph, ())
    through = graph.successors[approach.index][0]
    beyond = graph.successors[through][0]
    for vehicle in range(3):
        for segment in (approach.index, through, beyond):
            there = on_lane(graph, segment, len(graph.segments[segment].points) // 2, 5.0)
            forecaster.forecast(replace(there, ids=np.array([100 + vehicle])), np.array([0]))
    others = on_lane(graph, approach.index, len(approach.points) - 6, 5.0)
    every = forecaster.forecast(others, np.array([0]))
    usual = forecaster.forecast(others, np.array([0]), heed_unlikely=False)
    ends = {tuple(np.round(xy[-1], 1)) for xy in usual.xy}
    assert len(usual.owner) < len(every.owner)
    lane = graph.segments[beyond].points[:, :2]
    assert all(np.linalg.norm(lane - np.array(end), axis=1).min() < 3.0 for end in ends)


def test_somebody_who_changes_lane_is_expected_to_go_on(graph: LaneGraph) -> None:
    straight = max((s for s in graph.segments if not s.is_junction), key=lambda s: s.length_m)
    others = on_lane(graph, straight.index, 30, 8.0, drift=1.0)
    forecasts = LaneForecaster(graph, ()).forecast(others, np.array([0]))
    steady = LaneForecaster(graph, ()).forecast(on_lane(graph, straight.index, 30, 8.0), np.array([0]))
    assert np.linalg.norm(forecasts.xy[0, 6] - steady.xy[0, 6]) == pytest.approx(1.5, abs=0.3)


def test_who_stands_stays_and_who_walks_walks_straight_on(graph: LaneGraph) -> None:
    standing = on_lane(graph, 0, 3, 0.0)
    forecasts = LaneForecaster(graph, ()).forecast(standing, np.array([0]))
    np.testing.assert_allclose(forecasts.xy[0], np.tile(standing.center[0, :2], (len(TIMES_S), 1)))
