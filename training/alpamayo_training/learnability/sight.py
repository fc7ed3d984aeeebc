"""What the ego's cameras can see of a point: whether it lies in a picture, and whether anything stands before it."""

from __future__ import annotations

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, rig_to_world, to_local, world_to_rig
from alpamayo_sim.policy.camera_rig import CameraRig, RigCamera
from alpamayo_training.learnability.labels import NOWHERE, Point

Array = NDArray[np.float64]
FRONT_CAMERA = "camera_front_wide_120fov"
_BODY_MARGIN_M = 0.15


class Sight:
    """The cameras of one ego vehicle at one instant."""

    def __init__(
        self, world: carla.World, rig: CameraRig, pose: Transform, box: carla.BoundingBox, rear_axle_x_m: float
    ) -> None:
        """`pose` and `box` are the ego's transform and bounding box, `rear_axle_x_m` its rear axle in its own frame."""
        self._world = world
        self._rig = rig
        self.pose = pose
        self._box = box
        forward = to_local(pose._replace(x=0.0, y=0.0, z=0.0), np.eye(3))[:, 0]
        x, y, z = np.array(pose[:3]) + forward * rear_axle_x_m
        self.rig_pose = pose._replace(x=float(x), y=float(y), z=float(z))
        self.front = rig.camera(FRONT_CAMERA)

    def position(self, camera: RigCamera) -> Array:
        """Return where a camera is [3], CARLA world frame."""
        return rig_to_world(self.rig_pose, np.array(camera.position_rig_m))

    def in_rig(self, point: Array | None) -> Point:
        """Return a world point [3] in the rig frame, NOWHERE for none."""
        if point is None:
            return NOWHERE
        x, y, z = (float(v) for v in world_to_rig(self.rig_pose, point))
        return x, y, z

    def distance_m(self, points: Array) -> Array:
        """Return how far points [N, 3] are from the front camera [N]."""
        return np.linalg.norm(np.atleast_2d(points) - self.position(self.front), axis=1)

    def cameras_with(self, point: Array) -> list[RigCamera]:
        """Return the cameras whose picture holds a world point [3], whatever stands before it."""
        in_rig = world_to_rig(self.rig_pose, point)
        return [camera for camera in self._rig.cameras if bool(self._rig.project(camera, in_rig)[1])]

    def sees(self, point: Array, *, within_m: float) -> bool:
        """Whether some camera sees a world point [3]: it is in the picture and the ray meets nothing before it.

        What the ray meets within `within_m` of the point is taken for the thing itself.
        """
        return any(self.is_clear(camera, point, within_m=within_m) for camera in self.cameras_with(point))

    def is_clear(self, camera: RigCamera, point: Array, *, within_m: float) -> bool:
        """Whether nothing but the ego's own body stands between a camera and a world point [3]."""
        start = self.position(camera)
        hits = self._world.cast_ray(carla.Location(*map(float, start)), carla.Location(*map(float, point)))
        length = float(np.linalg.norm(point - start))
        for hit in hits:
            place = np.array([hit.location.x, hit.location.y, hit.location.z])
            if float(np.linalg.norm(place - start)) > length - within_m:
                break
            if not self._in_own_body(place):
                return False
        return True

    def _in_own_body(self, place: Array) -> bool:
        local = to_local(self.pose, place) - np.array(
            [self._box.location.x, self._box.location.y, self._box.location.z]
        )
        extent = np.array([self._box.extent.x, self._box.extent.y, self._box.extent.z])
        return bool((np.abs(local) <= extent + _BODY_MARGIN_M).all())
