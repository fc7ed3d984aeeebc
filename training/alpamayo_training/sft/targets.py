"""The actions that a model is to learn for a path: close to it, and smooth, since what jitters cannot be foreseen.

An exact inverse of the integrator (`policy.action_encoder.encode`) rings: its trapezoid rule answers an error of the first speed
with accelerations that alternate from step to step, which spread 2.5 times as wide as the driving. Here changes of slope cost
something.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.policy.action_encoder import encode_published
from alpamayo_sim.policy.plan_decisions import speeds_and_headings
from alpamayo_sim.policy.unicycle import drive

Array = NDArray[np.float64]
ACCELERATION_BEND, CURVATURE_BEND = 1e-3, 1e-1
"""Square metres that a second difference of one is worth: of accelerations in m/s^2, of curvatures in 1/m."""
ACCELERATION_SIZE, CURVATURE_SIZE = 1e-6, 5e-2
"""Square metres that a value of one is worth: where the car stands, its curvature is 0."""
_STEPS = 5
_PROBE = 1e-5


def learnable_actions(waypoints_rig: Array, speed_mps: float) -> tuple[Array, Array]:
    """Return accelerations (m/s^2) and curvatures (1/m) [W] that lead along waypoints [W, 3] from a speed at t0.

    Gauss-Newton steps from the published encoder's answer, on squared distances plus the prices of bends and sizes.
    """
    _, headings = speeds_and_headings(waypoints_rig)
    actions = np.concatenate(encode_published(waypoints_rig, headings, speed_mps))
    wanted = waypoints_rig[:, :2].reshape(-1)
    points = len(waypoints_rig)
    prices = _prices(points)

    def miss(of: Array) -> Array:
        reached = drive(of[..., :points], of[..., points:], speed_mps)[..., :2]
        return reached.reshape(*of.shape[:-1], -1) - wanted

    error = miss(actions)
    cost = error @ error + actions @ prices @ actions
    for _ in range(_STEPS):
        slopes = (miss(actions + _PROBE * np.eye(2 * points)) - error) / _PROBE
        change = np.linalg.solve(slopes @ slopes.T + prices, -slopes @ error - prices @ actions)
        closer = miss(actions + change)
        lower = closer @ closer + (actions + change) @ prices @ (actions + change)
        if not lower < cost:
            break
        actions, error, cost = actions + change, closer, lower
    return actions[:points], actions[points:]


def _prices(points: int) -> Array:
    bend = np.diff(np.eye(points), n=2, axis=0)
    bends = bend.T @ bend
    empty = np.zeros((points, points))
    one = ACCELERATION_BEND * bends + ACCELERATION_SIZE * np.eye(points)
    other = CURVATURE_BEND * bends + CURVATURE_SIZE * np.eye(points)
    return np.block([[one, empty], [empty, other]])
