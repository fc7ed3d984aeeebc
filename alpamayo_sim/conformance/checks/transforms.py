"""Frames, handedness, and where actors are after they were moved."""

from __future__ import annotations

import math
from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.checks.spawning import attached
from alpamayo_sim.conformance.context import CAR, Context, pose_of

TRANSFORMS = Family("transforms")


def turn_deg(to: float, start: float) -> float:
    """Return the signed turn from one yaw to another, degrees in [-180, 180)."""
    return (to - start + 180.0) % 360.0 - 180.0


@TRANSFORMS.check(
    "handedness",
    "The world is left-handed: x forward, y right, z up, yaw grows clockwise",
    carla="Unreal's axes. A vehicle that drives forward moves along its forward vector; steering right raises its yaw.",
    source="Docs/python_api.md, carla.Rotation and carla.VehicleControl",
)
def _handedness(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 10.0)
    start = vehicle.get_transform()
    vehicle.apply_control(carla.VehicleControl(throttle=0.6))
    context.tick(30)
    moved = vehicle.get_location() - start.location
    forward = start.get_forward_vector()
    length = math.hypot(moved.x, moved.y)
    along = moved.x * forward.x + moved.y * forward.y
    yield Measured("distance driven", length, "m", diff_tolerance=1.0)
    yield Measured("part of it along the forward vector", along / max(length, 1e-6), "", 1.0, 0.01)
    yaw = vehicle.get_transform().rotation.yaw
    vehicle.apply_control(carla.VehicleControl(throttle=0.5, steer=0.2))
    context.tick(10)
    turned = turn_deg(vehicle.get_transform().rotation.yaw, yaw)
    yield Measured("steering right raises the yaw", turned > 1.0, expected=True)
    to_right = (vehicle.get_location() - start.location).dot(start.get_right_vector())
    context.tick(10)
    further = (vehicle.get_location() - start.location).dot(start.get_right_vector())
    yield Measured("steering right moves along the right vector", further > to_right, expected=True)


@TRANSFORMS.check(
    "spawn_pose",
    "An actor appears in the pose that it was spawned with",
    carla="The first state after the spawn has the spawn transform: x, y, pitch, yaw and roll to two decimals.",
    source="PythonAPI/test/smoke/test_snapshot.py",
)
def _spawn_pose(context: Context) -> Iterator[Measured]:
    for number, yaw in enumerate((37.0, 128.0, -64.0)):
        spot = context.places.spot(number)
        spot.location.z += 3.0
        spot.rotation.yaw = yaw
        vehicle = context.spawn(carla.Vehicle, CAR, spot)
        pose = pose_of(context.tick(), vehicle)
        yield Measured(f"x and y at spawn point {number}", spot.location.distance_2d(pose.location), "m", 0.0, 0.015)
        yield Measured(f"yaw for {yaw:g}", turn_deg(pose.rotation.yaw, yaw), "deg", 0.0, 0.05)
    tilted = context.places.spot(0)
    tilted.location.z += 8.0
    tilted.rotation = carla.Rotation(pitch=-25.0, yaw=70.0, roll=15.0)
    sensor = context.spawn(carla.Sensor, "sensor.other.gnss", tilted)
    pose = pose_of(context.tick(), sensor)
    for axis in ("pitch", "yaw", "roll"):
        turn = turn_deg(getattr(pose.rotation, axis), getattr(tilted.rotation, axis))
        yield Measured(f"{axis} of a tilted sensor", turn, "deg", 0.0, 0.05)


@TRANSFORMS.check(
    "set_transform",
    "A moved actor is at its new place after the next tick",
    carla="set_transform teleports before the physics of the next frame.",
    source="Docs/core_actors.md; Carla/Actor/CarlaActor.cpp SetActorGlobalTransform",
)
def _set_transform(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    vehicle.set_simulate_physics(False)
    context.tick()
    target = vehicle.get_transform()
    target.location += carla.Location(4.0, -3.0, 6.0)
    target.rotation = carla.Rotation(pitch=5.0, yaw=123.0, roll=-7.0)
    vehicle.set_transform(target)
    pose = pose_of(context.tick(), vehicle)
    yield Measured("distance from the target", pose.location.distance(target.location), "m", 0.0, 0.01)
    for axis in ("pitch", "yaw", "roll"):
        turn = turn_deg(getattr(pose.rotation, axis), getattr(target.rotation, axis))
        yield Measured(f"{axis} beside the target's", turn, "deg", 0.0, 0.02)
    moved = carla.Location(target.location.x + 2.0, target.location.y, target.location.z)
    vehicle.set_location(moved)
    pose = pose_of(context.tick(), vehicle)
    yield Measured("distance after set_location", pose.location.distance(moved), "m", 0.0, 0.01)
    yield Measured("yaw after set_location", turn_deg(pose.rotation.yaw, 123.0), "deg", 0.0, 0.02)


@TRANSFORMS.check(
    "set_transform_physics",
    "A vehicle under physics can be moved too, and stays where it was put",
    carla="A teleport with ETeleportType::TeleportPhysics keeps the velocity; one that stands goes on standing.",
    source="Carla/Actor/CarlaActor.cpp SetActorGlobalTransform",
)
def _set_transform_physics(context: Context) -> Iterator[Measured]:
    straight = context.places.straight(60.0)
    vehicle = context.car(straight.at(5.0))
    target = straight.at(35.0)
    vehicle.set_transform(target)
    pose = pose_of(context.tick(), vehicle)
    yield Measured("x and y after one tick", pose.location.distance_2d(target.location), "m", 0.0, 0.05)
    yield Measured("yaw after one tick", turn_deg(pose.rotation.yaw, target.rotation.yaw), "deg", 0.0, 0.1)
    context.tick(40)
    yield Measured("x and y after two seconds", vehicle.get_location().distance_2d(target.location), "m", 0.0, 0.2)


@TRANSFORMS.check(
    "yaw_range",
    "Yaws come back within (-180, 180]",
    carla="Rotations are read back from a quaternion, so 270 degrees come back as -90.",
    source="Unreal's FTransform stores a quaternion; FQuat::Rotator gives yaws in (-180, 180]",
)
def _yaw_range(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    vehicle.set_simulate_physics(False)
    target = vehicle.get_transform()
    for asked, expected in ((270.0, -90.0), (-350.0, 10.0), (179.0, 179.0)):
        target.rotation = carla.Rotation(yaw=asked)
        vehicle.set_transform(target)
        yaw = pose_of(context.tick(), vehicle).rotation.yaw
        yield Measured(f"yaw for {asked:g}", yaw, "deg", expected, 0.02)


@TRANSFORMS.check(
    "relative",
    "set_transform of an attached actor is relative to its parent",
    carla="An attached actor is moved by SetActorRelativeTransform; get_transform is always in the world frame.",
    source="Docs/python_api.md, carla.Actor.set_transform; CarlaActor.cpp SetActorRelativeTransform",
)
def _relative(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    mount = carla.Transform(carla.Location(z=2.0))
    sensor = context.spawn(carla.Sensor, "sensor.other.gnss", mount, parent=vehicle)
    context.tick()
    moved = carla.Transform(carla.Location(-1.0, 0.5, 3.0), carla.Rotation(yaw=90.0))
    sensor.set_transform(moved)
    context.tick()
    yield from attached(context, vehicle, sensor, moved, "moved by its child's frame")


@TRANSFORMS.check(
    "bounding_boxes",
    "Vehicles have CARLA's bounding boxes",
    carla="The boxes of the Lincoln MKZ 2017 and 2020 and of the Nissan Patrol, centre relative to the origin on the ground.",
    source="read from CARLA recordings (2017, Patrol) and published snapshots of CARLA 0.9.15 (2020)",
)
def _bounding_boxes(context: Context) -> Iterator[Measured]:
    boxes = {
        "vehicle.lincoln.mkz_2017": ((2.4508, 1.0642, 0.7554), (0.004, 0.0, 0.7189)),
        "vehicle.lincoln.mkz_2020": ((2.4462, 0.9184, 0.7451), (-0.006, 0.0, 0.7488)),
        "vehicle.nissan.patrol": ((2.3023, 0.9658, 0.9274), (-0.057, 0.0, 0.935)),
    }
    for number, (type_id, (extent, centre)) in enumerate(boxes.items()):
        vehicle = context.spawn(carla.Vehicle, type_id, context.places.spot(number))
        context.tick()
        box = vehicle.bounding_box
        for axis, half_m, middle_m in zip("xyz", extent, centre, strict=True):
            yield Measured(f"{type_id} extent {axis}", getattr(box.extent, axis), "m", half_m, 0.005)
            yield Measured(f"{type_id} centre {axis}", getattr(box.location, axis), "m", middle_m, 0.01)


@TRANSFORMS.check(
    "velocity_frame",
    "Velocities are in the world frame",
    carla="set_target_velocity and get_velocity are both in the world frame, m/s.",
    source="Docs/python_api.md, carla.Actor.set_target_velocity",
)
def _velocity_frame(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 10.0)
    forward = vehicle.get_transform().get_forward_vector()
    vehicle.set_target_velocity(forward * 8.0)
    context.tick()
    velocity = vehicle.get_velocity()
    speed = math.hypot(velocity.x, velocity.y)
    yield Measured("speed one tick after 8 m/s were set", speed, "m/s", 8.0, 1.0)
    cosine = (velocity.x * forward.x + velocity.y * forward.y) / max(speed, 1e-6)
    yield Measured("cosine with the forward vector", cosine, "", 1.0, 0.005)


@TRANSFORMS.check(
    "spectator",
    "The spectator can be moved and stays",
    carla="An actor `spectator` that set_transform moves; no physics.",
    source="Docs/core_world.md",
)
def _spectator(context: Context) -> Iterator[Measured]:
    spectator = context.world.get_spectator()
    found = spectator.get_transform()
    target = context.places.spot(0)
    target.location.z += 40.0
    target.rotation = carla.Rotation(pitch=-60.0, yaw=45.0)
    try:
        spectator.set_transform(target)
        context.tick(2)
        pose = spectator.get_transform()
    finally:
        spectator.set_transform(found)
    yield Measured("type id", spectator.type_id, expected="spectator")
    yield Measured("distance from where it was put", pose.location.distance(target.location), "m", 0.0, 0.01)
    yield Measured("pitch", pose.rotation.pitch, "deg", -60.0, 0.05)
    yield Measured("yaw", pose.rotation.yaw, "deg", 45.0, 0.05)
