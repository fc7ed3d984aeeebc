"""Frames with cars in them."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.scene_frame import SceneFrame, ShapeClass
from alpamayo_sim.render.sky import CLEAR_NOON

SEDAN_HALF = (2.4, 0.95, 0.74)


def cars(
    poses: list[Transform],
    *,
    color: tuple[int, int, int] = (200, 20, 20),
    lights: int = 0,
    weather: tuple[float, ...] = CLEAR_NOON,
    shape: int = ShapeClass.SEDAN,
    half: tuple[float, float, float] = SEDAN_HALF,
    light_states: np.ndarray | None = None,
    time_s: float = 0.0,
    open_doors: int = 0,
    steer_deg: float = 0.0,
    wheel_turn_deg: float = 0.0,
    speed_mps: float = 0.0,
    phase_rad: float = 0.0,
) -> SceneFrame:
    """Return a frame with the same car at each pose."""
    n = len(poses)
    return SceneFrame(
        shape_class=np.full(n, int(shape)),
        transform=np.array(poses, dtype=np.float64).reshape(n, 6),
        extent=np.tile(half, (n, 1)),
        box_center=np.tile((0.0, 0.0, half[2]), (n, 1)),
        color=np.tile(np.array(color, dtype=np.uint8), (n, 1)),
        light_flags=np.full(n, lights),
        steer_deg=np.full(n, steer_deg),
        speed_mps=np.full(n, speed_mps),
        stride_phase_rad=np.full(n, phase_rad),
        wheel_turn_deg=np.full(n, wheel_turn_deg),
        open_doors=np.full(n, open_doors),
        time_s=time_s,
        traffic_light_state=np.zeros(0, dtype=np.int32) if light_states is None else light_states,
        weather=weather,
    )
