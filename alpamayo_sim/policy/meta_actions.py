"""What a stretch of driving is called, by the published thresholds of NVIDIA's chain-of-causation labeller.

These are the rules for one stretch; where one stretch ends and the next begins is the caller's to say.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError

Array = NDArray[np.float64]
REVERSE_MPS = -0.12
STOP_MPS = 0.12
STRONG_MPS2, GENTLE_MPS2, SPEED_CHANGE_MPS = 1.4, 0.15, 0.8
SHARP_RATE_PER_M, SHARP_TURN_RAD = 0.05, 0.2
STEER_RATE_PER_M, STEER_TURN_RAD = 0.0015, 0.015
REVERSING_MPS, REVERSING_RATE_PER_M, REVERSING_TURN_RAD = -0.1, 0.002, 0.2
_STANDING_M = 1e-6


def longitudinal_action(speed_mps: Array, step_s: float = 0.1) -> str:
    """Return what a stretch of signed speeds [N] along the vehicle, N at least 2, is called.

    reverse, stop, strong_accelerate, gentle_accelerate, strong_decelerate, gentle_decelerate or maintain_speed.
    """
    _check(speed_mps)
    mean = float(speed_mps.mean())
    if mean <= REVERSE_MPS:
        return "reverse"
    if mean <= STOP_MPS:
        return "stop"
    change = float(speed_mps[-1] - speed_mps[0])
    acceleration = change / (step_s * (len(speed_mps) - 1))
    if abs(change) < SPEED_CHANGE_MPS or abs(acceleration) < GENTLE_MPS2:
        return "maintain_speed"
    strength = "strong" if abs(acceleration) >= STRONG_MPS2 else "gentle"
    return f"{strength}_{'accelerate' if change > 0.0 else 'decelerate'}"


def lateral_action(speed_mps: Array, heading_rad: Array, step_s: float = 0.1) -> str:
    """Return what a stretch of signed speeds [N] and headings [N] (counter-clockwise positive: rig frame) is called.

    reverse_left, reverse_right, sharp_steer_left, sharp_steer_right, steer_left, steer_right or go_straight. The turn rate is the
    change of heading per metre driven. Backwards, too, a growing heading is the left.
    """
    _check(speed_mps)
    if heading_rad.shape != speed_mps.shape:
        raise InputError(f"one heading per speed; found {list(heading_rad.shape)} and {list(speed_mps.shape)}")
    turned = np.unwrap(heading_rad)
    turn = float(turned[-1] - turned[0])
    way = float(np.abs(speed_mps[:-1] + speed_mps[1:]).sum() * 0.5 * step_s)
    rate = abs(turn) / way if way > _STANDING_M else 0.0
    backwards = float(speed_mps.mean()) <= REVERSING_MPS
    if backwards:
        if rate < REVERSING_RATE_PER_M or abs(turn) < REVERSING_TURN_RAD:
            return "go_straight"
        return "reverse_left" if turn > 0.0 else "reverse_right"
    side = "left" if turn > 0.0 else "right"
    if rate >= SHARP_RATE_PER_M and abs(turn) >= SHARP_TURN_RAD:
        return f"sharp_steer_{side}"
    return f"steer_{side}" if rate >= STEER_RATE_PER_M and abs(turn) >= STEER_TURN_RAD else "go_straight"


def _check(speed_mps: Array) -> None:
    if speed_mps.ndim != 1 or len(speed_mps) < 2:
        raise InputError(f"a stretch has speeds [N], N at least 2; found {list(speed_mps.shape)}")
