"""What the pictures of depth, segmentation, normals and optical flow cameras say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.context import Context, pose_of
from alpamayo_sim.conformance.listening import Listener

CAMERAS = Family("cameras")
_MOUNT = carla.Transform(carla.Location(2.0, 0.0, 1.6))
_WIDTH, _HEIGHT = 240, 160
_SIZE = {"image_size_x": str(_WIDTH), "image_size_y": str(_HEIGHT), "fov": "90"}
_AHEAD_M = 14.0
_HALF_LENGTH_M = 2.4462
"""Of the MKZ: its origin is in the middle."""
_DOCS = "Docs/ref_sensors.md"
_ROAD, _CAR, _LAST_TAG = 1, 14, 28


def _bytes(image: Any) -> NDArray[np.int64]:
    """Return B, G, R, A [height, width, 4]."""
    return np.frombuffer(image.raw_data, np.uint8).reshape(image.height, image.width, 4).astype(np.int64)


def _metres(image: Any) -> NDArray[np.float64]:
    b, g, r, _ = np.moveaxis(_bytes(image), -1, 0)
    return (r + 256 * g + 65536 * b) / (256.0**3 - 1.0) * 1000.0


def _motion(image: Any) -> NDArray[np.float32]:
    return np.frombuffer(image.raw_data, np.float32).reshape(image.height, image.width, 2)


def _two_cars(context: Context) -> tuple[carla.Vehicle, carla.Vehicle]:
    """Return a car and one that stands `_AHEAD_M` ahead of it."""
    straight = context.places.straight(60.0)
    front = context.spawn(carla.Vehicle, "vehicle.lincoln.mkz_2020", straight.at(_AHEAD_M))
    return context.car(straight.at(0.0)), front


def _pixel(point: carla.Vector3D, camera: carla.Transform) -> tuple[float, float]:
    """Return where the intrinsics of CARLA's documentation put a point: focal length w / (2 tan(fov / 2)), middle (w/2, h/2)."""
    inverse = np.array(camera.get_inverse_matrix())
    x, y, z, _ = inverse @ np.array([point.x, point.y, point.z, 1.0])
    focal = _WIDTH / 2.0
    return _WIDTH / 2.0 + focal * y / x, _HEIGHT / 2.0 - focal * z / x


@CAMERAS.check(
    "depth",
    "Depth is along the camera's axis, in 24 bits over 1000 m",
    carla="(R + 256 G + 65536 B) / (256^3 - 1) * 1000 m; planar, so that a flat rear is equally far everywhere.",
    source=_DOCS,
)
def _depth(context: Context) -> Iterator[Measured]:
    vehicle, front = _two_cars(context)
    listener = Listener(context, "sensor.camera.depth", _MOUNT, vehicle, _SIZE)
    image = listener.at(context.tick(2).frame)
    depth = _metres(image)
    column, row = (int(round(v)) for v in _pixel(front.get_location() + carla.Location(z=0.7), image.transform))
    rear_m = front.get_location().distance(vehicle.get_location()) - 2.0 - _HALF_LENGTH_M
    yield Measured("depth of the rear of the car ahead", float(depth[row, column]), "m", rear_m, 0.35)
    ground = float(depth[-1, _WIDTH // 2])
    below = image.transform.location.z - vehicle.get_location().z
    # The middle of the last row looks h/2 - 1/2 pixels down at a focal length of w/2.
    yield Measured("depth of the ground below", ground, "m", below * (_WIDTH / 2.0) / (_HEIGHT / 2.0 - 0.5), 0.12)
    last_row = depth[-1, _WIDTH // 4 : -_WIDTH // 4]
    yield Measured("spread of the ground's depth along a row", float(np.ptp(last_row)), "m", 0.0, 0.15)
    yield Measured("alpha", int(_bytes(image)[..., 3].min()), expected=255)


@CAMERAS.check(
    "semantic_segmentation",
    "Semantic segmentation has the tag in red and nothing else",
    carla="Tags 0 to 28 in R, G and B are 0; roads are 1, cars 14; the client's palette paints roads (128, 64, 128).",
    source=f"{_DOCS}; LibCarla/source/carla/image/CityScapesPalette.h",
)
def _semantic(context: Context) -> Iterator[Measured]:
    vehicle, front = _two_cars(context)
    listener = Listener(context, "sensor.camera.semantic_segmentation", _MOUNT, vehicle, _SIZE)
    image = listener.at(context.tick(2).frame)
    pixels = _bytes(image)
    column, row = (int(round(v)) for v in _pixel(front.get_location() + carla.Location(z=0.7), image.transform))
    yield Measured("largest of G and B", int(pixels[..., :2].max()), expected=0)
    yield Measured("tags are known", bool((pixels[..., 2] <= _LAST_TAG).all()), expected=True)
    yield Measured("tag of the car ahead", int(pixels[row, column, 2]), expected=_CAR)
    yield Measured("tag of the ground below", int(pixels[-1, _WIDTH // 2 + 20, 2]), expected=_ROAD)
    image.convert(carla.ColorConverter.CityScapesPalette)
    painted = _bytes(image)[-1, _WIDTH // 2 + 20, 2::-1].tolist()
    yield Measured("its colour in the palette", str(tuple(painted)), expected="(128, 64, 128)")


@CAMERAS.check(
    "instance_segmentation",
    "Instance segmentation tells vehicles apart by their ids",
    carla="R is the tag, G and B are the low and the high byte of the actor's id.",
    source="Unreal/CarlaUE4/Plugins/Carla/Source/Carla/Game/Tagger.cpp",
)
def _instance(context: Context) -> Iterator[Measured]:
    vehicle, front = _two_cars(context)
    listener = Listener(context, "sensor.camera.instance_segmentation", _MOUNT, vehicle, _SIZE)
    image = listener.at(context.tick(2).frame)
    pixels = _bytes(image)
    column, row = (int(round(v)) for v in _pixel(front.get_location() + carla.Location(z=0.7), image.transform))
    b, g, r, _ = (int(v) for v in pixels[row, column])
    yield Measured("tag of the car ahead", r, expected=_CAR)
    yield Measured("its number is its id", g + 256 * b == front.id & 0xFFFF, expected=True)
    rows, columns = np.nonzero((pixels[..., 1] == g) & (pixels[..., 0] == b) & (pixels[..., 2] == _CAR))
    corners = [
        _pixel(vertex, image.transform) for vertex in front.bounding_box.get_world_vertices(front.get_transform())
    ]
    left, right = min(u for u, _ in corners), max(u for u, _ in corners)
    yield Measured("left edge against its box's", float(columns.min()) - left, "px", 0.0, 3.0)
    yield Measured("right edge against its box's", float(columns.max()) + 1.0 - right, "px", 0.0, 3.0)
    yield Measured("lowest row of it is below its highest", bool(rows.max() > rows.min() + 5), expected=True)


@CAMERAS.check(
    "normals",
    "Normals are those of the world, 0.5 is zero",
    carla="(n + 1) / 2 in R, G, B for x, y, z of the world since 0.9.16: level ground is (128, 128, 255).",
    source="https://github.com/carla-simulator/carla/pull/8859",
)
def _normals(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 0.0)
    mount = carla.Transform(_MOUNT.location, carla.Rotation(yaw=35.0, pitch=-10.0))
    listener = Listener(context, "sensor.camera.normals", mount, vehicle, _SIZE)
    b, g, r, _ = np.median(_bytes(listener.at(context.tick(2).frame))[-20:].reshape(-1, 4), axis=0).tolist()
    yield Measured("x of the ground's normal", r / 127.5 - 1.0, "", 0.0, 0.06)
    yield Measured("y of the ground's normal", g / 127.5 - 1.0, "", 0.0, 0.06)
    yield Measured("z of the ground's normal", b / 127.5 - 1.0, "", 1.0, 0.03)


@CAMERAS.check(
    "optical_flow",
    "Optical flow is in halves of the picture, to the right and up",
    carla="Differences in normalised device coordinates since the last frame: pixels are x w / 2 and -y h / 2.",
    source="Unreal/CarlaUE4/Plugins/Carla/Source/Carla/Sensor/OpticalFlowCamera.cpp; carla issue 4795",
)
def _flow(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(80.0, 5.0)
    listener = Listener(context, "sensor.camera.optical_flow", _MOUNT, vehicle, _SIZE)
    context.tick(2)
    still = _motion(listener.at(context.tick().frame))
    yield Measured("largest motion while the car stands", float(np.abs(still).max()), "", 0.0, 0.01)
    vehicle.apply_control(carla.VehicleControl(throttle=0.7))
    context.tick(40)
    vehicle.apply_control(carla.VehicleControl())
    before = context.tick()
    listener.at(before.frame)
    after = context.tick()
    motion = _motion(listener.at(after.frame))
    moved = pose_of(after, vehicle).location.distance(pose_of(before, vehicle).location)
    height = listener.sensor.get_transform().location.z - pose_of(after, vehicle).location.z
    row = _HEIGHT - 10
    down_px = row + 0.5 - _HEIGHT / 2.0
    away = height * (_WIDTH / 2.0) / down_px
    expected_px = down_px - height * (_WIDTH / 2.0) / (away + moved)
    found_px = float(np.median(motion[row, _WIDTH // 2 - 8 : _WIDTH // 2 + 8, 1])) * -_HEIGHT / 2.0
    yield Measured("motion of the ground, downwards", found_px - expected_px, "px", 0.0, 0.15 * expected_px + 0.3)
    yield Measured("it moves", expected_px > 2.0, expected=True)
    sides = [float(np.median(motion[row, columns, 0])) for columns in (slice(4, 12), slice(-12, -4))]
    yield Measured("the left side goes left, the right one right", sides[0] < 0.0 < sides[1], expected=True)


@CAMERAS.check(
    "lens",
    "Lenses are pinholes until a circle multiplier is given",
    carla="With lens_circle_multiplier 0 the others change nothing; with 3 corners show what is nearer to the middle.",
    source="https://github.com/carla-simulator/carla/pull/2145; carla issue 3198",
)
def _lens(context: Context) -> Iterator[Measured]:
    vehicle, _ = _two_cars(context)
    kind = "sensor.camera.semantic_segmentation"
    lenses = (
        {}, {"lens_k": "2.0", "lens_kcube": "1.0", "lens_x_size": "0.3"},
        {"lens_circle_multiplier": "3.0", "lens_circle_falloff": "3.0"},
    )  # fmt: skip
    listeners = [Listener(context, kind, _MOUNT, vehicle, {**_SIZE, **lens}) for lens in lenses]
    frame = context.tick(2).frame
    plain, same, bent = (_bytes(listener.at(frame))[..., 2] for listener in listeners)
    middle = (slice(_HEIGHT // 3, -_HEIGHT // 3), slice(_WIDTH // 3, -_WIDTH // 3))
    yield Measured("changed by a lens without multiplier", float((plain != same).mean()), "", 0.0, 0.01)
    yield Measured("changed by one in the middle", float((plain != bent)[middle].mean()), "", 0.0, 0.02)
    yield Measured("a multiplier changes the rest", bool((plain != bent).mean() > 0.005), expected=True)
