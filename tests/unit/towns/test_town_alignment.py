from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.roads.towns.alignment import Alignment, Piece, Pose, connect, through_points, wrap_angle
from alpamayo_sim.roads.towns.network import heights_through

ANGLES = st.floats(-math.pi, math.pi)
PLACES = st.floats(-100.0, 100.0)


@given(PLACES, PLACES, ANGLES, st.floats(8.0, 60.0), st.floats(-1.0, 1.0), st.floats(-1.4, 1.4))
def test_connect_joins_both_poses(x: float, y: float, heading: float, reach: float, side: float, turn: float) -> None:
    start = Pose(x, y, heading)
    goal = start.ahead(reach).left(0.4 * side * reach).turned(turn)
    path = connect(start, goal, lead_m=3.0)
    assert path.end.x == pytest.approx(goal.x, abs=1e-6)
    assert path.end.y == pytest.approx(goal.y, abs=1e-6)
    assert wrap_angle(path.end.heading - goal.heading) == pytest.approx(0.0, abs=1e-6)
    assert path.length < 4.0 * reach


@given(
    PLACES, PLACES, ANGLES, st.lists(st.tuples(st.floats(1.0, 40.0), st.floats(-0.05, 0.05)), min_size=1, max_size=4)
)
def test_trimming_keeps_the_middle(x: float, y: float, heading: float, legs: list[tuple[float, float]]) -> None:
    path = Alignment(Pose(x, y, heading), (Piece(10.0), *(Piece(*leg) for leg in legs), Piece(10.0)))
    part = path.trimmed(4.0, 5.0)
    assert part.length == pytest.approx(path.length - 9.0)
    for fraction in (0.0, 0.3, 1.0):
        a, b = part.pose_at(fraction * part.length), path.pose_at(4.0 + fraction * part.length)
        assert (a.x, a.y, a.heading) == pytest.approx((b.x, b.y, b.heading), abs=1e-6)


@given(st.floats(0.0, 1.0), st.floats(-3.0, 3.0))
def test_projection_inverts_the_road_frame(fraction: float, t: float) -> None:
    path = through_points([(0.0, 0.0), (60.0, 0.0), (90.0, 50.0)], 25.0)
    s = fraction * path.length
    point = path.pose_at(s).left(t)
    assert path.project(point.x, point.y) == pytest.approx((s, t), abs=1e-3)


def test_overlapping_corners_are_refused() -> None:
    with pytest.raises(ValueError, match="radii too large"):
        through_points([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], 50.0)
    with pytest.raises(ValueError, match="no room"):
        through_points([(0.0, 0.0), (10.0, 0.0)], 5.0).trimmed(5.0, 5.0)


@given(st.lists(st.tuples(st.floats(5.0, 80.0), st.floats(-3.0, 8.0)), min_size=1, max_size=5))
def test_heights_are_smooth_and_level_at_the_ends(steps: list[tuple[float, float]]) -> None:
    knots = [(0.0, 1.0)]
    for ds, z in steps:
        knots.append((knots[-1][0] + ds, z))
    records = heights_through(knots)
    for record, (s0, z0), (s1, z1) in zip(records, knots, knots[1:], strict=False):
        ds = s1 - s0
        assert record.a == pytest.approx(z0)
        assert record.a + record.b * ds + record.c * ds**2 + record.d * ds**3 == pytest.approx(z1)
    assert records[0].b == 0.0
    last, ds = records[-1], knots[-1][0] - knots[-2][0]
    assert last.b + 2.0 * last.c * ds + 3.0 * last.d * ds**2 == pytest.approx(0.0, abs=1e-9)
