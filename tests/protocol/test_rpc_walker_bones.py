"""Walkers' bones through the real client: they walk with the walker, stand on the ground and can be posed."""

from __future__ import annotations

import carla
import pytest


@pytest.fixture
def walker(world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform]) -> carla.Walker:
    pose = carla.Transform(spawn_points[6].location + carla.Location(z=0.6), carla.Rotation())
    actor = world.spawn_actor(library.find("walker.pedestrian.0001"), pose)
    for _ in range(10):
        world.tick()
    return actor


def bones(walker: carla.Walker) -> dict[str, carla.bone_transform_out]:
    return {bone.name: bone for bone in walker.get_bones().bone_transforms}


def test_bones_stand_where_the_walker_stands(walker: carla.Walker) -> None:
    pose, extent = walker.get_transform(), walker.bounding_box.extent
    found = bones(walker)
    for bone in found.values():
        place = bone.component.location
        assert place.distance(carla.Location()) < 1.2 * extent.z
        # `transform` changes the location that it is given.
        moved = pose.transform(carla.Location(place.x, place.y, place.z))
        assert moved.distance(bone.world.location) < 0.01
    assert found["crl_root"].component.location.z == pytest.approx(-extent.z, abs=0.01)
    assert found["crl_toe__L"].world.location.z == pytest.approx(pose.location.z - extent.z, abs=0.1)
    assert found["crl_Head__C"].component.location.z > 0.6 * extent.z
    assert found["crl_hand__L"].component.location.y < 0.0 < found["crl_hand__R"].component.location.y


def test_legs_and_arms_swing_against_each_other(world: carla.World, walker: carla.Walker) -> None:
    bones(walker)
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.4))
    swings: list[tuple[float, float]] = []
    for _ in range(40):
        world.tick()
        found = bones(walker)
        legs = found["crl_foot__L"].component.location.x - found["crl_foot__R"].component.location.x
        arms = found["crl_hand__L"].component.location.x - found["crl_hand__R"].component.location.x
        swings.append((legs, arms))
    assert max(legs for legs, _ in swings) > 0.4 and min(legs for legs, _ in swings) < -0.4
    apart = [(legs, arms) for legs, arms in swings if abs(legs) > 0.4]
    assert all(legs * arms < 0.0 for legs, arms in apart)
    steps = sum(a[0] * b[0] < 0.0 for a, b in zip(swings, swings[1:], strict=False))
    assert 2 <= steps <= 5, "two seconds of walking"


def test_a_pose_is_kept_while_the_walk_goes_on_below_it(world: carla.World, walker: carla.Walker) -> None:
    arm = carla.Transform(carla.Location(0.0, 0.2, 0.0), carla.Rotation(roll=-80.0))
    walker.set_bones(carla.WalkerBoneControlIn([("crl_arm__R", arm)]))
    walker.show_pose()
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 1.4))
    for _ in range(5):
        world.tick()
        assert bones(walker)["crl_arm__R"].relative.rotation.roll == pytest.approx(-80.0, abs=0.01)
    walker.blend_pose(0.5)
    assert -70.0 < bones(walker)["crl_arm__R"].relative.rotation.roll < -10.0
    walker.hide_pose()
    assert bones(walker)["crl_arm__R"].relative.rotation.roll == pytest.approx(0.0, abs=0.01)


def test_bones_of_what_has_none_are_an_error(world: carla.World, car: carla.Vehicle) -> None:
    light = world.get_actors().filter("traffic.traffic_light")[0]
    with pytest.raises(RuntimeError, match="Component could not be found"):
        light.get_bone_names()
    assert list(light.get_socket_names()) == []
