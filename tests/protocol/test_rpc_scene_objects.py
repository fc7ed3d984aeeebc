"""Objects of the map that clients hide: nothing hits them, nothing bumps into them, no camera sees them."""

from __future__ import annotations

import queue
from typing import Any

import carla
import numpy as np
import pytest

Label = carla.CityObjectLabel


def picture(world: carla.World, pose: carla.Transform) -> np.ndarray:
    """Return what a camera sees, [90, 120, 3]; skips where there is no OpenGL."""
    blueprint = world.get_blueprint_library().find("sensor.camera.rgb")
    blueprint.set_attribute("image_size_x", "120")
    blueprint.set_attribute("image_size_y", "90")
    try:
        camera = world.spawn_actor(blueprint, pose)
    except RuntimeError as error:
        pytest.skip(f"no cameras here: {error}")
    images: queue.SimpleQueue[Any] = queue.SimpleQueue()
    camera.listen(images.put)
    frame = world.tick()
    image = images.get(timeout=120.0)
    camera.stop()
    camera.destroy()
    assert image.frame == frame
    return np.frombuffer(image.raw_data, np.uint8).reshape(90, 120, 4)[..., :3].astype(int)


def facing(thing: carla.EnvironmentObject, metres: float) -> carla.Transform:
    """Return a pose above an object from which a camera looks down at it."""
    box = thing.bounding_box
    top = box.location + carla.Location(z=box.extent.z + metres)
    return carla.Transform(top, carla.Rotation(pitch=-90.0))


def test_hidden_building_is_no_obstacle_and_not_seen(world: carla.World, library: carla.BlueprintLibrary) -> None:
    building = max(world.get_environment_objects(Label.Buildings), key=lambda one: one.bounding_box.extent.x)
    inside = carla.Transform(building.bounding_box.location)
    blueprint = library.find("vehicle.audi.tt")
    assert world.try_spawn_actor(blueprint, inside) is None
    pose = facing(building, 15.0)
    before = picture(world, pose)
    world.enable_environment_objects({building.id}, False)
    without = picture(world, pose)
    car = world.try_spawn_actor(blueprint, inside)
    assert car is not None
    world.tick()
    assert world.get_snapshot().find(car.id) is not None
    car.destroy()
    world.enable_environment_objects({building.id}, True)
    again = picture(world, pose)
    middle = np.s_[30:60, 40:80]
    assert np.abs(without[middle] - before[middle]).mean() > 8.0
    assert np.abs(again - before).mean() < 1.0


def test_hidden_rail_or_pole_lets_a_car_through(world: carla.World, library: carla.BlueprintLibrary) -> None:
    others = [o.bounding_box.location for o in world.get_environment_objects(Label.Any)]

    def alone(place: carla.Location) -> bool:
        near = [o for o in others if -10.0 < o.x - place.x < 12.0 and abs(o.y - place.y) < 4.0]
        return len(near) == 1

    lamps = [o for o in world.get_environment_objects(Label.Poles) if o.name.startswith("Lamp")]
    lamp = next(o for o in lamps if alone(o.bounding_box.location))
    foot = lamp.bounding_box.location - carla.Location(z=lamp.bounding_box.extent.z)
    passed: dict[bool, float] = {}
    for there in (True, False):
        world.enable_environment_objects({lamp.id}, there)
        start = carla.Transform(carla.Location(foot.x - 6.0, foot.y, foot.z + 0.5))
        car = world.spawn_actor(library.find("vehicle.audi.tt"), start)
        for _ in range(10):
            world.tick()
        car.set_target_velocity(carla.Vector3D(9.0, 0.0, 0.0))
        for _ in range(40):
            world.tick()
        passed[there] = car.get_location().x - foot.x
        car.destroy()
    world.enable_environment_objects({lamp.id}, True)
    assert passed[True] < 0.0 < passed[False]


@pytest.mark.parametrize(
    ("layer", "label", "names"),
    [
        (carla.MapLayer.Buildings, Label.Buildings, ("Building",)),
        (carla.MapLayer.Foliage, Label.Vegetation, ("Tree", "Hedge")),
        (carla.MapLayer.ParkedVehicles, Label.Any, ("ParkedCar",)),
        (carla.MapLayer.StreetLights, Label.Poles, ("Lamp",)),
    ],
)
def test_map_layers(
    world: carla.World, layer: carla.MapLayer, label: carla.CityObjectLabel, names: tuple[str, ...]
) -> None:
    def counted() -> int:
        return sum(one.name.startswith(names) for one in world.get_environment_objects(label))

    everything, of_kind = len(world.get_environment_objects(Label.Any)), counted()
    assert of_kind > 0
    world.unload_map_layer(layer)
    assert counted() == 0
    assert len(world.get_environment_objects(Label.Any)) == everything - of_kind
    world.unload_map_layer(layer)
    world.load_map_layer(layer)
    assert counted() == of_kind
    assert len(world.get_environment_objects(Label.Any)) == everything


def test_unknown_objects_and_layers_without_anything_change_nothing(world: carla.World) -> None:
    everything = len(world.get_environment_objects(Label.Any))
    world.enable_environment_objects({10**18, 0}, False)
    world.unload_map_layer(carla.MapLayer.Particles)
    world.load_map_layer(carla.MapLayer.Particles)
    assert len(world.get_environment_objects(Label.Any)) == everything


def test_rays_see_lamp_housings_and_storeys_in_order(world: carla.World) -> None:
    light = world.get_actors().filter("traffic.traffic_light")[0]
    box, *_ = light.get_light_boxes()
    hits = world.cast_ray(box.location + carla.Location(z=9.0), box.location - carla.Location(z=9.0))
    labels = [hit.label for hit in hits]
    assert Label.TrafficLight in labels
    heights = [hit.location.z for hit in hits]
    assert heights == sorted(heights, reverse=True)


def test_everything_unloaded_leaves_an_empty_town(world: carla.World) -> None:
    world.unload_map_layer(carla.MapLayer.All)
    left = {one.type for one in world.get_environment_objects(Label.Any)}
    assert left == {Label.Poles, Label.TrafficLight, Label.TrafficSigns}, "what belongs to the map itself"
    world.tick()
    world.load_map_layer(carla.MapLayer.All)
    assert Label.Buildings in {one.type for one in world.get_environment_objects(Label.Any)}


def test_lamps_that_a_client_switches_off_are_dark_in_pictures(world: carla.World) -> None:
    lamp = next(o for o in world.get_environment_objects(Label.Poles) if o.name.startswith("Lamp"))
    noon, night = world.get_weather(), carla.WeatherParameters.ClearNight
    world.set_weather(night)
    manager = world.get_lightmanager()
    world.tick()
    lights = manager.get_all_lights(carla.LightGroup.Street)
    pose = facing(lamp, 6.0)
    lit = picture(world, pose)
    manager.turn_off(lights)
    world.tick()
    dark = picture(world, pose)
    manager.turn_on(lights)
    world.tick()
    again = picture(world, pose)
    world.set_weather(noon)
    world.tick()
    assert lit.mean() > dark.mean() + 8.0
    assert np.abs(again - lit).mean() < 1.0
