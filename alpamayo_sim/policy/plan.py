"""The plan: what every driving policy hands out, whether a rule-based expert or a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform

PLAN_POINTS = 64
PLAN_STEP_S = 0.1


@dataclass(frozen=True)
class Plan:
    """A driving plan of 6.4 s in the rig frame at t0.

    Tracking goes by time since `t0_s`: a late plan is entered where it is now, never re-anchored.
    """

    waypoints_rig: NDArray[np.float64]
    """[64, 3] positions of the rig at t0 + 0.1 s, ..., t0 + 6.4 s, in metres in the rig frame at t0."""
    t0_s: float
    """Simulation time at which the plan's first instant lies, seconds."""
    rig_pose_t0: Transform
    """Pose of the rig in the CARLA world frame at t0."""
    reasoning: str = ""
    decisions: Mapping[str, str] = field(default_factory=dict[str, str])
    """Named decisions, such as {"longitudinal": "stop", "lateral": "keep_lane"}."""
    scores: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    """One score per sample that the policy drew, if it drew any."""
    latency_s: float = 0.0
    """Wall-clock seconds that the inference took."""
    latency_parts_s: Mapping[str, float] = field(default_factory=dict[str, float])
    """Where they went, by part: {"vision_s": ..., "prefill_s": ..., "reasoning_s": ..., "flow_s": ...}."""

    def __post_init__(self) -> None:
        if self.waypoints_rig.shape != (PLAN_POINTS, 3):
            raise InputError(
                f"a plan holds {PLAN_POINTS} waypoints at {1 / PLAN_STEP_S:.0f} Hz, an array [{PLAN_POINTS}, 3]; "
                f"found {list(self.waypoints_rig.shape)}"
            )
        if not np.isfinite(self.waypoints_rig).all():
            raise InputError("a plan's waypoints are finite numbers; found NaN or infinity")
