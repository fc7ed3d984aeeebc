"""The ego vehicle as its agents see it: geometry and steering from the server, state at one tick."""

from __future__ import annotations

import math
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, compose, to_local

Array = NDArray[np.float64]

WHEELBASE_PER_LENGTH = 0.585
"""Wheelbase of a passenger car as a share of its length, for servers that report no wheel positions."""


@dataclass(frozen=True)
class EgoModel:
    """Constant properties of the ego vehicle."""

    wheelbase_m: float
    rear_axle_x_m: float
    """Rear axle in the actor's frame, negative behind its origin."""
    front_m: float
    """From the rear axle to the front bumper."""
    rear_m: float
    """From the rear axle to the rear bumper."""
    half_width_m: float
    max_steer_rad: float
    """Steering angle of the front wheels at |steer| = 1 and standstill."""
    steering_speed_kmh: Array
    steering_factor: Array
    """The share of `max_steer_rad` that is left at each of `steering_speed_kmh`."""

    @staticmethod
    def read(vehicle: carla.Vehicle) -> EgoModel:
        """Return the model of a spawned vehicle, from its physics control and its bounding box."""
        physics = vehicle.get_physics_control()
        pose = transform_of(vehicle.get_transform())
        box = vehicle.bounding_box
        length = 2.0 * box.extent.x
        wheels = np.array([[w.position.x, w.position.y, w.position.z] for w in physics.wheels]) / 100.0
        wheelbase, rear_axle = WHEELBASE_PER_LENGTH * length, -0.5 * WHEELBASE_PER_LENGTH * length + box.location.x
        if len(wheels) >= 4:
            along = to_local(pose, wheels)[:, 0]
            front, rear = float(along[:2].mean()), float(along[2:4].mean())
            if 0.3 * length < front - rear < 0.9 * length and abs(rear) < length:
                wheelbase, rear_axle = front - rear, rear
        curve = sorted((float(point.x), float(point.y)) for point in physics.steering_curve) or [(0.0, 1.0)]
        steer_deg = max((float(w.max_steer_angle) for w in physics.wheels), default=70.0) or 70.0
        return EgoModel(
            wheelbase_m=wheelbase,
            rear_axle_x_m=rear_axle,
            front_m=box.location.x + box.extent.x - rear_axle,
            rear_m=rear_axle - (box.location.x - box.extent.x),
            half_width_m=box.extent.y,
            max_steer_rad=math.radians(steer_deg),
            steering_speed_kmh=np.array([point[0] for point in curve]),
            steering_factor=np.array([point[1] for point in curve]),
        )

    def steer(self, curvature_per_m: float, speed_mps: float) -> float:
        """Return the steer command in [-1, 1] (right positive) for a curvature (right positive) of the rear axle's path.

        Inverts yaw rate = v / L tan(k(v) delta), delta = steer x max angle x curve(v), k = 0.97 - 0.012 v: the response
        of CARLA's Lincoln MKZ.
        """
        angle = math.atan(curvature_per_m * self.wheelbase_m)
        response = max(0.6, 0.97 - 0.012 * abs(speed_mps))
        factor = float(np.interp(abs(speed_mps) * 3.6, self.steering_speed_kmh, self.steering_factor))
        return max(-1.0, min(1.0, angle / (response * self.max_steer_rad * max(0.05, factor))))


@dataclass(frozen=True)
class EgoState:
    """The ego at one tick."""

    time_s: float
    rig_pose: Transform
    """Rear axle on the ground, CARLA world frame."""
    speed_mps: float
    """Forward, negative in reverse."""

    @property
    def yaw_rad(self) -> float:
        """Heading in the CARLA world frame."""
        return math.radians(self.rig_pose.yaw)


def transform_of(transform: carla.Transform) -> Transform:
    """Return a CARLA transform as ours."""
    where, turn = transform.location, transform.rotation
    return Transform(where.x, where.y, where.z, turn.pitch, turn.yaw, turn.roll)


def read_state(model: EgoModel, vehicle: carla.Vehicle, snapshot: carla.WorldSnapshot) -> EgoState:
    """Return the ego's state in a snapshot; falls back on the vehicle's own cache when the snapshot lacks it."""
    source = snapshot.find(vehicle.id) or vehicle
    pose = transform_of(source.get_transform())
    velocity = source.get_velocity()
    yaw, pitch = math.radians(pose.yaw), math.radians(pose.pitch)
    forward = (math.cos(yaw) * math.cos(pitch), math.sin(yaw) * math.cos(pitch), math.sin(pitch))
    speed = velocity.x * forward[0] + velocity.y * forward[1] + velocity.z * forward[2]
    return EgoState(
        time_s=snapshot.timestamp.elapsed_seconds,
        rig_pose=compose(pose, Transform(model.rear_axle_x_m, 0.0, 0.0)),
        speed_mps=speed,
    )
