"""Traffic lights, rays, static objects, street lights, debug shapes."""

from __future__ import annotations

import carla
import pytest


@pytest.fixture
def light(world: carla.World) -> carla.TrafficLight:
    return world.get_actors().filter("traffic.traffic_light")[0]


def test_lights_belong_to_the_map(world: carla.World, light: carla.TrafficLight) -> None:
    landmarks = {landmark.id for landmark in world.get_map().get_all_landmarks()}
    for other in world.get_actors().filter("traffic.traffic_light"):
        assert other.get_opendrive_id() in landmarks
        assert world.get_traffic_light_from_opendrive_id(other.get_opendrive_id()).id == other.id
    assert light.id in {other.id for other in light.get_group_traffic_lights()}
    assert light.get_affected_lane_waypoints()
    assert light.get_light_boxes()


def test_light_state_and_times(world: carla.World, light: carla.TrafficLight) -> None:
    light.set_green_time(12.5)
    light.set_yellow_time(2.5)
    light.set_red_time(1.5)
    world.tick()
    assert (light.get_green_time(), light.get_yellow_time(), light.get_red_time()) == (12.5, 2.5, 1.5)
    world.freeze_all_traffic_lights(True)
    light.set_state(carla.TrafficLightState.Green)
    for _ in range(5):
        world.tick()
    assert light.get_state() == carla.TrafficLightState.Green
    assert light.is_frozen()
    world.freeze_all_traffic_lights(False)
    world.reset_all_traffic_lights()
    world.tick()
    assert not light.is_frozen()


def test_car_in_the_trigger_box_knows_its_light(
    world: carla.World, light: carla.TrafficLight, car: carla.Vehicle
) -> None:
    waypoint = light.get_stop_waypoints()[0]
    waypoint = (waypoint.previous(1.0) or [waypoint])[0]
    world.freeze_all_traffic_lights(True)
    light.set_state(carla.TrafficLightState.Red)
    found = False
    for distance in (0.5, 1.0, 2.0, 3.0, 4.0, 5.0):
        for place in waypoint.previous(distance):
            pose = place.transform
            pose.location.z += 0.3
            car.set_transform(pose)
            world.tick()
            found = found or (car.is_at_traffic_light() and car.get_traffic_light().id == light.id)
            if car.is_at_traffic_light():
                assert car.get_traffic_light_state() == car.get_traffic_light().get_state()
    world.freeze_all_traffic_lights(False)
    assert found


def test_rays_hit_the_ground_and_cars(world: carla.World, car: carla.Vehicle) -> None:
    place = car.get_location()
    world.tick()
    up = carla.Location(place.x, place.y, place.z + 10.0)
    hits = world.cast_ray(up, carla.Location(place.x, place.y, place.z - 5.0))
    assert [hit.label for hit in hits] == [carla.CityObjectLabel.Car, carla.CityObjectLabel.Roads]
    assert hits[1].location.z == pytest.approx(place.z, abs=0.1)
    point = world.ground_projection(up, 100.0)
    assert point is not None and point.label == carla.CityObjectLabel.Car
    assert world.project_point(up, carla.Vector3D(0.0, 0.0, 1.0), 100.0) is None
    assert world.cast_ray(up, carla.Location(up.x, up.y, up.z + 1.0)) == []


def test_static_objects(world: carla.World) -> None:
    buildings = world.get_environment_objects(carla.CityObjectLabel.Buildings)
    boxes = world.get_level_bbs(carla.CityObjectLabel.Buildings)
    assert len(buildings) == len(boxes) > 10
    first = buildings[0]
    above = first.bounding_box.location + carla.Location(z=100.0)
    hits = world.cast_ray(above, above - carla.Location(z=99.0))
    assert carla.CityObjectLabel.Buildings in [hit.label for hit in hits]
    world.enable_environment_objects({first.id}, True)
    assert first.name in world.get_names_of_all_objects()


def test_boxes_of_lights_and_signs(world: carla.World) -> None:
    labels = carla.CityObjectLabel
    lights = world.get_actors().filter("traffic.traffic_light")
    heads = world.get_level_bbs(labels.TrafficLight)
    assert len(heads) == sum(len(light.get_light_boxes()) for light in lights) > 0
    for head in heads:
        nearest = min(lights, key=lambda light: light.get_location().distance(head.location))
        assert 2.0 < head.location.z - nearest.get_location().z < 6.0
    signs = [a for a in world.get_actors().filter("traffic.*") if a.type_id != "traffic.traffic_light"]
    plates = world.get_level_bbs(labels.TrafficSigns)
    assert len(plates) == len(signs) > 0
    for sign, plate in zip(sorted(signs, key=lambda sign: sign.id), plates, strict=True):
        assert sign.get_location().distance_2d(plate.location) < 0.5
        assert plate.extent.x > plate.extent.y


def test_boxes_of_spawned_actors_are_where_they_are_now(world: carla.World, car: carla.Vehicle) -> None:
    labels = carla.CityObjectLabel
    assert world.get_level_bbs(labels.Bus) == []
    for yaw in (0.0, 30.0):
        pose = car.get_transform()
        pose.rotation.yaw += yaw
        car.set_transform(pose)
        world.tick()
        (box,) = [b for b in world.get_level_bbs(labels.Car) if b.extent == car.bounding_box.extent]
        pose = car.get_transform()
        expected = pose.transform(car.bounding_box.location)
        assert box.location.distance(expected) < 0.01
        assert box.rotation.yaw == pytest.approx(pose.rotation.yaw, abs=0.01)
        assert box.extent == car.bounding_box.extent
    everything = world.get_level_bbs(labels.Any)
    assert len(everything) > len(world.get_level_bbs(labels.Buildings)) + len(world.get_level_bbs(labels.TrafficLight))
    objects = world.get_environment_objects(labels.Car)
    assert car.id not in {thing.id for thing in objects}
    extent = car.bounding_box.extent
    car.destroy()
    assert not [box for box in world.get_level_bbs(labels.Car) if box.extent == extent]


def test_street_lights(world: carla.World) -> None:
    lights = world.get_lightmanager().get_all_lights()
    assert len(lights) > 5
    assert not any(light.is_on for light in lights)


def test_debug_shapes_are_accepted(world: carla.World, car: carla.Vehicle) -> None:
    draw, here = world.debug, car.get_location()
    draw.draw_point(here, 0.2, carla.Color(255, 0, 0), 1.0)
    draw.draw_line(here, here + carla.Location(x=1.0), 0.1, carla.Color(0, 255, 0), 0.0)
    draw.draw_arrow(here, here + carla.Location(z=1.0))
    draw.draw_box(car.bounding_box, carla.Rotation())
    draw.draw_string(here, "here", False)
    world.tick()


def test_map_layers_and_weather_presets_are_accepted(world: carla.World) -> None:
    world.unload_map_layer(carla.MapLayer.Buildings)
    world.load_map_layer(carla.MapLayer.Buildings)
    world.tick()
