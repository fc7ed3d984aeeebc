"""Ticks, snapshots, batches, controls, physics control, lights of vehicles."""

from __future__ import annotations

import carla
import pytest

LIGHTS = carla.VehicleLightState


def test_tick_advances_by_one_and_states_are_complete(world: carla.World, car: carla.Vehicle) -> None:
    before = world.get_snapshot()
    frame = world.tick()
    after = world.get_snapshot()
    assert frame == after.frame == before.frame + 1
    assert after.timestamp.elapsed_seconds - before.timestamp.elapsed_seconds == pytest.approx(0.05)
    assert after.timestamp.delta_seconds == pytest.approx(0.05)
    assert {state.id for state in after} == {actor.id for actor in world.get_actors()}
    state = after.find(car.id)
    assert state.get_transform().location.distance(car.get_location()) < 1e-4


def test_batches_tick_only_when_asked(client: carla.Client, world: carla.World, car: carla.Vehicle) -> None:
    command = carla.command.ApplyVehicleControl(car, carla.VehicleControl(brake=1.0))
    frame = world.get_snapshot().frame
    assert client.apply_batch_sync([command], False)[0].actor_id == car.id
    assert world.get_snapshot().frame == frame
    client.apply_batch_sync([command], True)
    assert world.get_snapshot().frame == frame + 1
    client.apply_batch([command])
    assert world.tick() == frame + 2


def test_batch_answers_each_command(
    client: carla.Client,
    world: carla.World,
    library: carla.BlueprintLibrary,
    spawn_points: list[carla.Transform],
    car: carla.Vehicle,
) -> None:
    commands = [
        carla.command.SpawnActor(library.find("vehicle.audi.tt"), car.get_transform()),
        carla.command.SpawnActor(library.find("vehicle.audi.tt"), spawn_points[4]).then(
            carla.command.ApplyVehicleControl(carla.command.FutureActor, carla.VehicleControl(throttle=0.7))
        ),
        carla.command.DestroyActor(999_999),
        carla.command.ApplyTransform(car.id, spawn_points[6]),
        carla.command.SetVehicleLightState(car.id, LIGHTS(LIGHTS.LowBeam | LIGHTS.Brake)),
    ]
    answers = client.apply_batch_sync(commands, True)
    assert [answer.has_error() for answer in answers] == [True, False, True, False, False]
    assert "collision" in answers[0].error and "not found" in answers[2].error
    world.tick()
    assert world.get_actor(answers[1].actor_id).get_control().throttle == pytest.approx(0.7)
    assert car.get_transform().location.distance(spawn_points[6].location) < 0.8
    assert car.get_light_state() == LIGHTS(LIGHTS.LowBeam | LIGHTS.Brake)


def test_attached_spawn_in_a_batch(client: carla.Client, world: carla.World, car: carla.Vehicle) -> None:
    blueprint = world.get_blueprint_library().find("sensor.other.imu")
    command = carla.command.SpawnActor(blueprint, carla.Transform(carla.Location(z=2.0)), car)
    answer = client.apply_batch_sync([command], True)[0]
    assert not answer.has_error()
    assert world.get_actor(answer.actor_id).parent.id == car.id


def test_controls_drive_and_stick(world: carla.World, car: carla.Vehicle) -> None:
    control = carla.VehicleControl(throttle=0.8, steer=-0.1, gear=0)
    car.apply_control(control)
    for _ in range(40):
        world.tick()
    assert car.get_velocity().length() > 3.0
    assert car.get_control().throttle == pytest.approx(0.8)
    assert car.get_control().steer == pytest.approx(-0.1)
    assert car.get_control().gear >= 1
    car.apply_control(carla.VehicleControl(brake=1.0))
    for _ in range(100):
        world.tick()
    assert car.get_velocity().length() < 0.05
    car.apply_control(carla.VehicleControl(throttle=0.6, reverse=True))
    for _ in range(30):
        world.tick()
    forward, velocity = car.get_transform().get_forward_vector(), car.get_velocity()
    assert forward.x * velocity.x + forward.y * velocity.y < -0.5


def test_ackermann_reaches_its_speed(world: carla.World, car: carla.Vehicle) -> None:
    settings = car.get_ackermann_controller_settings()
    assert settings.speed_kp == pytest.approx(0.15) and settings.accel_kd == pytest.approx(0.01)
    car.apply_ackermann_control(carla.VehicleAckermannControl(speed=6.0, acceleration=3.0))
    for _ in range(120):
        world.tick()
    assert car.get_velocity().length() == pytest.approx(6.0, abs=1.0)


def test_constant_velocity(world: carla.World, car: carla.Vehicle) -> None:
    car.enable_constant_velocity(carla.Vector3D(5.0, 0.0, 0.0))
    for _ in range(20):
        world.tick()
    assert car.get_velocity().length() == pytest.approx(5.0, abs=0.1)
    car.disable_constant_velocity()


def test_physics_control_round_trip(world: carla.World, car: carla.Vehicle) -> None:
    physics = car.get_physics_control()
    assert len(physics.wheels) == 4 and len(physics.forward_gears) >= 4
    physics.mass = 2222.5
    physics.drag_coefficient = 0.21
    physics.center_of_mass = carla.Vector3D(0.1, 0.0, -0.2)
    physics.torque_curve = [carla.Vector2D(0.0, 300.0), carla.Vector2D(4000.0, 450.0), carla.Vector2D(6000.0, 380.0)]
    wheels = physics.wheels
    for wheel in wheels:
        wheel.tire_friction = 2.5
        wheel.max_brake_torque = 1234.0
    physics.wheels = wheels
    car.apply_physics_control(physics)
    world.tick()
    found = car.get_physics_control()
    assert found.mass == pytest.approx(2222.5)
    assert found.drag_coefficient == pytest.approx(0.21)
    assert found.center_of_mass.z == pytest.approx(-0.2)
    assert [point.y for point in found.torque_curve] == pytest.approx([300.0, 450.0, 380.0])
    assert [wheel.tire_friction for wheel in found.wheels] == pytest.approx([2.5] * 4)
    assert [wheel.max_brake_torque for wheel in found.wheels] == pytest.approx([1234.0] * 4)
    place = car.get_location()
    for wheel in found.wheels:
        assert abs(wheel.position.x / 100.0 - place.x) < 3.0 and abs(wheel.position.y / 100.0 - place.y) < 3.0


def test_lights_doors_wheels_telemetry(world: carla.World, car: carla.Vehicle) -> None:
    car.set_light_state(LIGHTS(LIGHTS.Position | LIGHTS.LeftBlinker))
    assert car.get_light_state() == LIGHTS(LIGHTS.Position | LIGHTS.LeftBlinker)
    assert world.get_vehicles_light_states()[car.id] == LIGHTS(LIGHTS.Position | LIGHTS.LeftBlinker)
    car.open_door(carla.VehicleDoor.FL)
    car.close_door(carla.VehicleDoor.All)
    car.apply_control(carla.VehicleControl(throttle=0.5, steer=0.5))
    for _ in range(20):
        world.tick()
    assert car.get_wheel_steer_angle(carla.VehicleWheelLocation.FL_Wheel) > 5.0
    assert car.get_wheel_steer_angle(carla.VehicleWheelLocation.BL_Wheel) == 0.0
    angles = []
    for _ in range(3):
        world.tick()
        angles.append(car.get_wheel_pitch_angle(carla.VehicleWheelLocation.FR_Wheel))
    assert len(set(angles)) == 3 and all(0.0 <= angle < 360.0 for angle in angles)
    telemetry = car.get_telemetry_data()
    assert telemetry.engine_rpm > 300.0 and len(telemetry.wheels) == 4
    assert telemetry.speed == pytest.approx(car.get_velocity().length(), abs=0.3)


def test_speed_limit_and_boxes_are_served(world: carla.World, car: carla.Vehicle) -> None:
    world.tick()
    assert 10.0 <= car.get_speed_limit() <= 130.0
    corners = car.bounding_box.get_world_vertices(car.get_transform())
    assert max(c.distance(car.get_location()) for c in corners) < 4.0
