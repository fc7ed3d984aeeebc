"""Life of actors: spawning, refusal, attachment, destruction, placing, pushing."""

from __future__ import annotations

import carla
import pytest

COLLISION = "Spawn failed because of collision at spawn position"


def test_overlapping_spawn_is_refused_in_carlas_words(
    world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform], car: carla.Vehicle
) -> None:
    blueprint = library.find("vehicle.audi.tt")
    assert world.try_spawn_actor(blueprint, car.get_transform()) is None
    with pytest.raises(RuntimeError, match=COLLISION):
        world.spawn_actor(blueprint, car.get_transform())
    assert world.try_spawn_actor(blueprint, spawn_points[5]) is not None


def test_vehicle_appears_with_its_attributes_and_box(
    world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform]
) -> None:
    blueprint = library.find("vehicle.lincoln.mkz_2020")
    blueprint.set_attribute("role_name", "hero")
    vehicle = world.spawn_actor(blueprint, spawn_points[3])
    world.tick()
    found = world.get_actor(vehicle.id)
    assert found.type_id == "vehicle.lincoln.mkz_2020"
    assert found.attributes["role_name"] == "hero"
    assert found.attributes["number_of_wheels"] == "4"
    assert found.semantic_tags == [14]
    extent = found.bounding_box.extent
    assert (extent.x, extent.y, extent.z) == pytest.approx((2.446191, 0.918357, 0.745139))
    pose = found.get_transform()
    assert pose.location.x == pytest.approx(spawn_points[3].location.x, abs=0.01)
    turned = (pose.rotation.yaw - spawn_points[3].rotation.yaw + 180.0) % 360.0 - 180.0
    assert turned == pytest.approx(0.0, abs=0.01)
    assert found.actor_state == carla.ActorState.Active


def test_destroy_tells_the_truth_and_ids_are_new(
    world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform]
) -> None:
    blueprint = library.find("vehicle.audi.tt")
    first = world.spawn_actor(blueprint, spawn_points[1])
    world.tick()
    assert first.destroy()
    world.tick()
    assert first.id not in {actor.id for actor in world.get_actors()}
    second = world.spawn_actor(blueprint, spawn_points[1])
    assert second.id > first.id


def test_every_prop_and_walker_spawns(
    client: carla.Client, world: carla.World, library: carla.BlueprintLibrary
) -> None:
    here = world.get_map().get_spawn_points()[0].location
    blueprints = [*library.filter("static.prop.*"), *library.filter("walker.*"), *library.filter("controller.*")]
    commands = [
        carla.command.SpawnActor(blueprint, carla.Transform(carla.Location(here.x, here.y, 100.0 * (k + 1))))
        for k, blueprint in enumerate(blueprints)
    ]
    answers = client.apply_batch_sync(commands, True)
    assert [answer.error for answer in answers if answer.has_error()] == []
    assert len({answer.actor_id for answer in answers}) == len(blueprints)


def test_every_vehicle_spawns_where_it_was_put(
    client: carla.Client, world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform]
) -> None:
    blueprints = list(library.filter("vehicle.*"))
    apart: list[carla.Transform] = []
    for point in spawn_points:
        if all(point.location.distance(other.location) > 14.0 for other in apart):
            apart.append(point)
    pairs = list(zip(blueprints, apart, strict=False))
    answers = client.apply_batch_sync([carla.command.SpawnActor(b, p) for b, p in pairs], True)
    assert [answer.error for answer in answers if answer.has_error()] == []
    snapshot = world.get_snapshot()
    for answer, (_, point) in zip(answers, pairs, strict=True):
        pose = snapshot.find(answer.actor_id).get_transform()
        assert pose.location.x == pytest.approx(point.location.x, abs=0.02)
        assert pose.location.y == pytest.approx(point.location.y, abs=0.02)


def test_sensor_that_is_not_simulated_says_so(world: carla.World, library: carla.BlueprintLibrary) -> None:
    with pytest.raises(RuntimeError, match="v2x"):
        world.spawn_actor(library.find("sensor.other.v2x"), carla.Transform())


def test_attached_actor_follows_its_parent(
    world: carla.World, library: carla.BlueprintLibrary, car: carla.Vehicle
) -> None:
    offset = carla.Transform(carla.Location(x=1.0, y=0.5, z=2.0), carla.Rotation(yaw=90.0))
    child = world.spawn_actor(library.find("sensor.other.gnss"), offset, attach_to=car)
    car.set_transform(car.get_transform())
    world.tick()
    expected = car.get_transform().transform(carla.Location(x=1.0, y=0.5, z=2.0))
    assert child.get_transform().location.distance(expected) < 0.01
    assert child.parent.id == car.id
    child.set_transform(carla.Transform(carla.Location(x=-1.0, z=3.0)))
    world.tick()
    expected = car.get_transform().transform(carla.Location(x=-1.0, z=3.0))
    assert child.get_transform().location.distance(expected) < 0.01


def test_teleport_velocity_and_physics_switch(world: carla.World, car: carla.Vehicle) -> None:
    target = world.get_map().get_spawn_points()[7]
    car.set_transform(target)
    world.tick()
    assert car.get_transform().location.distance(target.location) < 0.7
    car.set_simulate_physics(False)
    car.set_location(carla.Location(target.location.x, target.location.y, 50.0))
    for _ in range(5):
        world.tick()
    assert car.get_transform().location.z == pytest.approx(50.0)
    car.set_simulate_physics(True)
    car.set_transform(target)
    for _ in range(20):
        world.tick()
    forward = car.get_transform().get_forward_vector()
    car.set_target_velocity(carla.Vector3D(8.0 * forward.x, 8.0 * forward.y, 0.0))
    world.tick()
    assert car.get_velocity().length() == pytest.approx(8.0, abs=0.6)


def test_walker_walks(world: carla.World, library: carla.BlueprintLibrary, spawn_points: list[carla.Transform]) -> None:
    point = spawn_points[9]
    point.location.z += 1.0
    walker = world.spawn_actor(library.find("walker.pedestrian.0003"), point)
    for _ in range(10):
        world.tick()
    start = walker.get_location()
    walker.apply_control(carla.WalkerControl(direction=point.get_forward_vector(), speed=1.5))
    for _ in range(40):
        world.tick()
    assert walker.get_location().distance(start) == pytest.approx(3.0, abs=0.4)
    assert walker.get_control().speed == pytest.approx(1.5)
    controller = world.spawn_actor(library.find("controller.ai.walker"), carla.Transform(), attach_to=walker)
    assert controller.parent.id == walker.id
