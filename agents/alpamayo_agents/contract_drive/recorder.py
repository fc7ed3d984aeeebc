"""The truth of a drive, recorded beside whoever drives: poses, place on the route, pictures from cameras at the rig's mounts.

For a loop of one's own, on any CARLA server in synchronous mode with steps of 0.05 s:

    recorder = CourseRecorder(world, ego, route, ALPAMAYO_RIG, asked=3)
    ... after every tick: recorder.see(snapshot)
    ... where the model is asked: observations.append(SeenObservation(...)); recorder.observed()
    ContractLog(style, recorder.mounted(), statistics, tuple(observations)).save(folder); recorder.course.save(folder)
"""

from __future__ import annotations

import math
from dataclasses import replace

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoModel, transform_of
from alpamayo_sim.client.sensor_rig import SensorRig, SensorSpec
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import to_local
from alpamayo_sim.policy.camera_rig import SENSOR_BLUEPRINT, CameraRig, RigCamera
from alpamayo_sim.policy.contract.recorded_course import RecordedCourse
from alpamayo_sim.policy.contract.truth import TICK_S
from alpamayo_sim.policy.ego_history import rig_pose
from alpamayo_sim.roads.route_planner import Route

_SEARCH_POINTS = 60


class CourseRecorder:
    """Cameras of a rig on the ego, and all that the contract check has to know of a drive."""

    def __init__(self, world: carla.World, ego: carla.Vehicle, route: Route, rig: CameraRig, *, asked: int) -> None:
        """Mount the cameras, before the integration mounts its own; `asked` observations are to be handed over.

        Raises what `SensorRig` raises; InputError for a world in steps of another length.
        """
        step_s = world.get_settings().fixed_delta_seconds
        if step_s is None or not math.isclose(step_s, TICK_S, rel_tol=1e-6):
            raise InputError(f"the contract is checked in steps of {TICK_S} s; this world has {step_s}")
        self._world, self._ego, self._route = world, ego, route
        self._rear_axle_x_m = EgoModel.read(ego).rear_axle_x_m
        self._at = 0
        self.course = RecordedCourse(rig, self._rear_axle_x_m, route.arc_length_m, route.road_option, asked=asked)
        mounts = [
            SensorSpec(camera.name, SENSOR_BLUEPRINT, camera.mount(self._rear_axle_x_m), rig.sensor_attributes(camera))
            for camera in rig.cameras
        ]
        self._own = SensorRig(world, ego, mounts, step_s=TICK_S)
        self._before = {actor.id for actor in world.get_actors()}

    def see(self, snapshot: carla.WorldSnapshot) -> None:
        """Take in one tick; called at every one."""
        state = snapshot.find(self._ego.id)
        assert state is not None, "the ego lives as long as its drive"
        pose = transform_of(state.get_transform())
        here = rig_pose(pose, self._rear_axle_x_m)
        ahead = self._route.points[self._at : self._at + _SEARCH_POINTS, :2]
        self._at += int(np.argmin(np.hypot(ahead[:, 0] - here.x, ahead[:, 1] - here.y)))
        pictures = {name: _rgb(image) for name, image in self._own.collect(snapshot).items()}
        along_m = float(self._route.arc_length_m[self._at])
        self.course.add(snapshot.timestamp.elapsed_seconds, pose, along_m, pictures)

    def observed(self) -> int:
        """Keep that an observation was handed over at the tick just seen, and return the tick's number."""
        tick = len(self.course.vehicle_poses) - 1
        self.course.observed_ticks.append(tick)
        return tick

    def mounted(self) -> tuple[RigCamera, ...]:
        """Return the cameras that somebody else has mounted on the ego since, each by the name of the one it is most like."""
        vehicle = transform_of(self._ego.get_transform())
        found: list[RigCamera] = []
        for actor in self._world.get_actors().filter(SENSOR_BLUEPRINT):
            parent = actor.parent
            if actor.id in self._before or parent is None or parent.id != self._ego.id:
                continue
            pose = transform_of(actor.get_transform())
            x, y, z = (float(v) for v in to_local(vehicle, np.array([pose[:3]]))[0])
            yaw = -math.radians(math.remainder(pose.yaw - vehicle.yaw, 360.0))
            place = (x - self._rear_axle_x_m, -y, z)
            found.append(RigCamera(actor.type_id, place, yaw, float(actor.attributes["fov"])))
        named: list[RigCamera] = []
        for wanted in self.course.rig.cameras:
            if found:
                nearest = min(found, key=lambda own: _unlike(own, wanted))
                found.remove(nearest)
                named.append(replace(nearest, name=wanted.name))
        return tuple(named)

    def destroy(self) -> None:
        """Take the cameras away; safe to call twice."""
        self._own.destroy()


def _unlike(own: RigCamera, wanted: RigCamera) -> float:
    turned = abs(math.remainder(own.yaw_rad - wanted.yaw_rad, 2.0 * math.pi))
    return math.dist(own.position_rig_m, wanted.position_rig_m) + turned + abs(own.fov_deg - wanted.fov_deg) / 30.0


def _rgb(image: carla.Image) -> NDArray[np.uint8]:
    bgra = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
    return np.ascontiguousarray(bgra[:, :, 2::-1])
