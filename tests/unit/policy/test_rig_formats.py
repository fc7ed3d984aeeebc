"""Rigs from plain data and as sensor lists."""

from __future__ import annotations

import math

import pytest
import yaml

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_sim.policy.rig_formats import leaderboard_sensors, rig_from_plain

RIG = """
name: two
width_px: 64
height_px: 32
cameras:
  - {name: left, position_rig_m: [1, 0.5, 1.5], yaw_deg: 60, fov_deg: 110}
  - {name: front, position_rig_m: [2, 0, 1.5], yaw_deg: 0, fov_deg: 90}
"""


def test_a_rig_of_yaml() -> None:
    rig = rig_from_plain(yaml.safe_load(RIG))
    assert rig.names == ("left", "front") and (rig.width_px, rig.height_px) == (64, 32)
    assert rig.camera("left").yaw_rad == pytest.approx(math.pi / 3.0)
    assert rig.camera("left").position_rig_m == (1.0, 0.5, 1.5)


@pytest.mark.parametrize("part", ["fov_deg: 110", "name: two", "0.5, ", "height_px: 32"])
def test_a_rig_that_lacks_something_is_refused(part: str) -> None:
    with pytest.raises(InputError, match="wrong or missing"):
        rig_from_plain(yaml.safe_load(RIG.replace(part, "")))


def test_the_sensors_of_an_agent() -> None:
    left, front, right, tele = leaderboard_sensors(ALPAMAYO_RIG, -1.4)
    assert [sensor["id"] for sensor in (left, front, right, tele)] == list(ALPAMAYO_RIG.names)
    assert (left["x"], left["y"], left["z"]) == pytest.approx((1.073, -0.938, 0.918))
    assert (left["yaw"], right["yaw"], tele["fov"]) == pytest.approx((-60.0, 60.0, 30.0))
    assert right["y"] > 0.0, "CARLA's y grows to the right"
