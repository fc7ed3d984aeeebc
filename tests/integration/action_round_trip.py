"""Measures the action space on driving logs: `action_round_trip.py EPISODE_FOLDER...` (folders with `ticks.jsonl.gz`).

From instants of every log the next 6.4 s of the rear axle's path become actions and waypoints again, with the speed estimated
from the past 1.5 s as a model's runtime does it. Prints how far the last waypoint is off: median, 99th percentile, largest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.action_encoder import encode
from alpamayo_sim.policy.camera_rig import MKZ_REAR_AXLE_X_M as REAR_AXLE_X_M
from alpamayo_sim.policy.ego_history import ego_history, poses_in_rig, rig_pose
from alpamayo_sim.policy.observation import HISTORY_POINTS
from alpamayo_sim.policy.plan import PLAN_POINTS
from alpamayo_sim.policy.unicycle import drive, speed_now
from alpamayo_sim.record.tick_log import read_ticks

TICKS_A_STEP = 2
"""Ticks are 0.05 s long, a model's steps 0.1 s."""


def misses_m(episode: Path, most: int, seed: int = 0) -> NDArray[np.float64]:
    """Return how far the last waypoint is off [N], in metres, from N instants of an episode, `most` at most."""
    poses = [tick.ego.transform for tick in read_ticks(episode)][::TICKS_A_STEP]
    instants = np.arange(HISTORY_POINTS - 1, len(poses) - PLAN_POINTS)
    if len(instants) > most:
        instants = np.sort(np.random.default_rng(seed).choice(instants, most, replace=False))
    found: list[float] = []
    for now in instants.tolist():
        past, ahead = poses[now - HISTORY_POINTS + 1 : now + 1], poses[now + 1 : now + 1 + PLAN_POINTS]
        speed_mps = speed_now(*ego_history(past, REAR_AXLE_X_M))
        path, turned = poses_in_rig(
            rig_pose(past[-1], REAR_AXLE_X_M), [rig_pose(pose, REAR_AXLE_X_M) for pose in ahead]
        )
        again = drive(*encode(path, np.arctan2(turned[:, 1, 0], turned[:, 0, 0]), speed_mps), speed_mps)
        found.append(float(np.hypot(*(again[-1, :2] - path[-1, :2]))))
    return np.array(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("episodes", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=3, help="instants of each log")
    options = parser.parse_args()
    misses = np.concatenate([misses_m(episode, options.most) for episode in options.episodes])
    median, most = np.quantile(misses, [0.5, 0.99])
    print(
        f"{len(misses)} of {len(options.episodes)} logs: median {median:.4f} m, 99 % {most:.4f} m, largest {misses.max():.3f} m"
    )


if __name__ == "__main__":
    main()
