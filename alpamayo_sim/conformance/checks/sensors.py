"""When sensors measure, and what their messages say about it."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.context import Context, pose_of
from alpamayo_sim.conformance.listening import Listener

SENSORS = Family("sensors")
_MOUNT = carla.Transform(carla.Location(1.6, 0.0, 1.7), carla.Rotation(yaw=20.0))
_SMALL = {"image_size_x": "64", "image_size_y": "48"}
_PERIODIC: dict[str, dict[str, str]] = {
    "sensor.other.gnss": {},
    "sensor.other.imu": {},
    "sensor.other.radar": {},
    "sensor.lidar.ray_cast": {},
    "sensor.lidar.ray_cast_semantic": {},
    "sensor.camera.rgb": _SMALL,
    "sensor.camera.depth": _SMALL,
    "sensor.camera.semantic_segmentation": _SMALL,
    "sensor.camera.instance_segmentation": _SMALL,
    "sensor.camera.normals": _SMALL,
    "sensor.camera.optical_flow": _SMALL,
}
_SMOKE = "PythonAPI/test/smoke/test_sync.py"


def _frames_of(type_id: str) -> None:
    """Add the check of one periodic sensor's frame numbers."""

    @SENSORS.check(
        f"frames.{type_id.removeprefix('sensor.')}",
        f"{type_id} measures at every tick, and says at which",
        carla="One message a tick with the tick's frame and time and the sensor's transform, exactly that of the state.",
        source=_SMOKE,
    )
    def _frames(context: Context) -> Iterator[Measured]:
        vehicle = context.car()
        listener = Listener(context, type_id, _MOUNT, vehicle, _PERIODIC[type_id])
        vehicle.apply_control(carla.VehicleControl(throttle=0.75))
        first = context.tick()
        message = listener.next()
        yield Measured("frame of the first message less the first tick's", message.frame - first.frame, expected=0)
        frame_errors, time_errors, place_errors, turn_errors = [0], [0.0], [0.0], [0.0]
        for _ in range(10):
            snapshot = context.tick()
            message = listener.next()
            frame_errors.append(message.frame - snapshot.frame)
            time_errors.append(abs(message.timestamp - snapshot.timestamp.elapsed_seconds))
            state = pose_of(snapshot, listener.sensor)
            place_errors.append(message.transform.location.distance(state.location))
            turn_errors.append((message.transform.get_forward_vector() - state.get_forward_vector()).length())
        yield Measured("smallest difference between the message's frame and the tick's", min(frame_errors), expected=0)
        yield Measured("largest difference between the message's frame and the tick's", max(frame_errors), expected=0)
        yield Measured("largest difference of the times", max(time_errors), "s", 0.0, 1e-6)
        yield Measured(
            "largest distance between the message's place and the state's", max(place_errors), "m", 0.0, 1e-3
        )
        yield Measured("largest difference of the forward vectors", max(turn_errors), "", 0.0, 1e-3)
        yield Measured("further messages", len(listener.rest()), expected=0)


for _type_id in _PERIODIC:
    _frames_of(_type_id)


@SENSORS.check(
    "sensor_tick",
    "sensor_tick thins a sensor's messages",
    carla="With sensor_tick 1 s, steps of 0.05 s and 50 ticks a sensor sends ceil(2.5) = 3 messages.",
    source="PythonAPI/test/smoke/test_sensor_tick_time.py",
)
def _sensor_tick(context: Context) -> Iterator[Measured]:
    place = context.places.spot(0)
    place.location.z += 5.0
    listeners = [
        Listener(context, type_id, place, None, {"sensor_tick": "1.0"})
        for type_id in ("sensor.other.gnss", "sensor.other.imu")
    ]
    context.tick(50)
    for listener in listeners:
        messages = listener.rest(3)
        yield Measured(f"messages of {listener.sensor.type_id}", len(messages), expected=3)
        steps = [b.timestamp - a.timestamp for a, b in zip(messages[:-1], messages[1:], strict=True)]
        yield Measured(f"largest period of {listener.sensor.type_id}", max(steps, default=0.0), "s", 1.0, 0.051)


@SENSORS.check(
    "order",
    "A sensor's message of a tick is there when the tick is answered, or comes after it",
    carla="The state is broadcast, then sensors measure (PostPhysTick); clients wait for both.",
    source="Carla/Game/CarlaEngine.cpp; which comes first at a client is not specified",
)
def _order(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    listener = Listener(context, "sensor.other.gnss", _MOUNT, vehicle)
    context.tick()
    listener.next()
    told = 0
    for _ in range(10):
        context.tick()
        told += bool(listener.rest(1))
    yield Measured("ticks of 10 that were told", told, expected=10)


@SENSORS.check(
    "stop",
    "A sensor that is stopped says nothing more, and can be listened to again",
    carla="stop() ends the subscription; listen() begins a new one.",
    source="Docs/python_api.md, carla.Sensor.stop",
)
def _stop(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    listener = Listener(context, "sensor.other.gnss", _MOUNT, vehicle)
    context.tick(3)
    yield Measured("messages in three ticks", len(listener.rest(3)), expected=3)
    listener.sensor.stop()
    yield Measured("it calls itself listening", listener.sensor.is_listening(), expected=False)
    context.tick(3)
    yield Measured("messages after stop", len(listener.rest()), expected=0)
    heard = threading.Event()
    listener.sensor.listen(lambda message: heard.set())
    context.tick(3)
    yield Measured("it speaks again", heard.wait(30.0), expected=True)


@SENSORS.check(
    "camera_format",
    "A camera's image has the size that was asked for, in BGRA",
    carla="width x height x 4 bytes BGRA with alpha 255; fov comes back; the image is not one colour.",
    source="Docs/ref_sensors.md; LibCarla/source/carla/sensor/s11n/ImageSerializer.h",
)
def _camera_format(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    attributes = {"image_size_x": "120", "image_size_y": "90", "fov": "75"}
    listener = Listener(context, "sensor.camera.rgb", _MOUNT, vehicle, attributes)
    image = listener.at(context.tick(2).frame)
    yield Measured("width", image.width, "px", 120)
    yield Measured("height", image.height, "px", 90)
    yield Measured("fov", image.fov, "deg", 75.0, 1e-3)
    raw = bytes(image.raw_data)
    yield Measured("bytes", len(raw), expected=120 * 90 * 4)
    yield Measured("alpha is 255 everywhere", set(raw[3::4]) == {255}, expected=True)
    yield Measured(
        "there is a picture", len(set(zip(raw[0::4], raw[1::4], raw[2::4], strict=True))) > 20, expected=True
    )
