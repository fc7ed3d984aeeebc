"""Vehicles obey controls, forces and physics settings, and tell what they do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stepping import CAR, TICK_S, run, velocity

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.world import World


def test_a_car_spawned_half_a_metre_up_settles_in_half_a_second(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.5))
    run(flat_world, 0.6)
    assert abs(flat_world.transform(car.id).z) < 0.04
    run(flat_world, 1.0)
    pose = flat_world.transform(car.id)
    assert (pose.x, pose.y, pose.yaw) == (50.0, 5.0, 0.0) and abs(pose.z) < 0.005
    assert np.linalg.norm(velocity(flat_world, car.id)) < 0.01


def test_physics_off_keeps_a_vehicle_where_it_is_put(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 3.0))
    flat_world.set_simulate_physics(car.id, False)
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0)
    run(flat_world, 1.0)
    assert flat_world.transform(car.id) == Transform(50.0, 5.0, 3.0)
    flat_world.set_transform(car.id, Transform(70.0, 5.0, 3.0, 0.0, 30.0))
    flat_world.step(TICK_S)
    assert flat_world.transform(car.id) == Transform(70.0, 5.0, 3.0, 0.0, 30.0)


def test_constant_velocity_holds_in_the_vehicles_frame(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0, 0.0, 90.0))
    flat_world.enable_constant_velocity(car.id, (6.0, 0.0, 0.0))
    flat_world.step(TICK_S)
    assert velocity(flat_world, car.id)[:2] == pytest.approx([0.0, 6.0], abs=1e-9)
    flat_world.disable_constant_velocity(car.id)
    flat_world.apply_vehicle_control(car.id, 0.0, 0.0, 1.0)
    run(flat_world, 2.0)
    assert np.linalg.norm(velocity(flat_world, car.id)) == 0.0


def test_acceleration_is_the_change_of_velocity(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.1, 0.0)
    before = velocity(flat_world, car.id)
    for _ in range(60):
        flat_world.step(TICK_S)
        after = velocity(flat_world, car.id)
        assert flat_world.actors.acceleration_mps2[flat_world.row(car.id)] == pytest.approx((after - before) / TICK_S)
        before = after


def test_impulse_and_force_change_the_velocity_by_mass(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 20.0))
    mass = flat_world.physics_control(car.id).mass
    flat_world.add_impulse(car.id, (3.0 * mass, 0.0, 0.0))
    assert velocity(flat_world, car.id)[0] == pytest.approx(3.0)
    flat_world.add_force(car.id, (0.0, 0.0, 40.0 * mass))
    flat_world.step(TICK_S)
    assert velocity(flat_world, car.id)[2] == pytest.approx((40.0 - 9.81) * TICK_S)
    flat_world.add_angular_impulse(car.id, (0.0, 0.0, 1e5))
    assert flat_world.actors.angular_velocity_dps[flat_world.row(car.id), 2] > 1.0


def test_reverse_and_hand_brake(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 0.6, 0.0, 0.0, reverse=True)
    run(flat_world, 3.0)
    assert velocity(flat_world, car.id)[0] < -3.0 and flat_world.vehicles.gear[0] == -1
    flat_world.apply_vehicle_control(car.id, 0.0, 0.0, 0.0, hand_brake=True)
    run(flat_world, 3.0)
    assert np.linalg.norm(velocity(flat_world, car.id)) == 0.0


def test_manual_gears(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0, manual_gear_shift=True, gear=1)
    flat_world.step(TICK_S)
    assert flat_world.vehicles.gear[0] == 1
    run(flat_world, 6.0)
    assert flat_world.vehicles.gear[0] == 1
    fastest = 6500 * math.pi / 30 / (4.9 * 3.3) * 0.355
    assert velocity(flat_world, car.id)[0] < fastest * 1.3


def test_sticky_control_off_lets_go_after_one_step(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {"sticky_control": "false"}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0)
    flat_world.step(TICK_S)
    assert flat_world.vehicles.throttle[0] == 0.0


def test_friction_trigger_changes_the_tyres_inside_only(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    values = {"friction": "0.1", "extent_x": "1000", "extent_y": "1000", "extent_z": "500"}
    flat_world.spawn("static.trigger.friction", values, Transform(80.0, 5.0, 0.0))
    flat_world.enable_constant_velocity(car.id, (10.0, 0.0, 0.0))
    inside = []
    for _ in range(120):
        flat_world.step(TICK_S)
        wheel = flat_world.physics_control(car.id).wheels[0]
        inside.append((flat_world.transform(car.id).x, wheel.tire_friction))
    assert {friction for x, friction in inside if 71.0 < x < 89.0} == {0.1}
    assert {friction for x, friction in inside if x < 69.0 or x > 91.0} == {3.5}


def test_physics_control_round_trips_and_acts(flat_world: World) -> None:
    from dataclasses import replace

    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    physics = flat_world.physics_control(car.id)
    assert physics.wheels[0].position[0] == pytest.approx(5147.8) and len(physics.wheels) == 4
    changed = replace(
        physics,
        mass=2000.0,
        drag_coefficient=0.0,
        wheels=tuple(replace(w, tire_friction=0.0) for w in physics.wheels),
    )
    flat_world.apply_physics_control(car.id, changed)
    assert flat_world.physics_control(car.id) == changed
    flat_world.set_target_velocity(car.id, (100.0 / 3.6, 0.0, 0.0))
    run(flat_world, 5.0)
    assert velocity(flat_world, car.id)[0] * 3.6 == pytest.approx(100.0, abs=0.1)


def test_ackermann_reaches_and_holds_a_speed(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_ackermann_control(car.id, 0.0, 0.0, 8.0, 3.0, 0.0)
    run(flat_world, 30.0)
    speeds = []
    for _ in range(200):
        flat_world.step(TICK_S)
        speeds.append(velocity(flat_world, car.id)[0])
    assert np.mean(speeds) == pytest.approx(8.0, abs=1.0)
    flat_world.apply_ackermann_control(car.id, 0.0, 0.0, 0.0, 0.0, 0.0)
    run(flat_world, 20.0)
    assert abs(velocity(flat_world, car.id)[0]) < 0.2


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1), st.floats(-1, 1), st.floats(0, 1), st.booleans(), st.booleans()),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([b for b in catalogue() if b.startswith("vehicle.")]),
    st.sampled_from([0.01, 0.05, 0.1, 0.5]),
)
def test_any_controls_keep_any_vehicle_finite_and_on_the_ground(flat_map, controls, type_id, dt) -> None:
    world = World(flat_map, None)
    car = world.spawn(type_id, {}, Transform(1000.0, 8.0, 0.5))
    for throttle, steer, brake, hand_brake, reverse in controls:
        world.apply_vehicle_control(car.id, throttle, steer, brake, hand_brake, reverse)
        for _ in range(40):
            world.step(dt)
            record = world.actors.records[world.row(car.id)]
            assert np.isfinite(record["location"]).all() and np.isfinite(record["velocity_mps"]).all()
            assert abs(record["velocity_mps"][:2]).max() < 130.0
            assert -1.0 < record["location"][2] < 1.0
            assert -180.0 <= record["rotation_deg"][1] <= 180.0


def test_telemetry_doors_lights_and_wheels(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 0.8, 0.2, 0.0)
    run(flat_world, 3.0)
    telemetry = flat_world.telemetry(car.id)
    assert telemetry.speed == pytest.approx(np.linalg.norm(velocity(flat_world, car.id)[:2]), rel=0.02)
    assert 500.0 < telemetry.engine_rpm < 6500.0 and telemetry.gear >= 1 and len(telemetry.wheels) == 4
    assert telemetry.wheels[0].omega * 0.355 == pytest.approx(telemetry.speed, rel=0.2)
    assert 5.0 < flat_world.wheel_steer_angle(car.id, 0) < 14.0 and flat_world.wheel_steer_angle(car.id, 2) == 0.0
    flat_world.open_door(car.id, 6)
    flat_world.close_door(car.id, 0)
    assert flat_world.vehicles.open_doors[0] == 0x3E
    flat_world.set_light_flags(car.id, 1 | 8)
    assert flat_world.light_flags(car.id) == 9


def test_wheels_roll_as_far_as_the_car_drives(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    run(flat_world, 1.0)
    start_m, angle_deg = flat_world.transform(car.id).x, flat_world.wheel_pitch_angle(car.id, 0)
    flat_world.apply_vehicle_control(car.id, 0.4, 0.0, 0.0)
    rolled_deg = 0.0
    for _ in range(100):
        flat_world.step(TICK_S)
        now_deg = flat_world.wheel_pitch_angle(car.id, 0)
        rolled_deg += (now_deg - angle_deg) % 360.0
        angle_deg = now_deg
    driven_m = flat_world.transform(car.id).x - start_m
    assert driven_m > 3.0 and math.radians(rolled_deg) * 0.355 == pytest.approx(driven_m, rel=0.05)
