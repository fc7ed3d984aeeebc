"""Out of a parking bay: past whoever is parked ahead, into the lane, on one line."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from synthetic_vehicle import arc_route, ego_model

from alpamayo_agents.conflicts import circle_centers, circle_radius
from alpamayo_agents.ego import EgoState
from alpamayo_agents.pulling_out import PullingOut
from alpamayo_agents.reference_path import ReferencePath
from alpamayo_agents.surroundings import Neighbours
from alpamayo_sim.frames import Transform

MODEL = ego_model()


def beside(path: ReferencePath, station_m: float, right_m: float) -> tuple[float, float, float]:
    """A place beside a path: x, y and the path's yaw there."""
    here, _, yaw = path.pose(np.array(station_m))
    x, y = here + right_m * np.array([-np.sin(float(yaw)), np.cos(float(yaw))])
    return float(x), float(y), float(yaw)


def parked(x: float, y: float, yaw: float = 0.0, *, standing_s: float = np.inf) -> Neighbours:
    return Neighbours(
        ids=np.array([7]),
        is_walker=np.array([False]),
        center=np.array([[x, y, 0.8]]),
        yaw=np.array([yaw]),
        velocity_mps=np.zeros((1, 2)),
        acceleration_mps2=np.zeros(1),
        half_size_m=np.array([[2.3, 1.0]]),
        standing_s=np.array([standing_s]),
    )


def ego(x: float, y: float, yaw: float = 0.0, speed: float = 0.0) -> EgoState:
    return EgoState(0.0, Transform(x, y, 0.0, 0.0, math.degrees(yaw), 0.0), speed)


def room(path: ReferencePath, other: Neighbours) -> float:
    """How far the ego keeps from somebody on its way, metres."""
    xy, _, yaw = path.pose(np.arange(10.0, 40.0, 0.25))
    off = circle_centers(MODEL, xy, yaw) - other.center[0, :2]
    cos, sin = np.cos(other.yaw[0]), np.sin(other.yaw[0])
    turned = np.stack([off[..., 0] * cos + off[..., 1] * sin, off[..., 1] * cos - off[..., 0] * sin], axis=-1)
    delta = np.abs(turned) - other.half_size_m[0]
    return float(np.hypot(*np.moveaxis(np.maximum(0.0, delta), -1, 0)).min()) - circle_radius(MODEL)


@given(gap=st.floats(4.0, 30.0), right=st.floats(2.4, 3.2), curvature=st.floats(-0.004, 0.004))
def test_the_way_in_begins_at_the_ego_keeps_clear_and_ends_in_the_lane(
    gap: float, right: float, curvature: float
) -> None:
    path = ReferencePath(arc_route(200.0, curvature))
    free = path.xy.copy()
    x, y, yaw = beside(path, 10.0, right)
    state = ego(x, y, yaw)
    ahead_x, ahead_y, turned = beside(path, 10.0 + MODEL.front_m + gap + 2.3, right)
    other = parked(ahead_x, ahead_y, turned)
    assert PullingOut(path, MODEL).update(10.0, state, other)
    begin, _, heading = path.pose(np.array(10.0))
    assert np.linalg.norm(begin - [x, y]) < 0.15
    assert abs(math.remainder(float(heading) - yaw, 2.0 * math.pi)) < 0.1
    assert room(path, other) > 0.1
    np.testing.assert_allclose(path.xy[path.station_m > 30.0], free[path.station_m > 30.0], atol=0.05)
    assert np.abs(path.curvature_per_m).max() < 0.35, "the ego can steer so far"


def test_a_longer_way_in_is_taken_where_there_is_room() -> None:
    near, far = ReferencePath(arc_route(200.0)), ReferencePath(arc_route(200.0))
    PullingOut(near, MODEL).update(10.0, ego(10.0, 2.9), parked(10.0 + MODEL.front_m + 4.0 + 2.3, 2.9))
    PullingOut(far, MODEL).update(10.0, ego(10.0, 2.9), parked(45.0, 2.9))
    assert near.way_in is not None and far.way_in is not None
    assert near.way_in.end_m < far.way_in.end_m


def test_who_turns_out_to_be_parked_counts_as_long_as_the_ego_has_not_set_out() -> None:
    path = ReferencePath(arc_route(200.0))
    out = PullingOut(path, MODEL)
    close = 10.0 + MODEL.front_m + 4.0 + 2.3
    assert out.update(10.0, ego(10.0, 2.9), parked(close, 2.9, standing_s=0.1))
    assert not out.update(10.0, ego(10.0, 2.9), parked(close, 2.9, standing_s=0.2)), "nothing is new"
    assert out.update(10.0, ego(10.0, 2.9), parked(close, 2.9))
    assert room(path, parked(close, 2.9)) > 0.1
    assert not out.update(13.0, ego(13.0, 2.6, -0.2, 0.0), parked(close + 1.0, 2.9))


def test_who_drives_or_stands_in_its_lane_needs_no_way_in() -> None:
    path = ReferencePath(arc_route(200.0))
    out = PullingOut(path, MODEL)
    assert not out.update(10.0, ego(10.0, 0.4), parked(30.0, 3.0))
    assert not out.update(10.0, ego(10.0, 2.9, 0.0, 4.0), parked(30.0, 3.0))
    assert path.way_in is None
