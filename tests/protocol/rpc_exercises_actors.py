"""Exercises of the calls on the episode and on actors of any kind."""

from __future__ import annotations

import math

import carla
import pytest
from rpc_scene import Scene, exercise
from waits import until


@exercise("version")
def version(scene: Scene) -> None:
    assert scene.client.get_server_version() == "0.9.16" == scene.client.get_client_version()


@exercise("get_episode_info", "get_sensor_token", "get_episode_settings", "query_lights_state")
def connect(scene: Scene) -> None:
    world = scene.another_client().get_world()
    assert world.id == scene.world.id
    assert world.get_settings().fixed_delta_seconds == pytest.approx(0.05)
    scene.tick()
    # The second client receives states in its own time.
    until(lambda: world.get_snapshot().find(scene.car.id) is not None)


@exercise("set_episode_settings")
def set_settings(scene: Scene) -> None:
    settings = scene.world.get_settings()
    settings.max_substeps = 12
    assert scene.world.apply_settings(settings) > 0
    assert scene.world.get_settings().max_substeps == 12
    settings.max_substeps = 10
    scene.world.apply_settings(settings)


@exercise("tick_cue")
def tick(scene: Scene) -> None:
    first = scene.world.tick()
    assert scene.world.tick() == first + 1


@exercise("get_actor_definitions")
def definitions(scene: Scene) -> None:
    library = scene.another_client().get_world().get_blueprint_library()
    assert (
        len(library) > 200 and library.find("vehicle.lincoln.mkz_2020").get_attribute("number_of_wheels").as_int() == 4
    )


@exercise("get_spectator")
def spectator(scene: Scene) -> None:
    actor = scene.world.get_spectator()
    actor.set_transform(carla.Transform(carla.Location(10.0, 20.0, 30.0), carla.Rotation(-40.0, 50.0, 0.0)))
    scene.tick()
    pose = scene.world.get_spectator().get_transform()
    assert (pose.location.x, pose.location.y, pose.location.z) == pytest.approx((10.0, 20.0, 30.0))
    assert (pose.rotation.pitch, pose.rotation.yaw) == pytest.approx((-40.0, 50.0), abs=1e-3)


@exercise("get_actors_by_id")
def actors_by_id(scene: Scene) -> None:
    found = scene.another_client().get_world().get_actors([scene.car.id, 3_000_000_000])
    assert [actor.id for actor in found] == [scene.car.id]
    assert found[0].type_id == "vehicle.lincoln.mkz_2020"


@exercise("spawn_actor", "destroy_actor")
def spawn_and_destroy(scene: Scene) -> None:
    blueprint = scene.world.get_blueprint_library().find("static.prop.trafficcone01")
    above = scene.car.get_location() + carla.Location(z=20.0)
    prop = scene.world.spawn_actor(blueprint, carla.Transform(above))
    scene.tick()
    assert scene.world.get_snapshot().find(prop.id) is not None
    assert prop.destroy()
    scene.tick()
    assert scene.world.get_snapshot().find(prop.id) is None


@exercise("spawn_actor_with_parent")
def attach(scene: Scene) -> None:
    blueprint = scene.world.get_blueprint_library().find("sensor.other.imu")
    relative = carla.Transform(carla.Location(x=1.0, z=2.0), carla.Rotation(yaw=90.0))
    imu = scene.world.spawn_actor(blueprint, relative, attach_to=scene.car)
    scene.tick()
    assert imu.parent.id == scene.car.id
    expected = scene.car.get_transform().transform(carla.Location(x=1.0, z=2.0))
    assert imu.get_location().distance(expected) < 0.01
    imu.destroy()


@exercise("get_actor_bounding_box")
def bounding_box(scene: Scene) -> None:
    box = scene.car.bounding_box
    assert (box.extent.x, box.extent.y, box.extent.z) == pytest.approx((2.446191, 0.918357, 0.745139))


@exercise("set_actor_location", "set_actor_transform")
def place(scene: Scene) -> None:
    prop = scene.world.spawn_actor(
        scene.world.get_blueprint_library().find("static.prop.box01"), carla.Transform(carla.Location(z=30.0))
    )
    prop.set_transform(carla.Transform(carla.Location(1.0, 2.0, 33.0), carla.Rotation(pitch=5.0, yaw=70.0, roll=8.0)))
    scene.tick()
    turned = prop.get_transform().rotation
    assert (turned.pitch, turned.yaw, turned.roll) == pytest.approx((5.0, 70.0, 8.0), abs=1e-3)
    prop.set_location(carla.Location(4.0, 5.0, 36.0))
    scene.tick()
    pose = prop.get_transform()
    assert pose.location.distance(carla.Location(4.0, 5.0, 36.0)) < 1e-3
    assert pose.rotation.yaw == pytest.approx(70.0, abs=1e-3)
    prop.destroy()


def flying(scene: Scene) -> carla.Vehicle:
    """Return the second car, standing still high above everything."""
    scene.other.set_simulate_physics(True)
    scene.other.set_enable_gravity(False)
    scene.other.set_transform(carla.Transform(carla.Location(0.0, 0.0, 60.0)))
    scene.other.set_target_velocity(carla.Vector3D())
    scene.other.set_target_angular_velocity(carla.Vector3D())
    scene.tick()
    return scene.other


@exercise("set_actor_target_velocity")
def velocity(scene: Scene) -> None:
    car = flying(scene)
    car.set_target_velocity(carla.Vector3D(3.0, 0.0, 0.0))
    scene.tick()
    assert car.get_velocity().x == pytest.approx(3.0, abs=0.3)


@exercise("set_actor_target_angular_velocity")
def spin(scene: Scene) -> None:
    car = flying(scene)
    car.set_target_angular_velocity(carla.Vector3D(0.0, 0.0, 40.0))
    before = car.get_transform().rotation.yaw
    scene.tick()
    assert car.get_transform().rotation.yaw > before


@exercise("enable_actor_constant_velocity", "disable_actor_constant_velocity")
def constant_velocity(scene: Scene) -> None:
    scene.car.enable_constant_velocity(carla.Vector3D(4.0, 0.0, 0.0))
    scene.tick(5)
    speed = scene.car.get_velocity()
    assert math.hypot(speed.x, speed.y) == pytest.approx(4.0, abs=0.05)
    scene.car.disable_constant_velocity()
    scene.car.apply_control(carla.VehicleControl(brake=1.0))
    scene.tick(60)
    assert scene.car.get_velocity().length() < 0.5


@exercise("add_actor_impulse", "add_actor_force", "add_actor_impulse_at_location", "add_actor_force_at_location")
def push(scene: Scene) -> None:
    mass = scene.other.get_physics_control().mass
    far = carla.Location(2.0, 0.0, 60.0)
    for how in ("add_impulse", "add_force"):
        # A force acts for one step of 0.05 s.
        strength = 2.0 * mass * (1.0 if how == "add_impulse" else 20.0)
        car = flying(scene)
        getattr(car, how)(carla.Vector3D(strength, 0.0, 0.0))
        scene.tick()
        assert car.get_velocity().x == pytest.approx(2.0, rel=0.25)
        car = flying(scene)
        scene.raw.call(f"add_actor_{how[4:]}_at_location", car.id, [0.0, strength, 0.0], [far.x, far.y, far.z])
        scene.tick()
        assert car.get_velocity().y > 0.5
        assert car.get_angular_velocity().z > 1.0


@exercise("add_actor_angular_impulse", "add_actor_torque")
def twist(scene: Scene) -> None:
    car = flying(scene)
    car.add_angular_impulse(carla.Vector3D(0.0, 0.0, 500_000.0))
    scene.tick()
    assert car.get_angular_velocity().z > 1.0
    car = flying(scene)
    # The client's `add_torque` sends `add_actor_angular_impulse`.
    assert scene.raw.call("add_actor_torque", car.id, [0.0, 0.0, 500_000.0]) == [[False]]
    scene.tick()
    assert car.get_angular_velocity().z > 1.0


@exercise("set_actor_simulate_physics")
def physics(scene: Scene) -> None:
    car = flying(scene)
    car.set_enable_gravity(True)
    car.set_simulate_physics(False)
    scene.tick(5)
    assert car.get_location().z == pytest.approx(60.0, abs=0.01)
    car.set_simulate_physics(True)
    scene.tick(5)
    assert car.get_location().z < 59.9


@exercise("set_actor_enable_gravity")
def gravity(scene: Scene) -> None:
    car = flying(scene)
    height = car.get_location().z
    scene.tick(5)
    assert car.get_location().z == pytest.approx(height, abs=0.05)
    car.set_enable_gravity(True)
    scene.tick(10)
    assert car.get_location().z < height - 0.5


@exercise("set_actor_collisions")
def collisions(scene: Scene) -> None:
    place = scene.car.get_transform().transform(carla.Location(z=1.0))
    end = place + carla.Location(z=6.0)
    assert [hit.label for hit in scene.world.cast_ray(end, place)] == [carla.CityObjectLabel.Car]
    scene.car.set_collisions(False)
    assert scene.world.cast_ray(end, place) == []
    scene.car.set_collisions(True)


@exercise("set_actor_dead")
def dead(scene: Scene) -> None:
    library = scene.world.get_blueprint_library()
    place = scene.world.get_map().get_spawn_points()[7]
    walker = scene.world.spawn_actor(library.find("walker.pedestrian.0005"), place)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.5))
    scene.tick(10)
    assert walker.get_velocity().length() == pytest.approx(1.5, abs=0.1)
    assert scene.raw.call("set_actor_dead", walker.id) == [[False]]
    scene.tick(20)
    assert walker.get_velocity().length() < 0.1
    walker.destroy()


@exercise("apply_batch")
def batch(scene: Scene) -> None:
    answers = scene.client.apply_batch_sync(
        [carla.command.ApplyTransform(scene.sensor.id, carla.Transform()), carla.command.DestroyActor(3_000_000_000)]
    )
    assert answers[0].actor_id == scene.sensor.id
    assert not answers[0].error and answers[1].error
    scene.client.apply_batch([carla.command.ApplyTransform(scene.sensor.id, carla.Transform(carla.Location(z=1.0)))])
    scene.tick()
    assert scene.sensor.get_location().distance(scene.car.get_location()) == pytest.approx(1.0, abs=0.02)


@exercise("get_actor_bone_names", "get_actor_bone_world_transforms", "get_actor_bone_relative_transforms")
def bones(scene: Scene) -> None:
    names = list(scene.car.get_bone_names())
    assert names == [
        "Vehicle_Base",
        *(f"Wheel_{end}_{side}" for end in ("Front", "Rear") for side in ("Left", "Right")),
    ]
    in_world, in_actor = scene.car.get_bone_world_transforms(), scene.car.get_bone_relative_transforms()
    pose = scene.car.get_transform()
    for far, near in zip(in_world, in_actor, strict=True):
        assert pose.transform(near.location).distance(far.location) < 0.01
    wheels = scene.car.get_physics_control().wheels
    for bone, wheel in zip(in_world[1:], wheels, strict=True):
        assert bone.location.distance(carla.Location(wheel.position * 0.01)) < 0.02
    assert len(scene.walker.get_bone_names()) == len(scene.walker.get_bone_world_transforms()) > 60


@exercise("get_actor_socket_names", "get_actor_socket_world_transforms", "get_actor_socket_relative_transforms")
def sockets(scene: Scene) -> None:
    assert list(scene.car.get_socket_names()) == list(scene.car.get_bone_names())
    far, near = scene.car.get_socket_world_transforms(), scene.car.get_socket_relative_transforms()
    pose = scene.car.get_transform()
    assert max(pose.transform(n.location).distance(f.location) for n, f in zip(near, far, strict=True)) < 0.01
    assert list(scene.sensor.get_socket_names()) == []


@exercise(
    "get_actor_component_names", "get_actor_component_world_transform", "get_actor_component_relative_transform",
    refused=["get_actor_component_world_transform"],
)  # fmt: skip
def components(scene: Scene) -> None:
    assert "VehicleMesh" in list(scene.car.get_component_names())
    near = scene.car.get_component_relative_transform("VehicleBounds")
    assert near.location.distance(scene.car.bounding_box.location) < 1e-3
    far = scene.car.get_component_world_transform("VehicleBounds")
    assert scene.car.get_transform().transform(near.location).distance(far.location) < 0.01
    with pytest.raises(RuntimeError, match="Component"):
        scene.another_client().get_world().get_actor(scene.car.id).get_component_world_transform("Wings")
    assert scene.car.get_component_world_transform("VehicleMesh").location.distance(scene.car.get_location()) < 0.01


@exercise("apply_control_to_walker")
def walk(scene: Scene) -> None:
    before = scene.walker.get_location()
    scene.walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, 1.0, 0.0), 2.0))
    scene.tick(20)
    assert scene.walker.get_location().y - before.y == pytest.approx(2.0, abs=0.3)
    assert scene.walker.get_control().speed == pytest.approx(2.0)
    scene.walker.apply_control(carla.WalkerControl(carla.Vector3D(0.0, -1.0, 0.0), 0.0))
    scene.tick(5)


@exercise("get_bones_transform", "set_bones_transform", "blend_pose", "get_pose_from_animation")
def pose(scene: Scene) -> None:
    walker = scene.walker
    names = {bone.name for bone in walker.get_bones().bone_transforms}
    assert {"crl_root", "crl_hips__C", "crl_Head__C", "crl_foot__L", "crl_handIndexEnd__R"} <= names
    raised = carla.Transform(carla.Location(0.0, 0.1, 0.2), carla.Rotation(pitch=10.0, yaw=20.0, roll=30.0))
    walker.get_pose_from_animation()
    walker.set_bones(carla.WalkerBoneControlIn([("crl_arm__R", raised)]))
    for share, shown in ((0.0, False), (1.0, True)):
        walker.blend_pose(share)
        arm = next(bone for bone in walker.get_bones().bone_transforms if bone.name == "crl_arm__R")
        assert (arm.relative.location.distance(raised.location) < 1e-3) is shown
    walker.hide_pose()
