"""The plan lies on the road of the front camera's picture, where a pinhole sees it."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_drive import ego_tick

from alpamayo_sim.frames import Transform, compose
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.record.front_view import FRONT_FOV_DEG, FRONT_MOUNT, draw_plan, front_view

REAR_AXLE = Transform(-1.4, 0.0, 0.0)
EGO = Transform(120.0, -40.0, 2.0, yaw=130.0)
GREY = np.full((360, 640, 3), 90, np.uint8)


def plan(lateral_m: float = 0.0, speed_mps: float = 8.0, ego: Transform = EGO) -> Plan:
    waypoints = np.zeros((64, 3))
    waypoints[:, 0] = speed_mps * 0.1 * np.arange(1, 65)
    waypoints[:, 1] = lateral_m * np.linspace(0.0, 1.0, 64) ** 2
    return Plan(waypoints, 5.0, compose(ego, REAR_AXLE), reasoning="Keep the lane.")


def changed(image: np.ndarray) -> np.ndarray:
    return np.argwhere(np.abs(image.astype(int) - GREY).sum(2) > 40)


def test_a_straight_plan_is_a_carpet_in_the_middle_below_the_horizon() -> None:
    rows = changed(draw_plan(GREY, plan(), EGO))
    assert rows[:, 0].min() > 180, "the horizon of a level camera is at half the height"
    assert abs(rows[:, 1].mean() - 319.5) < 1.0
    focal = 320.0 / np.tan(np.radians(FRONT_FOV_DEG) / 2.0)
    lowest = rows[rows[:, 0] == 300]
    depth_m = focal * FRONT_MOUNT.z / (300.5 - 180.0)
    assert np.ptp(lowest[:, 1]) == pytest.approx(1.8 * focal / depth_m, abs=3.0), "as wide as a car"


def test_left_is_left() -> None:
    left = changed(draw_plan(GREY, plan(8.0), EGO))
    right = changed(draw_plan(GREY, plan(-8.0), EGO))
    far_left, far_right = left[left[:, 0] < 215][:, 1].mean(), right[right[:, 0] < 215][:, 1].mean()
    assert far_left < 310 < 330 < far_right


def test_the_plan_stays_on_the_ground_when_the_car_drives_on() -> None:
    """What is behind the camera by then is not drawn, and what is ahead comes nearer."""
    ahead = compose(EGO, Transform(20.0, 0.0, 0.0))
    before, after = changed(draw_plan(GREY, plan(), EGO)), changed(draw_plan(GREY, plan(), ahead))
    assert after[:, 0].min() > before[:, 0].min()
    assert len(changed(draw_plan(GREY, plan(), compose(EGO, Transform(80.0, 0.0, 0.0))))) == 0


def test_a_plan_that_stands_leaves_the_picture_as_it_is() -> None:
    assert (draw_plan(GREY, plan(speed_mps=0.0), EGO) == GREY).all()


def test_the_words_stand_below_and_a_tick_without_plan_or_picture_is_left_alone() -> None:
    from dataclasses import replace

    tick = replace(ego_tick(0, EGO, 8.0, plan=plan(speed_mps=0.0)), front_image=GREY)
    shown = front_view(tick)
    assert shown is not None
    words = changed(shown)
    assert len(words) > 50 and words[:, 0].min() > 300
    assert front_view(replace(tick, front_image=None)) is None
    assert front_view(replace(tick, plan=None)) is GREY
