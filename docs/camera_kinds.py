"""Writes `images/cameras.jpg`, one street in all kinds of cameras, through the real client: `python docs/camera_kinds.py`."""

from __future__ import annotations

import queue
from collections.abc import Callable
from pathlib import Path
from typing import Any

import carla
import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

TOWN, STEP_S = "Oldwick", 0.05
WIDTH, HEIGHT = 560, 315
MOUNT = carla.Transform(carla.Location(x=1.6, z=1.8), carla.Rotation(pitch=-4.0))
SIZE = {"image_size_x": str(WIDTH), "image_size_y": str(HEIGHT), "fov": "85"}
LENS = {"lens_circle_multiplier": "3.0", "lens_circle_falloff": "3.0"}
OTHERS = (
    ("vehicle.tesla.model3", 13.0, 0.0), ("vehicle.carlamotors.firetruck", 30.0, 0.0), ("vehicle.bh.crossbike", 8.5, 2.3),
    ("vehicle.kawasaki.ninja", 20.0, -3.6), ("vehicle.mitsubishi.fusorosa", 38.0, -3.6),
)  # fmt: skip
"""Metres ahead along the lane and to the right of it."""
WALKERS = ((11.0, 4.6), (12.0, 5.2), (16.0, -6.3))
WARM_UP_TICKS = 45
Image = NDArray[np.uint8]


def bgr(image: Any) -> Image:
    """Return an image's colours [height, width, 3]."""
    return np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4)[..., :3].copy()


def _converted(converter: carla.ColorConverter) -> Callable[[Any], Image]:
    def convert(image: Any) -> Image:
        image.convert(converter)
        return bgr(image)

    return convert


def _numbers(image: Any) -> Image:
    """Return every instance in a colour of its own."""
    pixels = bgr(image).astype(np.int64)
    number = pixels[..., 1] + 256 * pixels[..., 0] + 65536 * pixels[..., 2]
    hsv = np.stack([number * 47 % 180, 110 + number * 31 % 120, 90 + number * 83 % 150], axis=-1).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)


def _flow(image: Any) -> Image:
    """Return the motion's direction as hue and its size as brightness."""
    flow = np.frombuffer(image.raw_data, np.float32).reshape(image.height, image.width, 2)
    x, y = flow[..., 0] * image.width / 2.0, -flow[..., 1] * image.height / 2.0
    hue = (np.degrees(np.arctan2(y, x)) % 360.0) / 2.0
    bright = 255.0 * np.clip(np.hypot(x, y) / 14.0, 0.0, 1.0) ** 0.5
    hsv = np.stack([hue, np.full_like(hue, 220.0), bright], axis=-1).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR), dtype=np.uint8)


PICTURES: tuple[tuple[str, str, dict[str, str], Callable[[Any], Image]], ...] = (
    ("colour", "rgb", {}, bgr),
    ("colour through a lens", "rgb", LENS, bgr),
    ("depth", "depth", {}, _converted(carla.ColorConverter.LogarithmicDepth)),
    ("semantic segmentation", "semantic_segmentation", {}, _converted(carla.ColorConverter.CityScapesPalette)),
    ("instance segmentation", "instance_segmentation", {}, _numbers),
    ("normals", "normals", {}, bgr),
    ("optical flow", "optical_flow", {}, _flow),
    ("semantic segmentation through a lens", "semantic_segmentation", LENS,
     _converted(carla.ColorConverter.CityScapesPalette)),
)  # fmt: skip


def populate(world: carla.World) -> carla.Vehicle:
    """Return a car in a street with others ahead, all of them moving."""
    library = world.get_blueprint_library()
    street = world.get_map()
    start = max(street.get_spawn_points(), key=lambda spot: _straight_m(street.get_waypoint(spot.location)))
    lane = street.get_waypoint(start.location)
    ego = world.spawn_actor(library.find("vehicle.lincoln.mkz_2020"), start)
    assert isinstance(ego, carla.Vehicle)
    for type_id, ahead_m, right_m in OTHERS:
        other = world.try_spawn_actor(library.find(type_id), _beside(lane, ahead_m, right_m, 0.4))
        if isinstance(other, carla.Vehicle):
            other.apply_control(carla.VehicleControl(throttle=0.4 if right_m < 1.0 else 0.0))
    for number, (ahead_m, right_m) in enumerate(WALKERS):
        place = _beside(lane, ahead_m, right_m, 1.2)
        walker = world.try_spawn_actor(library.find(f"walker.pedestrian.00{number + 11}"), place)
        if isinstance(walker, carla.Walker):
            walker.apply_control(carla.WalkerControl(place.get_forward_vector(), 1.3))
    return ego


def _straight_m(lane: carla.Waypoint) -> float:
    ahead = lane.next(60.0)
    turn = (
        abs((ahead[0].transform.rotation.yaw - lane.transform.rotation.yaw + 180.0) % 360.0 - 180.0) if ahead else 90.0
    )
    return -turn if ahead and not ahead[0].is_junction else -180.0


def _beside(lane: carla.Waypoint, ahead_m: float, right_m: float, up_m: float) -> carla.Transform:
    pose = lane.next(ahead_m)[0].transform
    pose.location += carla.Location(*(right_m * v for v in (pose.get_right_vector().x, pose.get_right_vector().y, 0.0)))
    pose.location.z += up_m
    return pose


def main() -> None:
    """Take the pictures and put them on one sheet."""
    with EmbeddedServer(TOWN, seed=4) as server:
        world = connect(server.address).get_world()
        settings = world.get_settings()
        settings.synchronous_mode, settings.fixed_delta_seconds = True, STEP_S
        world.apply_settings(settings)
        ego = populate(world)
        heard: list[queue.SimpleQueue[Any]] = []
        cameras: list[carla.Sensor] = []
        for _, kind, attributes, _ in PICTURES:
            blueprint = world.get_blueprint_library().find(f"sensor.camera.{kind}")
            for name, value in {**SIZE, **attributes}.items():
                blueprint.set_attribute(name, value)
            camera = world.spawn_actor(blueprint, MOUNT, attach_to=ego)
            assert isinstance(camera, carla.Sensor)
            heard.append(queue.SimpleQueue())
            camera.listen(heard[-1].put)
            cameras.append(camera)
        ego.apply_control(carla.VehicleControl(throttle=0.45))
        frame = 0
        for _ in range(WARM_UP_TICKS):
            frame = world.tick()
        tiles: list[Image] = []
        for (title, _, _, shown), messages in zip(PICTURES, heard, strict=True):
            while (image := messages.get(timeout=20.0)).frame < frame:
                pass
            tile = shown(image)
            for shift, color in ((1, (20, 20, 20)), (0, (245, 245, 245))):
                place = (11 + shift, HEIGHT - 12 + shift)
                cv2.putText(tile, title, place, cv2.FONT_HERSHEY_DUPLEX, 0.62, color, 1, cv2.LINE_AA)
            tiles.append(tile)
        for camera in cameras:
            camera.stop()
            camera.destroy()
        sheet = np.vstack([np.hstack(tiles[k : k + 2]) for k in range(0, len(tiles), 2)])
        cv2.imwrite(str(Path(__file__).parent / "images" / "cameras.jpg"), sheet, [cv2.IMWRITE_JPEG_QUALITY, 88])
        settings.synchronous_mode = False
        world.apply_settings(settings)


if __name__ == "__main__":
    main()
