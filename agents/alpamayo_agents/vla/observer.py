"""The eyes of a driving model on one vehicle: its cameras, the poses of the last 1.5 s, the words of the route."""

from __future__ import annotations

from typing import Any

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoModel, transform_of
from alpamayo_sim.client.sensor_rig import SensorRig, SensorSpec
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import SENSOR_BLUEPRINT, CameraRig
from alpamayo_sim.policy.ego_history import ego_history, rig_pose
from alpamayo_sim.policy.navigation import navigation_ahead, route_ahead
from alpamayo_sim.policy.observation import HISTORY_POINTS, STEP_S, Observation
from alpamayo_sim.policy.sample_buffer import SampleBuffer
from alpamayo_sim.roads.route_planner import Route

_SEARCH_POINTS = 60
"""Route points ahead among which the ego's place is looked for, about as many metres."""


class RigObserver:
    """Cameras of a rig on a vehicle, at 10 Hz; puts together what a model sees."""

    def __init__(
        self,
        world: carla.World,
        ego: carla.Vehicle,
        model: EgoModel,
        route: Route,
        rig: CameraRig,
        *,
        frames_per_camera: int,
        step_s: float,
    ) -> None:
        """Spawn the cameras, which first see the tick after this one. Raises what `SensorRig` raises."""
        self._ego, self._model, self._route, self._rig = ego, model, route, rig
        self._frames = frames_per_camera
        self._poses: SampleBuffer[Transform] = SampleBuffer("ego poses", HISTORY_POINTS * STEP_S)
        self._pictures = {name: SampleBuffer[NDArray[np.uint8]](name, frames_per_camera * STEP_S) for name in rig.names}
        self._along = 0
        self._has_pictures = False
        specs = [
            SensorSpec(
                camera.name,
                SENSOR_BLUEPRINT,
                camera.mount(model.rear_axle_x_m),
                {**rig.sensor_attributes(camera), "sensor_tick": f"{STEP_S:g}"},
            )
            for camera in rig.cameras
        ]
        self._sensors = SensorRig(world, ego, specs, step_s=step_s)

    def see(self, snapshot: carla.WorldSnapshot) -> None:
        """Take in one tick; waits for the pictures that are due at it."""
        now_s = snapshot.timestamp.elapsed_seconds
        own = snapshot.find(self._ego.id) or self._ego
        self._poses.add(now_s, transform_of(own.get_transform()))
        measured = self._sensors.collect(snapshot)
        self._has_pictures = len(measured) == len(self._pictures)
        for name, image in measured.items():
            self._pictures[name].add(now_s, _rgb(image))

    def observation(self, now_s: float, speed_mps: float) -> Observation | None:
        """Return what the model sees at the tick just seen; None where pictures or poses of the time before are missing."""
        if not self._has_pictures:
            return None
        try:
            _, poses = self._poses.latest(HISTORY_POINTS, now_s)
            seen = [self._pictures[name].latest(self._frames, now_s) for name in self._rig.names]
        except InputError:
            return None
        positions, rotations = ego_history(poses, self._model.rear_axle_x_m)
        here = rig_pose(poses[-1], self._model.rear_axle_x_m)
        route, along_m = self._route, self._move_along(here)
        return Observation(
            camera_names=self._rig.names,
            frames=np.stack([np.stack(pictures) for _, pictures in seen]),
            frame_times_s=np.array([times for times, _ in seen]),
            history_xyz_rig=positions,
            history_rotation_rig=rotations,
            t0_s=now_s,
            rig_pose_t0=here,
            navigation=navigation_ahead(route.arc_length_m, route.road_option, along_m),
            route_points_rig=route_ahead(route.points, route.arc_length_m, along_m, here),
            speed_mps=speed_mps,
        )

    def _move_along(self, here: Transform) -> float:
        """How far along the route the rig is, metres; the place on the route only moves on."""
        ahead = self._route.points[self._along : self._along + _SEARCH_POINTS, :2]
        away = np.hypot(ahead[:, 0] - here.x, ahead[:, 1] - here.y)
        self._along += int(np.argmin(away))
        return float(self._route.arc_length_m[self._along])

    def destroy(self) -> None:
        """Take the cameras away; safe to call twice."""
        self._sensors.destroy()


def _rgb(image: Any) -> NDArray[np.uint8]:
    bgra = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
    return np.ascontiguousarray(bgra[:, :, 2::-1])
