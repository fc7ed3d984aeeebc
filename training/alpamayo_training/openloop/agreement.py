"""Whether a plan does what the words say: reasoning-action consistency on both axes (Alpamayo-R1, section 5.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.plan_decisions import plan_decisions
from alpamayo_training.coc.parse import stated_actions

_SLOWER = frozenset({"stop", "gentle_decelerate", "strong_decelerate"})
_FASTER = frozenset({"gentle_accelerate", "strong_accelerate"})
_STEADY = frozenset({"maintain_speed"})
_GENTLE = frozenset({"gentle_accelerate", "gentle_decelerate"})
ALLOWED_LONGITUDINAL: Mapping[str, frozenset[str]] = {
    "stop": _SLOWER,
    "stay_stopped": frozenset({"stop"}),
    "slow_down": _SLOWER,
    "yield": _SLOWER | _STEADY,
    "start": _FASTER,
    "speed_up": _FASTER,
    "keep_speed": _STEADY | _GENTLE,
    "follow": _STEADY | _GENTLE | _SLOWER,
    "reverse": frozenset({"reverse"}),
}
"""What the first 3 s of a plan may be where the words say a thing."""
_TURNS = ("turn", "curve")
"""Said of a side, they ask for steering to it."""
_SHIFTS = ("change_lane", "return_lane", "leave_lane", "shift", "pull_over")
"""They end as straight as they begin, so that only steering to the other side contradicts them."""
_NEVER_KEEPING = frozenset({"sharp_steer_left", "sharp_steer_right", "reverse_left", "reverse_right"})


@dataclass(frozen=True)
class Agreement:
    """Whether a plan does what is said, by axis; nothing that was understood counts as no."""

    longitudinal: bool
    lateral: bool

    @property
    def both(self) -> bool:
        """Whether it does on both."""
        return self.longitudinal and self.lateral


def agrees(words: str, waypoints_rig: NDArray[np.float64]) -> Agreement | None:
    """Return whether waypoints [64, 3] do what words say; None for no words.

    Where a trace says nothing of the lane it means to keep it; one that says nothing of the speed is not understood.
    """
    if not words.strip():
        return None
    done = plan_decisions(waypoints_rig)
    longitudinal, lateral = stated_actions(words)
    along = any(done["longitudinal"] in ALLOWED_LONGITUDINAL.get(action, frozenset()) for action in longitudinal)
    return Agreement(along, all(_lateral(action, done["lateral"]) for action in lateral or {"keep_lane"}))


def _lateral(action: str, done: str) -> bool:
    side = action.rpartition("_")[2] if action.endswith(("_left", "_right")) else ""
    bare = action.removesuffix(f"_{side}") if side else action
    if bare in _TURNS and side:
        return done.endswith(f"steer_{side}")
    if bare in _SHIFTS and side:
        return not done.endswith("left" if side == "right" else "right")
    return done not in _NEVER_KEEPING
