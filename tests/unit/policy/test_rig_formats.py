"""Rigs from plain data and as sensor lists."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, BENCH2DRIVE_RIG, MKZ_REAR_AXLE_X_M, CameraRig
from alpamayo_sim.policy.rig_formats import leaderboard_sensors, plain_rig, read_rig, rig_from_plain, rig_from_sensors

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


def close(one: CameraRig, other: CameraRig) -> bool:
    """Whether two rigs are the same but for rounding, and for whole turns."""
    same = (one.names, one.width_px, one.height_px) == (other.names, other.width_px, other.height_px)
    return same and all(
        a.position_rig_m == pytest.approx(b.position_rig_m, abs=1e-6)
        and math.cos(a.yaw_rad - b.yaw_rad) == pytest.approx(1.0)
        and a.fov_deg == b.fov_deg
        for a, b in zip(one.cameras, other.cameras, strict=True)
    )


@pytest.mark.parametrize("rig", [ALPAMAYO_RIG, BENCH2DRIVE_RIG], ids=lambda rig: rig.name)
def test_a_rig_comes_back_from_its_sensors_and_from_a_file(rig: CameraRig, tmp_path: Path) -> None:
    sensors = [*leaderboard_sensors(rig, -1.3), {"type": "sensor.other.gnss", "id": "GPS"}]
    assert close(rig_from_sensors(rig.name, sensors, -1.3), rig)
    path = tmp_path / "rig.yaml"
    path.write_text(yaml.safe_dump(plain_rig(rig)), encoding="utf-8")
    assert close(read_rig(path), rig)


def test_bench2drives_cameras_stand_where_its_agents_put_them() -> None:
    front, left, right, back, _, back_right = leaderboard_sensors(BENCH2DRIVE_RIG, MKZ_REAR_AXLE_X_M)
    assert (front["x"], front["y"], front["z"], front["yaw"]) == pytest.approx((0.8, 0.0, 1.6, 0.0), abs=1e-9)
    assert (left["y"], left["yaw"], right["y"], right["yaw"]) == pytest.approx((-0.55, -55.0, 0.55, 55.0))
    assert (back["x"], abs(back["yaw"]), back["fov"]) == pytest.approx((-2.0, 180.0, 110.0))
    assert (back_right["yaw"], back_right["fov"], back_right["width"]) == pytest.approx((110.0, 70.0, 1600))


def test_cameras_that_no_rig_has_are_refused() -> None:
    sensors = leaderboard_sensors(ALPAMAYO_RIG, -1.3)
    with pytest.raises(InputError, match="of one size"):
        rig_from_sensors("two sizes", [*sensors, {**sensors[0], "id": "more", "width": 64}], -1.3)
    with pytest.raises(InputError, match=r"tilted \['camera_cross_left_120fov'\]"):
        rig_from_sensors("tilted", [{**sensors[0], "pitch": -5.0}, *sensors[1:]], -1.3)
    with pytest.raises(InputError, match="wrong or missing: 'fov'"):
        rig_from_sensors("short", [{key: value for key, value in sensors[0].items() if key != "fov"}], -1.3)


@pytest.mark.parametrize("text", ["- 1\n", "name: [", "name: x\ncameras: []\nwidth_px: 1\n"])
def test_files_that_hold_no_rig_are_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"mine\.yaml"):
        read_rig(path)
