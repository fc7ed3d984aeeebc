"""Guidance: the words for a route's next manoeuvre, and the route's points ahead."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform, rig_to_world
from alpamayo_sim.policy.navigation import TURNS, navigation_ahead, navigation_text, route_ahead


@pytest.mark.parametrize(
    ("option", "distance_m", "words"),
    [
        (2, 30.0, "Turn right in 30m"),
        (1, 36.0, "Turn left in 40m"),
        (3, 4.0, "Go straight in 0m"),
        (2, -1.0, "Turn right in 0m"),
    ],
)
def test_words(option: int, distance_m: float, words: str) -> None:
    assert navigation_text(option, distance_m) == words


def test_the_nearest_manoeuvre_of_a_route() -> None:
    along = np.arange(0.0, 301.0, 1.0)
    option = np.full(301, 4)
    option[150:160] = 1
    option[200:210] = 2
    assert navigation_ahead(along, option, 20.0) is None
    assert navigation_ahead(along, option, 110.0) == "Turn left in 40m"
    assert navigation_ahead(along, option, 155.0) == "Turn left in 0m"
    assert navigation_ahead(along, option, 165.0) == "Turn right in 40m"
    assert navigation_ahead(along, option, 250.0) is None


def test_following_a_lane_has_no_words() -> None:
    with pytest.raises(InputError, match="found 4"):
        navigation_text(4, 10.0)


@given(
    st.lists(st.sampled_from([-1, 1, 2, 3, 4, 5, 6]), min_size=150, max_size=150),
    st.floats(0.0, 149.0),
    st.floats(-9.0, 0.0),
)
def test_words_name_the_next_manoeuvre_to_the_nearest_ten_metres(
    options: list[int], along_m: float, behind: float
) -> None:
    arc_length, option = np.arange(150.0), np.array(options)
    found = navigation_ahead(arc_length, option, along_m)
    manoeuvres = [
        (m, o) for m, o in zip(arc_length, options, strict=True) if o in TURNS and along_m <= m <= along_m + 100.0
    ]
    if not manoeuvres:
        assert found is None
        return
    assert found is not None
    words = re.fullmatch(r"(Turn left|Turn right|Go straight) in (\d+)m", found)
    assert words is not None and words[1] == TURNS[manoeuvres[0][1]]
    assert int(words[2]) % 10 == 0 and abs(int(words[2]) - (manoeuvres[0][0] - along_m)) <= 5.0
    # What lies behind the car is past: a route that was another one there asks for the same.
    before = np.where(arc_length < along_m, round(behind) % 7, option)
    assert navigation_ahead(arc_length, before, along_m) == found


def test_points_ahead_of_a_car_before_a_right_turn() -> None:
    """CARLA's y grows to the right, the rig's to the left: 20 m on, the route turns to the right."""
    route = np.array([[10.0, 0.0, 1.0], [40.0, 0.0, 1.0], [40.0, 30.0, 1.0]])
    points = route_ahead(route, np.array([0.0, 30.0, 60.0]), 10.0, Transform(20.0, 0.2, 0.9))
    assert points.shape == (10, 3), "every 5 m as far as there is a route"
    assert points[:4] == pytest.approx(np.array([[5.0 * k, 0.2, 0.1] for k in range(1, 5)]))
    assert points[-1] == pytest.approx(np.array([20.0, -29.8, 0.1]))
    assert route_ahead(route, np.array([0.0, 30.0, 60.0]), 58.0, Transform(40.0, 28.0, 1.0)).shape == (0, 3)


@given(st.floats(-200.0, 200.0), st.floats(-200.0, 200.0), st.floats(-180.0, 180.0), st.floats(0.0, 399.0))
def test_points_ahead_lie_on_the_route_whatever_the_rigs_pose(x: float, y: float, yaw: float, along_m: float) -> None:
    turn = np.linspace(0.0, 2.0, 401)
    arc_length = 200.0 * turn
    route = np.stack([200.0 * np.sin(turn), 200.0 * (1.0 - np.cos(turn)), 0.02 * arc_length], axis=-1)
    pose = Transform(x, y, 3.0, yaw=yaw)
    points = route_ahead(route, arc_length, along_m, pose)
    assert len(points) == min(20, sum(along_m + 5.0 * k <= 400.0 for k in range(1, 100)))
    back = rig_to_world(pose, points)
    at = along_m + 5.0 * np.arange(1, len(points) + 1)
    assert np.allclose(back[:, 2], 0.02 * at, atol=1e-6), "the height tells how far along a point is"
    assert np.allclose(np.hypot(back[:, 0], back[:, 1] - 200.0), 200.0, atol=2e-3)
