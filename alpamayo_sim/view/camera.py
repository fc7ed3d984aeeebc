"""The camera behind the picture in the page: there only while somebody looks."""

from __future__ import annotations

import io
from typing import cast

import carla
import numpy as np
from PIL import Image

_POSES = {
    "chase": carla.Transform(carla.Location(x=-6.5, z=3.0), carla.Rotation(pitch=-12)),
    "driver": carla.Transform(carla.Location(x=0.4, z=1.4)),
    "above": carla.Transform(carla.Location(z=30.0), carla.Rotation(pitch=-90)),
}
KINDS = (*_POSES, "spectator")


class PictureCamera:
    """One RGB camera; keeps the newest picture only, so a slow reader misses pictures and holds up nobody."""

    def __init__(self, world: carla.World, kind: str, actor_id: int) -> None:
        """Spawn it at the spectator's place, or at one of KINDS' poses on an actor; RuntimeError where that can not be."""
        blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
        for name, value in (("image_size_x", "480"), ("image_size_y", "270"), ("role_name", "view")):
            blueprint.set_attribute(name, value)
        if kind == "spectator":
            sensor = world.spawn_actor(blueprint, world.get_spectator().get_transform())
        else:
            actor = world.get_actor(actor_id)
            if actor is None:
                raise RuntimeError(f"no picture: there is no actor {actor_id}")
            sensor = world.spawn_actor(blueprint, _POSES[kind], attach_to=actor)
        self._sensor = cast(carla.Sensor, sensor)
        self._newest: carla.Image | None = None
        self._sensor.listen(self._keep)

    def _keep(self, image: carla.Image) -> None:
        self._newest = image

    def jpeg(self) -> bytes | None:
        """Return the newest picture that was not asked for yet as JPEG."""
        image, self._newest = self._newest, None
        if image is None:
            return None
        pixels = np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4)
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(pixels[:, :, 2::-1])).save(file, "JPEG", quality=80)
        return file.getvalue()

    def close(self) -> None:
        """Destroy the sensor."""
        self._sensor.stop()
        self._sensor.destroy()
