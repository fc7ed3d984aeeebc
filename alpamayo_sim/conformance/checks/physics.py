"""How vehicles move: falling, driving, braking, being pushed, and the physics control that says why."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.checks.transforms import turn_deg
from alpamayo_sim.conformance.context import STEP_S, Context

PHYSICS = Family("physics")
MKZ_2017 = "vehicle.lincoln.mkz_2017"
RECORDINGS = "physics control packets of CARLA recordings (0.9.12/13)"


def speed_mps(actor: carla.Actor) -> float:
    """Return the length of an actor's velocity."""
    return actor.get_velocity().length()


@PHYSICS.check(
    "free_fall",
    "A vehicle in the air falls with 9.8 m/s^2",
    carla="Unreal's gravity of 980 cm/s^2; the speed after one second is 9.8 m/s.",
    source="Unreal's default gravity; set_enable_gravity in Docs/python_api.md",
)
def _free_fall(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    high = vehicle.get_transform()
    high.location.z += 60.0
    vehicle.set_transform(high)
    context.tick(2)
    start_z, start_speed = vehicle.get_location().z, vehicle.get_velocity().z
    context.tick(20)
    fallen, speed = start_z - vehicle.get_location().z, start_speed - vehicle.get_velocity().z
    yield Measured("downward speed gained in one second", speed, "m/s", 9.8, 0.25)
    yield Measured("height lost in that second", fallen + start_speed * 1.0, "m", 4.9, 0.4)


@PHYSICS.check(
    "gravity_off",
    "Without gravity a vehicle stays in the air",
    carla="set_enable_gravity(False) switches off the gravity of the body.",
    source="Docs/python_api.md, carla.Actor.set_enable_gravity",
)
def _gravity_off(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    vehicle.set_enable_gravity(False)
    vehicle.set_target_velocity(carla.Vector3D())
    high = vehicle.get_transform()
    high.location.z += 20.0
    vehicle.set_transform(high)
    context.tick(20)
    yield Measured("height lost in one second", high.location.z - vehicle.get_location().z, "m", 0.0, 0.5)


@PHYSICS.check(
    "standing",
    "A vehicle without input stands, and the hand brake holds it",
    carla="At rest with no input there is no creep.",
    source="CARLA recordings: no creep at rest",
)
def _standing(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(40.0, 10.0)
    start = vehicle.get_location()
    context.tick(60)
    yield Measured("distance crept in three seconds", vehicle.get_location().distance_2d(start), "m", 0.0, 0.05)
    vehicle.apply_control(carla.VehicleControl(throttle=0.4, hand_brake=True))
    context.tick(20)
    moved = vehicle.get_location().distance_2d(start)
    yield Measured("distance in one second of throttle 0.4 with the hand brake on", moved, "m", diff_tolerance=0.3)


@PHYSICS.check(
    "constant_velocity",
    "enable_constant_velocity holds a speed in the vehicle's frame until it is disabled",
    carla="Before each physics step the body's velocity is set to the given one, turned into the world frame.",
    source="Carla/Actor/CarlaActor.cpp EnableActorConstantVelocity; Docs/python_api.md",
)
def _constant_velocity(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 10.0)
    forward = vehicle.get_transform().get_forward_vector()
    vehicle.enable_constant_velocity(carla.Vector3D(5.0, 0.0, 0.0))
    context.tick(5)
    start = vehicle.get_location()
    context.tick(40)
    yield Measured("distance in two seconds", (vehicle.get_location() - start).dot(forward), "m", 10.0, 0.3)
    yield Measured("speed", speed_mps(vehicle), "m/s", 5.0, 0.15)
    vehicle.disable_constant_velocity()
    vehicle.apply_control(carla.VehicleControl(brake=1.0))
    context.tick(30)
    yield Measured("speed after 1.5 s of brake without it", speed_mps(vehicle), "m/s", 0.0, 0.1)


@PHYSICS.check(
    "impulse",
    "An impulse changes the velocity by impulse over mass",
    carla="add_impulse is in N s and acts at the centre of mass once.",
    source="CarlaServer.cpp add_actor_impulse (converted to kg cm/s); Docs/python_api.md",
)
def _impulse(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 10.0)
    mass = vehicle.get_physics_control().mass
    high = vehicle.get_transform()
    high.location.z += 40.0
    vehicle.set_transform(high)
    context.tick(2)
    before = vehicle.get_velocity()
    forward = vehicle.get_transform().get_forward_vector()
    vehicle.add_impulse(forward * (3.0 * mass))
    context.tick()
    change = (vehicle.get_velocity() - before).dot(forward)
    yield Measured("change of velocity by 3 m/s times the mass", change, "m/s", 3.0, 0.1)
    context.tick(5)
    later = (vehicle.get_velocity() - before).dot(forward)
    yield Measured("the same five ticks later", later, "m/s", 3.0, 0.2)
    vehicle.add_force(forward * (20.0 * mass))
    context.tick()
    pushed = (vehicle.get_velocity() - before).dot(forward) - later
    yield Measured("change by a force of 20 m/s^2 times the mass in one tick", pushed, "m/s", 1.0, 0.1)


@PHYSICS.check(
    "steering",
    "Steering turns the front wheels and the car",
    carla="The wheel angle at rest is steer times 70 degrees; the yaw rate is v / 2.871 m tan(0.97 - 0.012 v) of it.",
    source="CARLA recordings (yaw rates of the MKZ 2017 fitted), steering curve of its physics control",
)
def _steering(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 10.0, MKZ_2017)
    vehicle.apply_control(carla.VehicleControl(steer=0.3, hand_brake=True))
    context.tick(30)
    left = vehicle.get_wheel_steer_angle(carla.VehicleWheelLocation.FL_Wheel)
    right = vehicle.get_wheel_steer_angle(carla.VehicleWheelLocation.FR_Wheel)
    yield Measured("mean angle of the front wheels with steer 0.3", 0.5 * (left + right), "deg", 21.0, 2.1)
    rear = vehicle.get_wheel_steer_angle(carla.VehicleWheelLocation.BL_Wheel)
    yield Measured("angle of a rear wheel", rear, "deg", 0.0, 0.05)
    vehicle.apply_control(carla.VehicleControl())
    context.tick(20)
    vehicle.enable_constant_velocity(carla.Vector3D(5.0, 0.0, 0.0))
    vehicle.apply_control(carla.VehicleControl(steer=0.1))
    context.tick(20)
    before = vehicle.get_transform().rotation.yaw
    context.tick(10)
    rate = turn_deg(vehicle.get_transform().rotation.yaw, before) / (10 * STEP_S)
    command = math.radians(0.1 * 70.0 * _steering_curve(18.0))
    expected = math.degrees(5.0 / 2.871 * math.tan((0.97 - 0.012 * 5.0) * command))
    yield Measured("yaw rate at 5 m/s with steer 0.1", rate, "deg/s", round(expected, 3), 0.2 * expected)
    reported = vehicle.get_angular_velocity().z
    yield Measured("reported angular velocity over the measured yaw rate", reported / rate, "", 1.0, 0.1)


def _steering_curve(kmh: float) -> float:
    return 1.0 - 0.1 * min(kmh, 20.0) / 20.0


@PHYSICS.check(
    "physics_control",
    "The physics control of the MKZ 2017 is CARLA's",
    carla="Mass 1696 kg, 6 gears, final ratio 3.21, max_rpm 6500, brake torque 800, wheel radius 35.5 cm, friction 3.5.",
    source=RECORDINGS,
)
def _physics_control(context: Context) -> Iterator[Measured]:
    vehicle = context.car(type_id=MKZ_2017)
    control = vehicle.get_physics_control()
    yield Measured("mass", control.mass, "kg", 1696.0, 0.5)
    yield Measured("drag coefficient", control.drag_coefficient, "", 0.3, 1e-3)
    yield Measured("max_rpm", control.max_rpm, "rpm", 6500.0, 0.5)
    yield Measured("final ratio", control.final_ratio, "", 3.21, 1e-3)
    yield Measured("gears", len(control.forward_gears), expected=6)
    for number, ratio in enumerate((4.584, 2.964, 1.912, 1.446, 1.0, 0.746)):
        yield Measured(f"ratio of gear {number + 1}", control.forward_gears[number].ratio, "", ratio, 1e-3)
    yield Measured("wheels", len(control.wheels), expected=4)
    front, rear = control.wheels[0], control.wheels[2]
    yield Measured("radius of a wheel", front.radius, "cm", 35.5, 0.1)
    yield Measured("largest steer angle in front", front.max_steer_angle, "deg", 70.0, 0.01)
    yield Measured("largest steer angle behind", rear.max_steer_angle, "deg", 0.0, 0.01)
    yield Measured("brake torque of a wheel", front.max_brake_torque, "N m", 800.0, 0.5)
    yield Measured("hand brake torque of a rear wheel", rear.max_handbrake_torque, "N m", 1600.0, 0.5)
    yield Measured("tyre friction", front.tire_friction, "", 3.5, 1e-3)
    wheelbase_cm = math.hypot(front.position.x - rear.position.x, front.position.y - rear.position.y)
    yield Measured("wheelbase", wheelbase_cm / 100.0, "m", 2.871, 0.02)


@PHYSICS.check(
    "physics_control_round_trip",
    "A physics control that was applied comes back",
    carla="Every field comes back within 1e-3.",
    source="PythonAPI/test/smoke/test_vehicle_physics.py",
)
def _physics_control_round_trip(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    control: Any = vehicle.get_physics_control()
    changes = {"mass": 2100.0, "drag_coefficient": 0.45, "max_rpm": 5800.0, "final_ratio": 4.1, "moi": 1.5}
    for name, value in changes.items():
        setattr(control, name, value)
    control.torque_curve = [carla.Vector2D(0.0, 400.0), carla.Vector2D(1500.0, 550.0), carla.Vector2D(6000.0, 480.0)]
    control.center_of_mass = carla.Vector3D(0.3, 0.05, -0.2)
    wheels = control.wheels
    for wheel in wheels:
        wheel.tire_friction, wheel.max_brake_torque = 2.25, 1100.0
    control.wheels = wheels
    vehicle.apply_physics_control(control)
    context.tick(2)
    back = vehicle.get_physics_control()
    for name, value in changes.items():
        yield Measured(name, getattr(back, name), "", value, 1e-3)
    yield Measured("points of the torque curve", len(back.torque_curve), expected=3)
    yield Measured("second torque", back.torque_curve[1].y, "N m", 550.0, 1e-2)
    yield Measured("centre of mass z", back.center_of_mass.z, "m", -0.2, 1e-3)
    yield Measured("tyre friction", back.wheels[3].tire_friction, "", 2.25, 1e-3)
    yield Measured("brake torque", back.wheels[0].max_brake_torque, "N m", 1100.0, 1e-2)


@PHYSICS.check(
    "sticky_control",
    "A control lasts until the next one; without sticky_control only for one tick",
    carla="sticky_control is true by default; false zeroes the control after each tick.",
    source="PythonAPI/test/smoke/test_vehicle_physics.py; Docs/bp_library.md",
)
def _sticky_control(context: Context) -> Iterator[Measured]:
    for number, sticky in enumerate((True, False)):
        attributes = {} if sticky else {"sticky_control": "False"}
        vehicle = context.car_on_straight(60.0, 5.0 + 20.0 * number, **attributes)
        vehicle.apply_control(carla.VehicleControl(throttle=0.8))
        context.tick(30)
        throttle = vehicle.get_control().throttle
        name = "with" if sticky else "without"
        yield Measured(f"throttle after 30 ticks {name} sticky_control", throttle, "", 0.8 if sticky else 0.0, 1e-3)


@PHYSICS.check(
    "simulate_physics_off",
    "A vehicle without physics does not drive",
    carla="set_simulate_physics(False) makes the body kinematic.",
    source="Docs/python_api.md, carla.Actor.set_simulate_physics",
)
def _simulate_physics_off(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(40.0, 10.0)
    vehicle.set_simulate_physics(False)
    vehicle.apply_control(carla.VehicleControl(throttle=1.0))
    start = vehicle.get_location()
    context.tick(40)
    yield Measured("distance in two seconds of throttle", vehicle.get_location().distance(start), "m", 0.0, 0.01)
    vehicle.set_simulate_physics(True)
    context.tick(40)
    moved = vehicle.get_location().distance(start)
    yield Measured("it drives once physics is back", moved > 1.0, expected=True)


@PHYSICS.check(
    "fixed_delta",
    "The step length does not change how far a car drives",
    carla="Physics runs in substeps of at most 10 ms, so steps of 20, 50 and 100 ms drive the same way.",
    source="Docs/adv_synchrony_timestep.md (substepping)",
)
def _fixed_delta(context: Context) -> Iterator[Measured]:
    distances: list[float] = []
    for step_s in (0.02, 0.05, 0.1):
        context.synchronise()
        vehicle = context.car_on_straight(60.0, 5.0)
        context.synchronise(step_s=step_s)
        start = vehicle.get_location()
        vehicle.apply_control(carla.VehicleControl(throttle=1.0))
        snapshot = context.tick(round(2.0 / step_s))
        yield Measured(f"delta_seconds with {step_s:g} s", snapshot.timestamp.delta_seconds, "s", step_s, 1e-6)
        distances.append(vehicle.get_location().distance(start))
        context.clean_up()
    for step_s, distance in zip((0.02, 0.05, 0.1), distances, strict=True):
        yield Measured(f"distance in 2 s with {step_s:g} s", distance, "m", diff_tolerance=1.0)
    spread = (max(distances) - min(distances)) / max(max(distances), 1e-6)
    yield Measured("spread of the distances over the largest", spread, "", 0.0, 0.15)


@PHYSICS.check(
    "lights_round_trip",
    "The light state of a vehicle is what was set",
    carla="set_light_state is kept as a mask of bits.",
    source="Docs/python_api.md, carla.VehicleLightState",
)
def _lights_round_trip(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    mask = carla.VehicleLightState(carla.VehicleLightState.LowBeam | carla.VehicleLightState.LeftBlinker)
    vehicle.set_light_state(mask)
    context.tick(2)
    yield Measured("bits", int(vehicle.get_light_state()), expected=int(mask))
    listed = context.world.get_vehicles_light_states()
    yield Measured("bits in the list of all vehicles", int(listed.get(vehicle.id, 0)), expected=int(mask))
