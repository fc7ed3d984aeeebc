"""Bench2Drive's metric_info says of a drive what its ticks say."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import carla
import numpy as np
from synthetic_drive import ego_tick

from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.smoothness import motion_of_metric_info, motion_of_ticks, smoothness
from alpamayo_sim.record.metric_info import FILE, MetricInfo


def test_the_motion_of_the_ticks_is_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    info, ticks = MetricInfo(), []
    for frame in range(60):
        place, turn = rng.normal(0.0, 50.0, 3), rng.normal(0.0, 40.0, 3)
        tick = ego_tick(frame, Transform(*place.tolist(), *turn.tolist()), 5.0)
        acceleration, spin = (tuple(rng.normal(0.0, 3.0, 3).tolist()) for _ in range(2))
        ticks.append(replace(tick, acceleration_mps2=acceleration, angular_velocity_dps=spin))
        info.add(ticks[-1])
    info.write(tmp_path)
    read = json.loads((tmp_path / FILE).read_text())
    assert list(read) == [str(k) for k in range(60)]
    ours, theirs = motion_of_ticks(ticks), motion_of_metric_info(read)
    for name in ("acceleration_mps2", "yaw_rate_dps", "forward", "right"):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), atol=1e-6)
    assert smoothness(theirs, as_tool=True) == smoothness(ours, as_tool=True)
    pose = ticks[7].ego.transform
    rotation = carla.Transform(carla.Location(), carla.Rotation(pose.pitch, pose.yaw, pose.roll))
    right = rotation.get_right_vector()
    np.testing.assert_allclose(read["7"]["right_vector"], (right.x, right.y, right.z), atol=1e-5)
    np.testing.assert_allclose(read["7"]["rotation"], (pose.roll, pose.pitch, pose.yaw), atol=1e-6)
