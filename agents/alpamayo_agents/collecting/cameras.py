"""The cameras of a collecting car: colour pictures at 10 Hz, and instance masks at the same places twice a second."""

from __future__ import annotations

from typing import Any

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.collecting.scene_observer import Pixels
from alpamayo_agents.collecting.settings import FRAME_S, MASK_S, CollectSettings
from alpamayo_agents.ego import EgoModel
from alpamayo_sim.client.sensor_rig import SensorRig, SensorSpec
from alpamayo_sim.policy.camera_rig import SENSOR_BLUEPRINT

MASK_BLUEPRINT = "sensor.camera.instance_segmentation"
TRAFFIC_LIGHT_TAG, TRAFFIC_SIGN_TAG, POLE_TAG = 7, 8, 6
_MASK = "mask:"


def camera_specs(settings: CollectSettings, model: EgoModel) -> list[SensorSpec]:
    """Return the sensors to mount, always in the same order."""
    rig = settings.rig
    kinds = [("", SENSOR_BLUEPRINT, FRAME_S), *([(_MASK, MASK_BLUEPRINT, MASK_S)] if settings.masks else [])]
    return [
        SensorSpec(
            prefix + camera.name,
            blueprint,
            camera.mount(model.rear_axle_x_m),
            {**rig.sensor_attributes(camera), "sensor_tick": f"{period_s:g}"},
        )
        for prefix, blueprint, period_s in kinds
        for camera in rig.cameras
    ]


class CollectingCameras:
    """Cameras that are listened to."""

    def __init__(
        self, world: carla.World, ego: carla.Vehicle, settings: CollectSettings, model: EgoModel, step_s: float
    ) -> None:
        """Spawn them; they first see the tick after this one. Raises what `SensorRig` raises."""
        self._names = settings.rig.names
        self._sensors = SensorRig(world, ego, camera_specs(settings, model), step_s=step_s, patience_s=60.0)
        self.pixels: Pixels = {}
        """What the last masks showed."""

    def see(self, snapshot: carla.WorldSnapshot) -> dict[str, NDArray[np.uint8]]:
        """Return the pictures [height, width, 3] RGB of this tick by camera, none where none are due; takes in masks."""
        measured = self._sensors.collect(snapshot)
        masks = {name: measured[_MASK + name] for name in self._names if _MASK + name in measured}
        if masks:
            self.pixels = pixels_by_actor({name: _bgra(image) for name, image in masks.items()})
        return {name: _rgb(measured[name]) for name in self._names if name in measured}

    def destroy(self) -> None:
        """Take them away; safe to call twice."""
        self._sensors.destroy()


class SilentCameras:
    """The same cameras, spawned and never listened to, so that ids and frames are as in a drive with pictures."""

    def __init__(
        self, world: carla.World, ego: carla.Vehicle, settings: CollectSettings, model: EgoModel, step_s: float
    ) -> None:
        self.pixels: Pixels = {}
        self._actors: list[carla.Actor] = []
        library = world.get_blueprint_library()
        for spec in camera_specs(settings, model):
            blueprint = library.find(spec.blueprint)
            for key, value in spec.attributes.items():
                blueprint.set_attribute(key, value)
            mount = carla.Transform(
                carla.Location(spec.mount.x, spec.mount.y, spec.mount.z),
                carla.Rotation(spec.mount.pitch, spec.mount.yaw, spec.mount.roll),
            )
            self._actors.append(world.spawn_actor(blueprint, mount, attach_to=ego))

    def see(self, snapshot: carla.WorldSnapshot) -> dict[str, NDArray[np.uint8]]:
        """Return nothing."""
        return {}

    def destroy(self) -> None:
        """Take them away; safe to call twice."""
        actors, self._actors = self._actors, []
        for actor in actors:
            actor.destroy()


def pixels_by_actor(masks: dict[str, NDArray[np.uint8]]) -> Pixels:
    """Return the pixels of every number in instance masks [height, width, 4] BGRA: blue and green are the number, red the tag.

    Of traffic lights and signs their poles are left out.
    """
    found: Pixels = {}
    for camera, mask in masks.items():
        number = mask[..., 1].astype(np.int64) + 256 * mask[..., 0].astype(np.int64)
        counts = np.bincount(number[mask[..., 2] != POLE_TAG].reshape(-1), minlength=1)
        for actor_id in np.flatnonzero(counts[1:]) + 1:
            found.setdefault(int(actor_id), {})[camera] = int(counts[actor_id])
    return found


def _bgra(image: Any) -> NDArray[np.uint8]:
    return np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)


def _rgb(image: Any) -> NDArray[np.uint8]:
    return np.ascontiguousarray(_bgra(image)[:, :, 2::-1])
