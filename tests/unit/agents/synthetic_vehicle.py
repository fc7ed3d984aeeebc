"""A vehicle and roads made up for tests: kinematic bicycle with pedals, lags and wrong gains, CARLA world frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import carla
import numpy as np

from alpamayo_agents.ego import EgoModel, EgoState
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.route_planner import Route

DT_S = 0.05


def ego_model() -> EgoModel:
    return EgoModel(
        wheelbase_m=2.87,
        rear_axle_x_m=-1.394,
        front_m=3.84,
        rear_m=1.05,
        half_width_m=0.92,
        max_steer_rad=math.radians(70.0),
        steering_speed_kmh=np.array([0.0, 20.0, 60.0, 120.0]),
        steering_factor=np.array([1.0, 0.9, 0.8, 0.7]),
    )


@dataclass
class SyntheticVehicle:
    """Differs from the tracker's model by gains on steering, engine and brake, and by lags of 0.08 s."""

    x: float = 0.0
    y: float = 0.0
    yaw: float = 0.0
    speed: float = 0.0
    time: float = 0.0
    steer_gain: float = 1.0
    engine_gain: float = 1.0
    brake_gain: float = 1.0
    drag: float = 1.0
    angle: float = 0.0
    acceleration: float = 0.0

    def state(self) -> EgoState:
        return EgoState(self.time, Transform(self.x, self.y, 0.0, 0.0, math.degrees(self.yaw), 0.0), self.speed)

    def step(self, control: carla.VehicleControl) -> None:
        kmh = self.speed * 3.6
        factor = float(np.interp(kmh, [0.0, 20.0, 60.0, 120.0], [1.0, 0.9, 0.8, 0.7]))
        wanted = control.steer * math.radians(70.0) * factor * max(0.6, 0.97 - 0.012 * self.speed) * self.steer_gain
        self.angle += min(1.0, DT_S / 0.08) * (wanted - self.angle)
        drive = self.engine_gain * max(0.0, control.throttle - 0.25) * 7.0 / (1.0 + self.speed / 15.0)
        resist = self.drag * (0.8 if control.throttle > 0.1 else 2.0) + 5.4 * self.brake_gain * control.brake
        target = drive - resist
        self.acceleration += min(1.0, DT_S / 0.08) * (target - self.acceleration)
        before = self.speed
        self.speed = max(0.0, self.speed + self.acceleration * DT_S)
        if self.speed == 0.0:
            self.acceleration = max(0.0, self.acceleration)
        mean = 0.5 * (before + self.speed)
        self.yaw += mean / 2.87 * math.tan(self.angle) * DT_S
        self.x += mean * math.cos(self.yaw) * DT_S
        self.y += mean * math.sin(self.yaw) * DT_S
        self.time += DT_S


def arc_route(length_m: float = 400.0, curvature_per_m: float = 0.0) -> Route:
    """A route of constant curvature (positive turns right) from the origin along x."""
    s = np.arange(0.0, length_m, 1.0)
    yaw = curvature_per_m * s
    if curvature_per_m == 0.0:
        points = np.stack([s, np.zeros_like(s), np.zeros_like(s)], axis=1)
    else:
        points = np.stack([np.sin(yaw), 1.0 - np.cos(yaw), np.zeros_like(s)], axis=1) / curvature_per_m
    return Route(
        points=points,
        yaw_deg=np.degrees(yaw),
        road_option=np.full(len(s), 4),
        arc_length_m=s,
        lane_width_m=np.full(len(s), 3.5),
        lane=np.tile(np.array([1, 0, -1]), (len(s), 1)),
        in_junction=np.zeros(len(s), dtype=bool),
    )
