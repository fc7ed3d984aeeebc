"""What sensors measure: GNSS, IMU, collisions, lane markings, obstacles, rays."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured, Skip
from alpamayo_sim.conformance.context import CAR, Context, state_of
from alpamayo_sim.conformance.listening import Listener

MEASUREMENTS = Family("measurements")
_EARTH_RADIUS_M = 6378137.0
_CENTRE = carla.Transform()


@MEASUREMENTS.check(
    "gnss",
    "GNSS gives latitude, longitude and altitude about the map's georeference",
    carla="Mercator with the earth's radius 6378137 m: x to the east, y to the south, altitude z.",
    source="LibCarla/source/carla/geom/GeoLocation.cpp; Carla/Sensor/GnssSensor.cpp",
)
def _gnss(context: Context) -> Iterator[Measured]:
    found = re.search(r"\+lat_0=([-+0-9.eE]+).*?\+lon_0=([-+0-9.eE]+)", context.map.to_opendrive(), re.DOTALL)
    if found is None:
        raise Skip("the map's geoReference has no lat_0 and lon_0")
    latitude0, longitude0 = float(found[1]), float(found[2])
    place = context.places.spot(0)
    place.location.z += 3.0
    listener = Listener(context, "sensor.other.gnss", place, None)
    message = listener.at(context.tick(2).frame)
    at = message.transform.location
    scale = math.cos(math.radians(latitude0))
    north = scale * _EARTH_RADIUS_M * math.log(math.tan(math.radians(90.0 + latitude0) / 2.0)) - at.y
    east = scale * math.radians(longitude0) * _EARTH_RADIUS_M + at.x
    latitude = math.degrees(2.0 * math.atan(math.exp(north / (_EARTH_RADIUS_M * scale)))) - 90.0
    longitude = math.degrees(east / (_EARTH_RADIUS_M * scale))
    yield Measured("latitude", message.latitude, "deg", round(latitude, 8), 2e-6)
    yield Measured("longitude", message.longitude, "deg", round(longitude, 8), 2e-6)
    yield Measured("altitude less z", message.altitude - at.z, "m", 0.0, 0.01)


@MEASUREMENTS.check(
    "imu_at_rest",
    "An IMU at rest measures gravity, no turn, and its heading",
    carla="Accelerometer (0, 0, 9.81), gyroscope 0, compass = yaw + 90 degrees from north (0, -1, 0).",
    source="Carla/Sensor/InertialMeasurementUnit.cpp; Docs/ref_sensors.md",
)
def _imu_at_rest(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(40.0, 10.0)
    listener = Listener(context, "sensor.other.imu", _CENTRE, vehicle)
    first = listener.at(context.tick().frame)
    yield Measured("z of the first message", first.accelerometer.z, "m/s^2", 9.81, 0.05)
    second = listener.at(context.tick().frame)
    spurious = second.accelerometer.length() > 100.0
    yield Measured("the second message is spurious (the sensor's first places are zero)", spurious)
    message = listener.at(context.tick(10).frame)
    flat = math.hypot(message.accelerometer.x, message.accelerometer.y)
    yield Measured("z of the accelerometer", message.accelerometer.z, "m/s^2", 9.81, 0.05)
    yield Measured("x and y of the accelerometer", flat, "m/s^2", 0.0, 0.15)
    yield Measured("gyroscope", message.gyroscope.length(), "rad/s", 0.0, 0.01)
    heading = math.radians(message.transform.rotation.yaw + 90.0) % (2.0 * math.pi)
    error = (message.compass - heading + math.pi) % (2.0 * math.pi) - math.pi
    yield Measured("compass less yaw and 90 degrees", error, "rad", 0.0, 1e-3)


@MEASUREMENTS.check(
    "imu_turning",
    "An IMU in a turn measures the turn",
    carla="The gyroscope is the parent's angular velocity in rad/s in the sensor's frame; yaw to the right is positive.",
    source="Carla/Sensor/InertialMeasurementUnit.cpp ComputeGyroscope",
)
def _imu_turning(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 10.0)
    listener = Listener(context, "sensor.other.imu", _CENTRE, vehicle)
    vehicle.apply_control(carla.VehicleControl(throttle=0.6, steer=0.15))
    snapshot = context.tick(40)
    message = listener.at(snapshot.frame)
    rate = math.radians(state_of(snapshot, vehicle).get_angular_velocity().z)
    yield Measured("the car turns", rate > 0.05, expected=True)
    yield Measured("gyroscope z less the state's angular velocity", message.gyroscope.z - rate, "rad/s", 0.0, 0.03)


@MEASUREMENTS.check(
    "collision",
    "A collision is told to both detectors, with the other actor and the impulse",
    carla="One event for a pair of actors a frame at most, with the frame of the tick; the impulse is in N s.",
    source="Carla/Sensor/CollisionSensor.cpp; Docs/ref_sensors.md",
)
def _collision(context: Context) -> Iterator[Measured]:
    straight = context.places.straight(60.0)
    behind, front = context.car(straight.at(8.0)), context.car(straight.at(20.0))
    listeners = {car.id: Listener(context, "sensor.other.collision", _CENTRE, car) for car in (behind, front)}
    forward = behind.get_transform().get_forward_vector()
    first_frame = context.tick().frame
    behind.enable_constant_velocity(carla.Vector3D(8.0, 0.0, 0.0))
    frames = [context.tick().frame for _ in range(40)]
    behind.disable_constant_velocity()
    events = {car_id: listener.rest(1) for car_id, listener in listeners.items()}
    for name, car, other in (("the one behind", behind, front), ("the one in front", front, behind)):
        mine = [event for event in events[car.id] if event.other_actor.id == other.id]
        yield Measured(f"{name} is told", len(mine) > 0, expected=True)
        if mine:
            yield Measured(f"{name}: the event names it", mine[0].actor.id == car.id, expected=True)
            known = all(event.frame in frames or event.frame == first_frame for event in mine)
            yield Measured(f"{name}: frames are those of ticks", known, expected=True)
            once = len({event.frame for event in mine}) == len(mine)
            yield Measured(f"{name}: at most one event a frame", once, expected=True)
            impulse = abs(mine[0].normal_impulse.dot(forward))
            yield Measured(f"{name}: first impulse along the road", impulse, "N s", diff_tolerance=5000.0)
    yield Measured("the struck car was pushed", front.get_velocity().length() > 0.5, expected=True)


def _car_with(context: Context, sensor: str, at_m: float, speed_mps: float) -> tuple[carla.Vehicle, Listener]:
    """Return a car that drives along a straight at a constant speed from the next tick on, and what its sensor tells."""
    vehicle = context.car_on_straight(60.0, at_m)
    listener = Listener(context, sensor, _CENTRE, vehicle)
    vehicle.enable_constant_velocity(carla.Vector3D(speed_mps, 0.0, 0.0))
    return vehicle, listener


@MEASUREMENTS.check(
    "no_collision",
    "Driving freely is no collision",
    carla="A detector is silent while nothing but the road is touched.",
    source="Carla/Sensor/CollisionSensor.cpp (wheels are no colliding mesh)",
)
def _no_collision(context: Context) -> Iterator[Measured]:
    _, listener = _car_with(context, "sensor.other.collision", 8.0, 6.0)
    context.tick(60)
    yield Measured("events", len(listener.rest()), expected=0)


@MEASUREMENTS.check(
    "lane_invasion",
    "Crossing a lane marking is told once, with the marking",
    carla="The client compares the corners of the parent's box with the map's markings at every state.",
    source="LibCarla/source/carla/client/LaneInvasionSensor.cpp",
)
def _lane_invasion(context: Context) -> Iterator[Measured]:
    vehicle, listener = _car_with(context, "sensor.other.lane_invasion", 20.0, 3.0)
    context.tick(10)
    yield Measured("events while driving along the lane", len(listener.rest()), expected=0)
    vehicle.enable_constant_velocity(carla.Vector3D(1.0, -2.5, 0.0))
    context.tick(30)
    events = listener.rest(1)
    yield Measured("crossing the left marking is told", len(events) > 0, expected=True)
    kinds = sorted({str(marking.type) for event in events for marking in event.crossed_lane_markings})
    yield Measured("kinds of marking", ", ".join(kinds))


@MEASUREMENTS.check(
    "obstacle",
    "The obstacle detector tells what is ahead, and how far",
    carla="A sphere swept forward; the message has the other actor and the distance in metres.",
    source="Carla/Sensor/ObstacleDetectionSensor.cpp",
)
def _obstacle(context: Context) -> Iterator[Measured]:
    straight = context.places.straight(60.0)
    behind, front = context.car(straight.at(8.0)), context.car(straight.at(20.0))
    bonnet = carla.Transform(carla.Location(x=2.5, z=1.0))
    attributes = {"distance": "20", "only_dynamics": "true", "hit_radius": "0.3"}
    listener = Listener(context, "sensor.other.obstacle", bonnet, behind, attributes)
    context.tick(5)
    events = listener.rest(1)
    yield Measured("it is told", len(events) > 0, expected=True)
    if events:
        yield Measured("the other actor is the car ahead", events[-1].other_actor.id == front.id, expected=True)
        gap = 12.0 - 2.5 - 2.4462
        yield Measured("distance less the gap", events[-1].distance - gap, "m", 0.0, 0.6)


@MEASUREMENTS.check(
    "lidar",
    "A lidar's points are where they say, in the sensor's frame",
    carla="Points of x, y, z, intensity in the sensor's left-handed frame; counts by channel sum to the points.",
    source="PythonAPI/test/smoke/test_lidar.py; Docs/ref_sensors.md",
)
def _lidar(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 20.0)
    attributes = {"channels": "32", "range": "30", "points_per_second": "60000", "rotation_frequency": "20"}
    listener = Listener(context, "sensor.lidar.ray_cast", carla.Transform(carla.Location(z=2.4)), vehicle, attributes)
    message = listener.at(context.tick(3).frame)
    points = len(message.raw_data) // 16
    yield Measured("channels", message.channels, expected=32)
    counted = sum(message.get_point_count(channel) for channel in range(message.channels))
    yield Measured("points by channel less points", counted - points, expected=0)
    yield Measured("there are points", points > 0, expected=True)
    on_lane = [detection.point.z for detection in message if abs(detection.point.y) < 1.5]
    yield Measured("lowest point in the lane", min(on_lane, default=0.0), "m", -2.4, 0.4)


@MEASUREMENTS.check(
    "radar",
    "A radar measures the car ahead: depth and no relative speed",
    carla="Detections of velocity, azimuth, altitude, depth; a standing target has velocity 0.",
    source="Docs/ref_sensors.md; Carla/Sensor/Radar.cpp",
)
def _radar(context: Context) -> Iterator[Measured]:
    straight = context.places.straight(60.0)
    behind = context.car(straight.at(8.0))
    context.spawn(carla.Vehicle, CAR, straight.at(20.0))
    mount = carla.Transform(carla.Location(x=2.5, z=0.8))
    listener = Listener(context, "sensor.other.radar", mount, behind, {"range": "50", "points_per_second": "6000"})
    message = listener.at(context.tick(30).frame)
    depths = [d.depth for d in message if abs(d.azimuth) < 0.03 and abs(d.altitude) < 0.03]
    yield Measured("there are detections ahead", len(depths) > 0, expected=True)
    if depths:
        yield Measured("nearest depth straight ahead", min(depths), "m", 12.0 - 2.5 - 2.4462, 0.6)
        yield Measured("largest speed", max(abs(d.velocity) for d in message), "m/s", 0.0, 0.2)
