"""Every field of every struct of the protocol, with values that differ, through the real client both ways.

What the client sends is seen by the relay in the order of the wire; what it reads back is seen through its bindings.
"""

from __future__ import annotations

from typing import Any

import carla
import pytest
from rpc_scene import Scene, scene

assert scene

PHYSICS_FIELDS = (
    "torque_curve", "max_rpm", "moi", "damping_rate_full_throttle", "damping_rate_zero_throttle_clutch_engaged",
    "damping_rate_zero_throttle_clutch_disengaged", "use_gear_autobox", "gear_switch_time", "clutch_strength",
    "final_ratio", "forward_gears", "mass", "drag_coefficient", "center_of_mass", "steering_curve", "wheels",
    "use_sweep_wheel_collision",
)  # fmt: skip
WHEEL_FIELDS = (
    "tire_friction", "damping_rate", "max_steer_angle", "radius", "max_brake_torque", "max_handbrake_torque",
    "lat_stiff_max_load", "lat_stiff_value", "long_stiff_value",
)  # fmt: skip
SETTINGS = {
    "synchronous_mode": True, "no_rendering_mode": True, "fixed_delta_seconds": 0.125, "substepping": False,
    "max_substep_delta_time": 0.03125, "max_substeps": 7, "max_culling_distance": 321.0, "deterministic_ragdolls": False,
    "tile_stream_distance": 2345.0, "actor_active_distance": 1234.0, "spectator_as_ego": False,
}  # fmt: skip
WEATHER_FIELDS = (
    "cloudiness", "precipitation", "precipitation_deposits", "wind_intensity", "sun_azimuth_angle",
    "sun_altitude_angle", "fog_density", "fog_distance", "fog_falloff", "wetness", "scattering_intensity",
    "mie_scattering_scale", "rayleigh_scattering_scale", "dust_storm",
)  # fmt: skip


def sent(scene: Scene, name: str) -> list[Any]:
    """Return the arguments of the newest call of a name; a call that is awaited comes first."""
    scene.client.get_server_version()
    return scene.last(name).arguments


def test_vehicle_control(scene: Scene) -> None:
    scene.car.apply_control(carla.VehicleControl(0.25, -0.5, 0.75, True, False, True, 3))
    assert sent(scene, "apply_control_to_vehicle") == [scene.car.id, [0.25, -0.5, 0.75, True, False, True, 3]]
    scene.tick()
    seen = scene.car.get_control()
    assert (seen.throttle, seen.steer, seen.brake) == (0.25, -0.5, 0.75)
    assert (seen.hand_brake, seen.reverse, seen.manual_gear_shift) == (True, False, True)
    scene.car.apply_control(carla.VehicleControl(reverse=True, brake=1.0))
    scene.tick()
    seen = scene.car.get_control()
    assert (seen.hand_brake, seen.reverse, seen.manual_gear_shift, seen.brake) == (False, True, False, 1.0)
    scene.car.apply_control(carla.VehicleControl(brake=1.0))


def test_ackermann_control_and_settings(scene: Scene) -> None:
    scene.car.apply_ackermann_control(carla.VehicleAckermannControl(0.125, 0.25, 0.5, 0.75, 1.5))
    assert sent(scene, "apply_ackermann_control_to_vehicle") == [scene.car.id, [0.125, 0.25, 0.5, 0.75, 1.5]]
    scene.car.apply_control(carla.VehicleControl(brake=1.0))


def test_walker_control(scene: Scene) -> None:
    control = carla.WalkerControl(carla.Vector3D(0.25, 0.5, -0.75), 1.25, True)
    scene.walker.apply_control(control)
    assert sent(scene, "apply_control_to_walker") == [scene.walker.id, [[0.25, 0.5, -0.75], 1.25, True]]
    scene.tick()
    seen = scene.walker.get_control()
    assert (seen.direction.x, seen.direction.y, seen.direction.z, seen.speed) == (0.25, 0.5, -0.75, 1.25)
    scene.walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0))


def test_transform_of_an_actor(scene: Scene) -> None:
    spectator = scene.world.get_spectator()
    spectator.set_transform(
        carla.Transform(carla.Location(1.5, -2.5, 3.5), carla.Rotation(pitch=4.5, yaw=5.5, roll=6.5))
    )
    assert sent(scene, "set_actor_transform") == [spectator.id, [[1.5, -2.5, 3.5], [4.5, 5.5, 6.5]]]
    scene.tick()
    pose = spectator.get_transform()
    assert (pose.location.x, pose.location.y, pose.location.z) == (1.5, -2.5, 3.5)
    assert (pose.rotation.pitch, pose.rotation.yaw, pose.rotation.roll) == (4.5, 5.5, 6.5)


def test_episode_settings(scene: Scene) -> None:
    before = scene.world.get_settings()
    assert set(SETTINGS) <= set(dir(before))
    scene.world.apply_settings(carla.WorldSettings(**SETTINGS))
    assert sent(scene, "set_episode_settings") == [
        [True, True, [True, 0.125], False, 0.03125, 7, 321.0, False, 2345.0, 1234.0, False]
    ]
    seen = scene.world.get_settings()
    assert {name: getattr(seen, name) for name in SETTINGS} == SETTINGS
    scene.world.apply_settings(before)


def test_weather(scene: Scene) -> None:
    before = scene.world.get_weather()
    values = [1.0 + 0.25 * k for k in range(len(WEATHER_FIELDS))]
    scene.world.set_weather(carla.WeatherParameters(*values))
    assert sent(scene, "set_weather_parameters") == [values]
    seen = scene.world.get_weather()
    assert [getattr(seen, name) for name in WEATHER_FIELDS] == values
    scene.world.set_weather(before)


def distinct_physics(wheels: int) -> carla.VehiclePhysicsControl:
    """Return physics in which no two numbers are equal."""
    numbers = iter(range(1, 1000))

    def one() -> float:
        return 0.5 + 0.25 * next(numbers)

    physics = carla.VehiclePhysicsControl()
    physics.torque_curve = [carla.Vector2D(100.0 * k, one()) for k in range(1, 4)]
    for name in PHYSICS_FIELDS:
        if name not in ("torque_curve", "forward_gears", "center_of_mass", "steering_curve", "wheels") and isinstance(
            getattr(physics, name), float
        ):
            setattr(physics, name, one())
    physics.mass, physics.max_rpm = 1234.5, 4321.0
    physics.use_gear_autobox, physics.use_sweep_wheel_collision = False, True
    physics.forward_gears = [carla.GearPhysicsControl(one(), 0.25, 0.75), carla.GearPhysicsControl(one(), 0.375, 0.625)]
    physics.center_of_mass = carla.Location(one(), one(), one())
    physics.steering_curve = [carla.Vector2D(10.0 * k, 1.0 / k) for k in (1, 2, 4)]
    built = []
    for _ in range(wheels):
        wheel = carla.WheelPhysicsControl()
        for name in WHEEL_FIELDS:
            setattr(wheel, name, one())
        built.append(wheel)
    physics.wheels = built
    return physics


def fields(physics: carla.VehiclePhysicsControl) -> list[Any]:
    """Return the fields of the physics in the order of the wire, positions of wheels apart."""
    values: list[Any] = []
    for name in PHYSICS_FIELDS:
        value = getattr(physics, name)
        if name in ("torque_curve", "steering_curve"):
            value = [[point.x, point.y] for point in value]
        elif name == "forward_gears":
            value = [[gear.ratio, gear.down_ratio, gear.up_ratio] for gear in value]
        elif name == "center_of_mass":
            value = [value.x, value.y, value.z]
        elif name == "wheels":
            value = [[getattr(wheel, field) for field in WHEEL_FIELDS] for wheel in value]
        values.append(value)
    return values


def test_vehicle_gear_and_wheel_physics(scene: Scene) -> None:
    before = scene.other.get_physics_control()
    wanted = distinct_physics(len(before.wheels))
    scene.other.apply_physics_control(wanted)
    actor_id, on_the_wire = sent(scene, "apply_physics_control")
    on_the_wire[15] = [wheel[:9] for wheel in on_the_wire[15]]
    assert actor_id == scene.other.id
    assert on_the_wire == fields(wanted)
    assert fields(scene.other.get_physics_control()) == fields(wanted)
    positions = [wheel.position for wheel in scene.other.get_physics_control().wheels]
    assert positions == [wheel.position for wheel in before.wheels]
    scene.other.apply_physics_control(before)
    assert fields(scene.other.get_physics_control()) == fields(before)


def test_telemetry_of_vehicle_and_wheels(scene: Scene) -> None:
    names = ["speed", "steer", "throttle", "brake", "engine_rpm", "gear", "drag"]
    wheel_names = [
        "tire_friction", "lat_slip", "long_slip", "omega", "tire_load", "normalized_tire_load", "torque", "long_force",
        "lat_force", "normalized_long_force", "normalized_lat_force",
    ]  # fmt: skip
    scene.car.apply_control(carla.VehicleControl(throttle=0.8, steer=0.3))
    scene.tick(30)
    data = scene.car.get_telemetry_data()
    record = scene.raw.value("get_telemetry_data", scene.car.id)
    assert [getattr(data, name) for name in names] == pytest.approx(record[:7], rel=1e-6)
    for wheel, values in zip(data.wheels, record[7], strict=True):
        assert [getattr(wheel, name) for name in wheel_names] == pytest.approx(values, rel=1e-5, abs=1e-6)
        assert len({round(value, 6) for value in values}) > 8, "the fields must differ to tell their order"
    scene.car.apply_control(carla.VehicleControl(brake=1.0))
    scene.tick(60)


def test_light_states(scene: Scene) -> None:
    flags = carla.VehicleLightState.Fog | carla.VehicleLightState.Special2
    scene.car.set_light_state(carla.VehicleLightState(flags))
    assert sent(scene, "set_vehicle_light_state") == [scene.car.id, [128 | 1024]]
    assert scene.raw.value("get_vehicle_light_states") == [[scene.car.id, 1152], [scene.other.id, 0]]
    scene.car.set_light_state(carla.VehicleLightState.NONE)


def test_episode_and_map(scene: Scene) -> None:
    episode, (token,) = scene.raw.value("get_episode_info")
    assert episode == scene.world.id and len(token) == 24
    name, points = scene.raw.value("get_map_info")
    map_ = scene.world.get_map()
    assert name == map_.name
    for (place, turn), point in zip(points, map_.get_spawn_points(), strict=True):
        assert place == pytest.approx([point.location.x, point.location.y, point.location.z], rel=1e-6)
        assert turn == pytest.approx([point.rotation.pitch, point.rotation.yaw, point.rotation.roll], rel=1e-6)


def test_actor_definition_and_attributes(scene: Scene) -> None:
    definitions = {record[1]: record for record in scene.raw.value("get_actor_definitions")}
    for blueprint in scene.world.get_blueprint_library():
        _, _, tags, attributes = definitions[blueprint.id]
        assert sorted(blueprint.tags) == sorted(tags.split(","))
        for attribute_id, kind, value, recommended, modifiable, restricted in attributes:
            seen = blueprint.get_attribute(attribute_id)
            assert int(seen.type) == kind and seen.is_modifiable is modifiable
            assert [str(one) for one in seen.recommended_values] == recommended or kind != 4
            assert seen.restrict_to_recommended is restricted if hasattr(seen, "restrict_to_recommended") else True
            assert kind != 4 or seen.as_str() == value


def test_actor_and_its_description(scene: Scene) -> None:
    blueprint = scene.world.get_blueprint_library().find("sensor.other.gnss")
    blueprint.set_attribute("noise_alt_bias", "1.5")
    blueprint.set_attribute("role_name", "struct")
    sensor = scene.world.spawn_actor(blueprint, carla.Transform(carla.Location(1.0, 2.0, 3.0)), attach_to=scene.car)
    description, place, parent, attachment, socket_name = sent(scene, "spawn_actor_with_parent")
    assert description[1] == "sensor.other.gnss" and (parent, attachment, socket_name) == (scene.car.id, 0, "")
    assert place == [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]]
    assert ["noise_alt_bias", 3, "1.5"] in description[2]
    ((number, parent_id, kept, box, tags, token),) = scene.raw.value("get_actors_by_id", [sensor.id])
    assert (number, parent_id, kept[0], kept[1]) == (sensor.id, scene.car.id, description[0], "sensor.other.gnss")
    assert sorted(kept[2]) == sorted(description[2]) and box[3] == sensor.id
    assert len(token) == 24 and tags == b""
    assert sensor.attributes["role_name"] == "struct"
    sensor.destroy()
    ((_, _, _, box, tags, token),) = scene.raw.value("get_actors_by_id", [scene.car.id])
    seen = scene.car.bounding_box
    assert box[0] == pytest.approx([seen.location.x, seen.location.y, seen.location.z])
    assert box[1] == pytest.approx([seen.extent.x, seen.extent.y, seen.extent.z])
    assert (list(tags), token) == ([14], b"")


def test_environment_object_and_box(scene: Scene) -> None:
    record = scene.raw.value("get_environment_objects", 3)[5]
    seen = next(o for o in scene.world.get_environment_objects(carla.CityObjectLabel.Buildings) if o.id == record[2])
    (place, turn), box, _, name, kind = record
    assert (seen.name, int(seen.type)) == (name, kind)
    for got, wanted in (
        (seen.transform.location, place), (seen.bounding_box.location, box[0]), (seen.bounding_box.extent, box[1])
    ):  # fmt: skip
        assert [got.x, got.y, got.z] == pytest.approx(wanted, rel=1e-6)
    assert seen.transform.rotation.yaw == pytest.approx(turn[1]) == seen.bounding_box.rotation.yaw


def test_labelled_point(scene: Scene) -> None:
    up = scene.car.get_location() + carla.Location(z=9.0)
    seen = scene.world.project_point(up, carla.Vector3D(0.0, 0.0, -1.0), 20.0)
    assert sent(scene, "project_point")[2] == 20.0
    found, (place, label) = scene.raw.value("project_point", [up.x, up.y, up.z], [0.0, 0.0, -1.0], 20.0)
    assert found is True and label == int(seen.label) == 14
    assert [seen.location.x, seen.location.y, seen.location.z] == pytest.approx(place, rel=1e-6)


def test_street_light(scene: Scene) -> None:
    state = [2, [7.0, 8.0, 9.0], 12.5, 4, [1, 2, 3], True]
    before = scene.raw.value("query_lights_state", "")[1]
    assert scene.raw.call("update_lights_state", "", [state], False) == [[False]]
    after = scene.raw.value("query_lights_state", "")[1]
    assert after == [2, before[1], *state[2:]], "lamps keep their place"
    client = scene.another_client()
    world = client.get_world()
    manager = world.get_lightmanager()
    light = next(one for one in manager.get_all_lights() if one.id == 2)
    assert (light.intensity, light.light_group, light.is_on) == (12.5, carla.LightGroup.Other, True)
    assert (light.color.r, light.color.g, light.color.b) == (1, 2, 3)
    scene.raw.call("update_lights_state", "", [before], False)


def test_opendrive_generation_parameters(scene: Scene) -> None:
    with pytest.raises(RuntimeError):
        scene.client.generate_opendrive_world(
            "<OpenDRIVE/>", carla.OpendriveGenerationParameters(2.5, 60.0, 1.5, 0.75, False, True, False)
        )
    assert scene.last("copy_opendrive_to_file").arguments == [
        "<OpenDRIVE/>",
        [2.5, 60.0, 1.5, 0.75, False, True, False],
    ]


def test_bones_in_and_out(scene: Scene) -> None:
    wanted = carla.Transform(carla.Location(0.25, 0.5, 0.75), carla.Rotation(pitch=11.0, yaw=22.0, roll=33.0))
    scene.walker.set_bones(carla.WalkerBoneControlIn([("crl_neck__C", wanted)]))
    assert sent(scene, "set_bones_transform") == [
        scene.walker.id, [[["crl_neck__C", [[0.25, 0.5, 0.75], [11.0, 22.0, 33.0]]]]],
    ]  # fmt: skip
    scene.walker.show_pose()
    for seen, (name, *poses) in zip(
        scene.walker.get_bones().bone_transforms,
        scene.raw.value("get_bones_transform", scene.walker.id)[0],
        strict=True,
    ):
        assert seen.name == name
        for pose, (place, turn) in zip((seen.world, seen.component, seen.relative), poses, strict=True):
            assert [pose.location.x, pose.location.y, pose.location.z] == pytest.approx(place, rel=1e-5, abs=1e-5)
            rotation = pose.rotation
            assert [rotation.pitch, rotation.yaw, rotation.roll] == pytest.approx(turn, rel=1e-4, abs=1e-3)
        if name == "crl_neck__C":
            assert poses[2] == [[0.25, 0.5, 0.75], [11.0, 22.0, 33.0]]
    scene.walker.hide_pose()
