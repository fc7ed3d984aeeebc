"""Where the lane leads, offline on our own maps: stations, trunks and branches, practice towns."""

from __future__ import annotations

import carla
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.roads.town_lookup import find_map_file
from alpamayo_training.learnability.lane_ahead import at_station, look_ahead, station


@pytest.fixture(scope="module")
def gridvale() -> carla.Map:
    return carla.Map("Gridvale", find_map_file("Gridvale").read_text())


@given(st.floats(0.5, 28.0), st.floats(-1.5, 1.5))
def test_station_is_the_inverse_of_at_station(along_m: float, left_m: float) -> None:
    turn = np.radians(np.arange(0.0, 31.0, 2.0))
    line = np.stack([60.0 * np.sin(turn), 60.0 * (1.0 - np.cos(turn)), np.zeros(len(turn))], axis=1)
    point, yaw_deg = at_station(line, along_m)
    yaw = np.radians(yaw_deg)
    beside = point + left_m * np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    s, left = station(line, beside[None])
    assert s[0] == pytest.approx(along_m, abs=0.12) and left[0] == pytest.approx(left_m, abs=0.02)


def test_station_reaches_beyond_both_ends() -> None:
    line = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0]])
    s, left = station(line, np.array([[-5.0, -1.0, 0.0], [14.0, 2.0, 0.0]]))
    assert s.tolist() == [-5.0, 14.0] and left.tolist() == [1.0, -2.0]


def test_trunk_ends_before_the_junction_and_branches_follow_every_way(gridvale: carla.Map) -> None:
    ends = 0
    for waypoint in gridvale.generate_waypoints(9.0):
        if waypoint.is_junction:
            continue
        lane = look_ahead(waypoint, 50.0)
        assert not any(w.is_junction for w in lane.waypoints)
        assert np.linalg.norm(np.diff(lane.trunk, axis=0), axis=1).max() < 2.2
        for branch in lane.branches:
            ends += 1
            assert np.allclose(branch[0], lane.trunk[len(lane.waypoints) - 1])
    assert ends > 100


def test_practice_towns_are_drawn_from_their_seed_and_are_real_maps() -> None:
    pytest.importorskip("scenariogeneration")
    from alpamayo_training.learnability.practice_towns import practice_town

    one = practice_town("Practice", np.random.default_rng(4))
    assert one == practice_town("Practice", np.random.default_rng(4))
    assert one != practice_town("Practice", np.random.default_rng(5))
    town = carla.Map("Practice", one)
    assert len(town.get_all_landmarks_of_type("1000001")) >= 4
    widths = {round(w.lane_width, 1) for w in town.generate_waypoints(5.0) if not w.is_junction}
    assert len(widths) >= 2
