"""Depth, segmentation, normals and optical flow as the real client decodes them."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

import carla
import numpy as np
import pytest
from numpy.typing import NDArray
from waits import LONG_S, until

from alpamayo_sim.render.lens import Lens

SIZE = {"image_size_x": "200", "image_size_y": "120"}
MOUNT = carla.Transform(carla.Location(x=1.6, z=1.7))
PALETTE = {1: (128, 64, 128), 3: (70, 70, 70), 11: (70, 130, 180), 14: (0, 0, 142), 24: (157, 234, 50)}
"""Some of CARLA's colours of semantic tags, RGB."""
FAR_M = 999.9997
"""What the sky's depth decodes to."""


class Eye:
    """A listening camera and its pictures."""

    def __init__(self, sensor: carla.Sensor) -> None:
        self.sensor = sensor
        self._images: queue.SimpleQueue[Any] = queue.SimpleQueue()
        sensor.listen(self._images.put)

    def at(self, frame: int) -> Any:
        while (image := self._images.get(timeout=LONG_S)).frame < frame:
            pass
        assert image.frame == frame
        return image

    def close(self) -> None:
        self.sensor.stop()
        self.sensor.destroy()


Open = Callable[..., Eye]


@pytest.fixture
def eye(world: carla.World, car: carla.Vehicle) -> Iterator[Open]:
    """Mounts cameras on the car."""
    opened: list[Eye] = []

    def mount(kind: str, transform: carla.Transform = MOUNT, **attributes: str) -> Eye:
        blueprint = world.get_blueprint_library().find(f"sensor.camera.{kind}")
        for name, value in {**SIZE, **attributes}.items():
            blueprint.set_attribute(name, value)
        sensor = world.spawn_actor(blueprint, transform, attach_to=car)
        assert isinstance(sensor, carla.Sensor)
        opened.append(Eye(sensor))
        return opened[-1]

    yield mount
    for one in opened:
        one.close()


def bgra(image: Any) -> NDArray[np.int64]:
    return np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4).astype(np.int64)


def depth_m(image: Any) -> NDArray[np.float64]:
    b, g, r, _ = np.moveaxis(bgra(image), -1, 0)
    return (r + 256 * g + 65536 * b) / 16777215.0 * 1000.0


def ahead(car: carla.Vehicle, forward_m: float, right_m: float = 0.0, up_m: float = 0.3) -> carla.Transform:
    pose = car.get_transform()
    f, r = pose.get_forward_vector(), pose.get_right_vector()
    pose.location += carla.Location(forward_m * f.x + right_m * r.x, forward_m * f.y + right_m * r.y, up_m)
    return pose


@pytest.fixture
def other(world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle) -> carla.Actor:
    """A car that stands ahead."""
    found = world.spawn_actor(library.find("vehicle.tesla.model3"), ahead(car, 11.0))
    for _ in range(20):
        world.tick()
    return found


def test_each_camera_says_what_carla_says(world: carla.World, eye: Open, other: carla.Actor) -> None:
    kinds = ("depth", "semantic_segmentation", "instance_segmentation", "normals")
    eyes = {kind: eye(kind) for kind in kinds}
    frame = world.tick()
    images = {kind: one.at(frame) for kind, one in eyes.items()}
    for kind, image in images.items():
        assert isinstance(image, carla.Image) and (image.width, image.height, image.fov) == (200, 120, 90.0), kind
        assert len(image.raw_data) == 200 * 120 * 4 and (bgra(image)[..., 3] == 255).all()
        assert image.transform == eyes[kind].sensor.get_transform()
    depth, tags = depth_m(images["depth"]), bgra(images["semantic_segmentation"])
    assert (tags[..., :2] == 0).all() and tags[..., 2].max() <= 28
    assert (depth[tags[..., 2] == 11] > FAR_M - 1e-3).all() and (tags[..., 2] == 11).sum() > 100
    assert {1, 3, 11, 14} <= set(np.unique(tags[..., 2]))
    instance = bgra(images["instance_segmentation"])
    assert (instance[..., 2] == tags[..., 2]).mean() > 0.998, (
        "but for pixels at edges, which round by the place in the atlas"
    )
    numbers = instance[..., 1] + 256 * instance[..., 0]
    assert (instance[..., 2][numbers == other.id & 0xFFFF] == 14).all() and (numbers == other.id & 0xFFFF).sum() > 200
    near = depth[numbers == other.id & 0xFFFF]
    assert 5.0 < near.min() < 8.5 and near.max() < 13.0
    normal = bgra(images["normals"])[..., 2::-1][tags[..., 2] == 1] / 127.5 - 1.0
    assert (normal[:, 2] > 0.99).mean() > 0.99


def test_the_clients_converters_work_on_each(world: carla.World, eye: Open, other: carla.Actor) -> None:
    depth, tags, instance = eye("depth"), eye("semantic_segmentation"), eye("instance_segmentation")
    frame = world.tick()
    image = depth.at(frame)
    metres = depth_m(image)
    image.convert(carla.ColorConverter.Depth)
    grey = bgra(image)
    np.testing.assert_allclose(grey[..., 0], metres / 1000.0 * 255.0, atol=1.0)
    assert (grey[..., 0] == grey[..., 2]).all()
    labels = tags.at(frame)
    before = bgra(labels)[..., 2]
    labels.convert(carla.ColorConverter.CityScapesPalette)
    for tag, color in PALETTE.items():
        assert (bgra(labels)[..., 2::-1][before == tag] == color).all()
    instance.at(frame).convert(carla.ColorConverter.CityScapesPalette)
    frame = world.tick()
    image = depth.at(frame)
    image.convert(carla.ColorConverter.LogarithmicDepth)
    assert bgra(image)[..., 0].min() < 150 and bgra(image)[..., 0].max() == 255


def test_flow_is_an_image_of_two_floats_that_can_be_coloured(world: carla.World, car: carla.Vehicle, eye: Open) -> None:
    flow = eye("optical_flow")
    first = flow.at(world.tick())
    assert isinstance(first, carla.OpticalFlowImage) and (first.width, first.height, first.fov) == (200, 120, 90.0)
    assert len(first.raw_data) == 200 * 120 * 8
    still = np.frombuffer(flow.at(world.tick()).raw_data, np.float32).reshape(120, 200, 2)
    assert np.abs(still).max() < 2e-3, "nothing moves but the settling car"
    car.apply_control(carla.VehicleControl(throttle=0.8))
    image = flow.at([world.tick() for _ in range(25)][-1])
    moving = np.frombuffer(image.raw_data, np.float32).reshape(120, 200, 2)
    # The camera goes ahead: the ground below comes nearer, to the left on the left side, to the right on the right.
    assert moving[-5, 100, 1] < -0.01 and moving[-5, 20, 0] < -0.01 and moving[-5, 180, 0] > 0.01
    pixel = image[0]
    assert (pixel.x, pixel.y) == tuple(float(v) for v in moving[0, 0])
    colored = np.frombuffer(image.get_color_coded_flow().raw_data, np.uint8).reshape(120, 200, 4)
    assert np.ptp(colored[..., :3]) > 100


def test_sensor_tick_lets_a_camera_wait(world: carla.World, eye: Open) -> None:
    slow = eye("depth", sensor_tick="0.2")
    frames: list[int] = []
    slow.sensor.stop()
    slow.sensor.listen(lambda image: frames.append(image.frame))
    first = world.tick()
    last = first
    for _ in range(16):
        last = world.tick()
    for _ in range(4):
        world.tick()
    until(lambda: bool(frames) and frames[-1] > last)  # nothing that was taken before is still on its way then
    assert len([f for f in frames if f <= last]) in (4, 5)
    assert set(np.diff(frames)) == {4}


@pytest.mark.parametrize("kind", ["depth", "semantic_segmentation", "instance_segmentation", "normals", "optical_flow"])
def test_sizes_that_no_camera_has_are_refused(world: carla.World, eye: Open, kind: str) -> None:
    with pytest.raises(RuntimeError, match="can not be spawned"):
        eye(kind, image_size_x="0")
    with pytest.raises(RuntimeError, match="can not be spawned"):
        eye(kind, lens_k="nan")


def test_a_lens_bends_every_kind_alike(world: carla.World, eye: Open) -> None:
    lens = {"lens_circle_multiplier": "3.0", "lens_circle_falloff": "3.0"}
    shown_from = Lens(circle_multiplier=3.0, circle_falloff=3.0).sources(200, 120)
    kinds = ("rgb", "depth", "semantic_segmentation", "normals")
    plain, bent = {kind: eye(kind) for kind in kinds}, {kind: eye(kind, **lens) for kind in kinds}
    frame = world.tick()
    for kind in kinds:
        flat, seen = plain[kind].at(frame), bent[kind].at(frame)
        a, b = (depth_m(flat), depth_m(seen)) if kind == "depth" else (bgra(flat)[..., 2], bgra(seen)[..., 2])
        close = np.abs(a.ravel()[shown_from].reshape(a.shape) - b) <= (1e-3 * b + 1e-3 if kind == "depth" else 2.0)
        assert close.mean() > 0.99, kind
        assert (np.abs(a - b) > 2.0).mean() > 0.02, f"{kind}: corners show what is nearer to the middle"


def test_control_view_shows_lanes_and_boxes(
    world: carla.World, eye: Open, car: carla.Vehicle, other: carla.Actor
) -> None:
    view = eye("cosmos_visualization")
    frame = world.tick()
    image = view.at(frame)
    assert isinstance(image, carla.Image) and (image.width, image.height, image.fov) == (200, 120, 90.0)
    pixels = bgra(image)
    colors, counts = np.unique(pixels[..., 2::-1].reshape(-1, 3), axis=0, return_counts=True)
    seen = {tuple(color): count for color, count in zip(colors.tolist(), counts.tolist(), strict=True)}
    assert seen[0, 0, 0] > 0.5 * 200 * 120 and seen[200, 36, 35] > 100 and seen[98, 183, 249] > 30
    assert (pixels[..., 3] == 255).all()
    inverse = np.array(image.transform.get_inverse_matrix())
    corners = [inverse @ [v.x, v.y, v.z, 1.0] for v in other.bounding_box.get_world_vertices(other.get_transform())]
    places = np.array([(100.0 + 100.0 * y / x, 60.0 - 100.0 * z / x) for x, y, z, _ in corners])
    for u, v in places:
        part = pixels[max(0, int(v) - 2) : int(v) + 3, max(0, int(u) - 2) : int(u) + 3, 2::-1]
        assert (part == (255, 0, 0)).all(axis=2).any(), "each corner of the box ahead has red lines"


def test_events_of_a_moving_camera(world: carla.World, eye: Open, car: carla.Vehicle) -> None:
    dvs = eye("dvs")
    car.apply_control(carla.VehicleControl(throttle=0.8))
    frames = [world.tick() for _ in range(25)]
    message = dvs.at(frames[-1])
    assert isinstance(message, carla.DVSEventArray) and (message.width, message.height, message.fov) == (200, 120, 90.0)
    assert len(message) > 50
    events = np.frombuffer(message.raw_data, np.dtype([("x", "<u2"), ("y", "<u2"), ("t", "<i8"), ("pol", "?")]))
    assert len(events) == len(message) and events["x"].max() < 200 and events["y"].max() < 120
    now_ns = message.timestamp * 1e9
    assert now_ns - 50.1e6 < events["t"].min() and events["t"].max() <= now_ns + 1e3
    assert len(message.to_array_pol()) == len(events)
    assert len(message.to_image()) > 0


def test_full_hd(world: carla.World, eye: Open) -> None:
    large = eye("semantic_segmentation", image_size_x="1920", image_size_y="1080")
    tags = bgra(large.at(world.tick()))[..., 2]
    assert tags.shape == (1080, 1920) and {1, 11} <= set(np.unique(tags))
