"""Waypoints as accelerations and curvatures: the inverse of the unicycle, by regularised least squares.

`encode_published` follows the published encoder (`UnicycleAccelCurvatureActionSpace` of Alpamayo): headings, speeds,
accelerations and curvatures one after the other, each smoothed, so that the end of a hard stop is missed. `encode` starts there
and takes Gauss-Newton steps on what the decoder makes of the actions, so that both ends agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.unicycle import STEP_S, drive

Array = NDArray[np.float64]
HEADING_SMOOTHING, HEADING_RIDGE = 1e-6, 1e-8
SPEED_SMOOTHING, SPEED_RIDGE = 1e-6, 1e-4
ACCELERATION_SMOOTHING, ACCELERATION_RIDGE = 1e-4, 1e-4
CURVATURE_SMOOTHING, CURVATURE_RIDGE = 1e-4, 1e-4
_REFINEMENT_DAMPING = np.array([1e-7, 1e-4])
"""Square metres per (m/s^2)^2 and per (1/m)^2: what a change of an action must earn in closeness."""
_REFINEMENT_STEPS = 4
_PROBE = 1e-5


def encode_published(waypoints_rig: Array, heading_rad: Array, speed_mps: float) -> tuple[Array, Array]:
    """Return accelerations (m/s^2) and curvatures (1/m) [W] that lead along waypoints.

    `waypoints_rig` [W, 2 or 3] (x, y first) and `heading_rad` [W] are in the rig frame at t0, 0.1 s apart, the first at
    t0 + 0.1 s; `speed_mps` is the speed at t0, from `speed_now`. InputError for other shapes or numbers that are not finite.
    """
    _check(waypoints_rig, heading_rad, speed_mps)
    heading = np.concatenate([[0.0], _smooth_heading(np.unwrap(np.concatenate([[0.0], heading_rad]))[1:])])
    speed = np.concatenate([[speed_mps], _speeds(waypoints_rig[:, :2], heading, speed_mps)])
    acceleration = _fit(np.ones(len(speed) - 1), np.diff(speed) / STEP_S, ACCELERATION_SMOOTHING, ACCELERATION_RIDGE)
    way = STEP_S * speed[:-1] + 0.5 * STEP_S**2 * acceleration
    return acceleration, _fit(way, np.diff(heading), CURVATURE_SMOOTHING, CURVATURE_RIDGE)


def encode(waypoints_rig: Array, heading_rad: Array, speed_mps: float) -> tuple[Array, Array]:
    """Return accelerations and curvatures [W] whose waypoints, as `drive` makes them, come closest; as `encode_published`.

    Where that leads nearer in total, the published answer is kept.
    """
    acceleration, curvature = encode_published(waypoints_rig, heading_rad, speed_mps)
    wanted = waypoints_rig[:, :2]
    actions = np.stack([acceleration, curvature])
    error = _miss(actions, wanted, speed_mps)
    for _ in range(_REFINEMENT_STEPS):
        slopes = _slopes(actions, wanted, speed_mps, error)
        damping = np.repeat(_REFINEMENT_DAMPING, len(wanted))
        change = np.linalg.solve(slopes @ slopes.T + np.diag(damping), -slopes @ error).reshape(2, -1)
        closer = _miss(actions + change, wanted, speed_mps)
        if not closer @ closer < error @ error:
            break
        actions, error = actions + change, closer
    return actions[0], actions[1]


def _miss(actions: Array, wanted: Array, speed_mps: float) -> Array:
    """Return by how much actions [..., 2, W] miss waypoints [W, 2]: [..., 2 W] metres."""
    reached = drive(actions[..., 0, :], actions[..., 1, :], speed_mps)[..., :2]
    return (reached - wanted).reshape(*actions.shape[:-2], -1)


def _slopes(actions: Array, wanted: Array, speed_mps: float, error: Array) -> Array:
    """Return the change of the error [2 W, 2 W] per unit of each action."""
    count = actions.size
    probes = actions + _PROBE * np.eye(count).reshape(count, *actions.shape)
    return (_miss(probes, wanted, speed_mps) - error) / _PROBE


def _smooth_heading(heading_rad: Array) -> Array:
    """Return headings [W] after one that is fixed at zero."""
    points = len(heading_rad) + 1
    third = np.diff(np.eye(points), n=3, axis=0)[:, 1:]
    normal = (1.0 + HEADING_RIDGE) * np.eye(points - 1) + HEADING_SMOOTHING / STEP_S**6 * third.T @ third
    return np.asarray(np.linalg.solve(normal, heading_rad), dtype=np.float64)


def _speeds(positions: Array, heading: Array, speed_mps: float) -> Array:
    """Return speeds [W] of v_t u_t + v_{t+1} u_{t+1} = 2 (p_{t+1} - p_t) / dt with the first speed given."""
    points = len(heading)
    directions = np.stack([np.cos(heading), np.sin(heading)], axis=-1)
    rows = np.zeros((points - 1, 2, points))
    here = np.arange(points - 1)
    rows[here, :, here], rows[here, :, here + 1] = directions[:-1], directions[1:]
    system = rows.reshape(-1, points)
    steps = np.diff(positions, axis=0, prepend=np.zeros((1, 2)))
    third = np.diff(np.eye(points), n=3, axis=0)
    own = 2.0 / STEP_S * steps.reshape(-1) - system[:, 0] * speed_mps
    weight = SPEED_SMOOTHING / STEP_S**6
    normal = system[:, 1:].T @ system[:, 1:] + weight * third[:, 1:].T @ third[:, 1:] + SPEED_RIDGE * np.eye(points - 1)
    wanted = system[:, 1:].T @ own - weight * third[:, 1:].T @ third[:, 0] * speed_mps
    return np.asarray(np.linalg.solve(normal, wanted), dtype=np.float64)


def _fit(scale: Array, wanted: Array, smoothing: float, ridge: float) -> Array:
    """Return x [W] of scale * x = wanted, smooth to second order."""
    second = np.diff(np.eye(len(wanted)), n=2, axis=0)
    normal = np.diag(scale**2 + ridge) + smoothing / STEP_S**4 * second.T @ second
    return np.asarray(np.linalg.solve(normal, scale * wanted), dtype=np.float64)


def _check(waypoints_rig: Array, heading_rad: Array, speed_mps: float) -> None:
    count = len(waypoints_rig)
    if waypoints_rig.ndim != 2 or waypoints_rig.shape[1] not in (2, 3) or heading_rad.shape != (count,) or count < 4:
        raise InputError(
            "waypoints are [W, 2] or [W, 3] with headings [W], W at least 4; found "
            f"{list(waypoints_rig.shape)} and {list(heading_rad.shape)}"
        )
    if not (np.isfinite(waypoints_rig).all() and np.isfinite(heading_rad).all() and np.isfinite(speed_mps)):
        raise InputError("waypoints, headings and the speed are finite numbers; found NaN or infinity")
