"""Exercises of the calls on vehicles."""

from __future__ import annotations

import math

import carla
import pytest
from rpc_scene import Scene, exercise

FRONT_LEFT, REAR_RIGHT = carla.VehicleWheelLocation.FL_Wheel, carla.VehicleWheelLocation.BR_Wheel


@exercise("apply_control_to_vehicle")
def control(scene: Scene) -> None:
    scene.car.apply_control(carla.VehicleControl(0.25, -0.125, 0.5, True, False, True, 2))
    scene.tick()
    seen = scene.car.get_control()
    assert (seen.throttle, seen.steer, seen.brake) == (0.25, -0.125, 0.5)
    assert seen.hand_brake and not seen.reverse and seen.manual_gear_shift
    scene.car.apply_control(carla.VehicleControl(brake=1.0))
    scene.tick(20)


@exercise("apply_ackermann_control_to_vehicle")
def ackermann(scene: Scene) -> None:
    scene.car.apply_ackermann_control(carla.VehicleAckermannControl(speed=3.0, acceleration=3.0))
    scene.tick(60)
    assert scene.car.get_velocity().length() == pytest.approx(3.0, abs=1.0)
    scene.car.apply_control(carla.VehicleControl(brake=0.9))
    scene.tick(60)


@exercise("get_ackermann_controller_settings", "apply_ackermann_controller_settings")
def ackermann_settings(scene: Scene) -> None:
    before = scene.car.get_ackermann_controller_settings()
    scene.car.apply_ackermann_controller_settings(carla.AckermannControllerSettings(1.5, 2.5, 3.5, 4.5, 5.5, 6.5))
    seen = scene.car.get_ackermann_controller_settings()
    assert [seen.speed_kp, seen.speed_ki, seen.speed_kd, seen.accel_kp, seen.accel_ki, seen.accel_kd] == [
        1.5, 2.5, 3.5, 4.5, 5.5, 6.5,
    ]  # fmt: skip
    scene.car.apply_ackermann_controller_settings(before)


@exercise("set_actor_autopilot")
def autopilot(scene: Scene) -> None:
    assert scene.raw.call("set_actor_autopilot", scene.car.id, True) == [[False]]
    assert scene.raw.call("set_actor_autopilot", scene.car.id, False) == [[False]]


@exercise("get_physics_control", "apply_physics_control")
def physics_control(scene: Scene) -> None:
    before = scene.car.get_physics_control()
    changed = scene.car.get_physics_control()
    changed.mass = before.mass + 500.0
    scene.car.apply_physics_control(changed)
    assert scene.car.get_physics_control().mass == pytest.approx(before.mass + 500.0)
    scene.car.apply_physics_control(before)


@exercise("get_telemetry_data")
def telemetry(scene: Scene) -> None:
    scene.car.apply_control(carla.VehicleControl(throttle=0.7))
    scene.tick(20)
    data = scene.car.get_telemetry_data()
    assert data.speed == pytest.approx(scene.car.get_velocity().length(), abs=0.3)
    assert data.throttle == pytest.approx(0.7, abs=0.3)
    assert data.engine_rpm > 500.0 and len(data.wheels) == 4
    assert sum(wheel.tire_load for wheel in data.wheels) > 1000.0
    scene.car.apply_control(carla.VehicleControl(brake=1.0))
    scene.tick(40)


@exercise("show_vehicle_debug_telemetry")
def show_telemetry(scene: Scene) -> None:
    scene.car.show_debug_telemetry(True)
    scene.car.show_debug_telemetry(False)
    scene.client.get_server_version()


@exercise("get_vehicle_light_state", "set_vehicle_light_state", "get_vehicle_light_states")
def lights(scene: Scene) -> None:
    wanted = carla.VehicleLightState(carla.VehicleLightState.LowBeam | carla.VehicleLightState.LeftBlinker)
    scene.car.set_light_state(wanted)
    assert int(scene.car.get_light_state()) == int(wanted)
    assert int(scene.world.get_vehicles_light_states()[scene.car.id]) == int(wanted)
    # The first question of a new client goes to the server, later ones to what the client remembers.
    other = scene.another_client().get_world().get_actor(scene.car.id)
    assert int(other.get_light_state()) == int(wanted)
    scene.car.set_light_state(carla.VehicleLightState.NONE)


@exercise("get_wheel_steer_angle")
def steer_angle(scene: Scene) -> None:
    scene.car.apply_control(carla.VehicleControl(steer=1.0, brake=1.0))
    scene.tick(20)
    assert scene.car.get_wheel_steer_angle(FRONT_LEFT) > 20.0
    assert scene.car.get_wheel_steer_angle(REAR_RIGHT) == 0.0
    scene.car.apply_control(carla.VehicleControl(brake=1.0))
    scene.tick(20)


@exercise("set_wheel_steer_direction", "set_wheel_pitch_angle", "get_wheel_pitch_angle")
def wheels_by_hand(scene: Scene) -> None:
    car = scene.car
    rolled = car.get_wheel_pitch_angle(REAR_RIGHT)
    car.set_wheel_steer_direction(FRONT_LEFT, 17.0)
    car.set_wheel_pitch_angle(REAR_RIGHT, rolled + 100.0)
    assert car.get_wheel_pitch_angle(REAR_RIGHT) == pytest.approx(rolled), "physics is on"
    car.set_simulate_physics(False)
    car.set_wheel_steer_direction(FRONT_LEFT, 17.0)
    car.set_wheel_pitch_angle(REAR_RIGHT, 400.0)
    assert car.get_wheel_steer_angle(FRONT_LEFT) == pytest.approx(17.0)
    assert car.get_wheel_pitch_angle(REAR_RIGHT) == pytest.approx(40.0)
    car.set_simulate_physics(True)
    assert car.get_wheel_steer_angle(FRONT_LEFT) != pytest.approx(17.0)


@exercise("open_vehicle_door", "close_vehicle_door")
def doors(scene: Scene) -> None:
    for door in (carla.VehicleDoor.FL, carla.VehicleDoor.RR, carla.VehicleDoor.All):
        scene.car.open_door(door)
        scene.car.close_door(door)
    scene.client.get_server_version()


@exercise("enable_carsim", "use_carsim_road", "enable_chrono_physics", refused=True)
def other_dynamics(scene: Scene) -> None:
    scene.car.enable_carsim("/etc/passwd")
    scene.car.use_carsim_road(True)
    scene.car.enable_chrono_physics(10, 0.01, "vehicle.json", "powertrain.json", "tire.json", "/etc")
    scene.client.get_server_version()
    assert "not enabled" in str(scene.last("enable_carsim").error)
    assert "not built" in str(scene.last("enable_chrono_physics").error)


@exercise("restore_physx_physics")
def restore(scene: Scene) -> None:
    scene.car.restore_physx_physics()
    scene.client.get_server_version()


@exercise("get_vehicle_bone_world_transforms")
def vehicle_bones(scene: Scene) -> None:
    poses = scene.car.get_vehicle_bone_world_transforms()
    assert len(poses) == 5
    assert poses[0].location.distance(scene.car.get_location()) < 0.01
    turn = (poses[0].rotation.yaw - scene.car.get_transform().rotation.yaw + 180.0) % 360.0 - 180.0
    assert math.isclose(turn, 0.0, abs_tol=0.01)


@exercise("set_ignored_vehicles")
def ignored(scene: Scene) -> None:
    scene.sensor.set_ignored_vehicles([scene.other.id])
    assert scene.last("set_ignored_vehicles").arguments == [scene.sensor.id, [scene.other.id]]
    scene.sensor.set_ignored_vehicles([])


@exercise("enable_sensor_for_ros", refused=True)
def ros_on(scene: Scene) -> None:
    scene.sensor.enable_for_ros()
    scene.client.get_server_version()
    assert "ROS" in str(scene.last("enable_sensor_for_ros").error)


@exercise("disable_sensor_for_ros", "is_sensor_enabled_for_ros")
def ros_off(scene: Scene) -> None:
    scene.sensor.disable_for_ros()
    assert not scene.sensor.is_enabled_for_ros()


@exercise("enable_gbuffers", "get_gbuffer_token", refused=True)
def gbuffers(scene: Scene) -> None:
    with pytest.raises(RuntimeError, match="gbuffers"):
        scene.sensor.enable_gbuffers(True)
    ((index, _),) = scene.raw.call("get_gbuffer_token", scene.sensor.id, 0)
    assert index == 0


@exercise("are_gbuffers_enabled")
def gbuffers_enabled(scene: Scene) -> None:
    assert scene.raw.value("are_gbuffers_enabled", scene.sensor.id) is False


@exercise("send", refused=["send", "spawn_actor"])
def send(scene: Scene) -> None:
    # The client sends messages to custom V2X sensors only, and this server spawns none.
    assert "V2X" in scene.raw.call("send", scene.sensor.id, "hello")[0][1][0]
    blueprint = scene.world.get_blueprint_library().find("sensor.other.v2x_custom")
    with pytest.raises(RuntimeError, match="does not simulate"):
        scene.world.spawn_actor(blueprint, carla.Transform())
