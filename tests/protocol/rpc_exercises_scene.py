"""Exercises of the calls on traffic lights, rays, static objects, light, weather and drawing."""

from __future__ import annotations

import carla
import pytest
from rpc_scene import Scene, exercise

Label = carla.CityObjectLabel


@exercise("get_group_traffic_lights")
def group(scene: Scene) -> None:
    ids = {light.id for light in scene.light.get_group_traffic_lights()}
    assert scene.light.id in ids and len(ids) > 1


@exercise("get_light_boxes")
def light_boxes(scene: Scene) -> None:
    on_pole, *over_lanes = scene.light.get_light_boxes()
    assert len(over_lanes) <= 1
    for box in (on_pole, *over_lanes):
        assert 2.0 < box.location.z - scene.light.get_location().z < 6.5
        assert box.location.distance_2d(scene.light.get_location()) < 24.0


@exercise("set_traffic_light_state", "freeze_all_traffic_lights", "reset_all_traffic_lights")
def light_state(scene: Scene) -> None:
    scene.world.freeze_all_traffic_lights(True)
    for state in (carla.TrafficLightState.Green, carla.TrafficLightState.Off, carla.TrafficLightState.Red):
        scene.light.set_state(state)
        scene.tick(3)
        assert scene.light.get_state() == state and scene.light.is_frozen()
    scene.world.freeze_all_traffic_lights(False)
    scene.world.reset_all_traffic_lights()
    scene.tick()
    assert not scene.light.is_frozen()


@exercise("set_traffic_light_green_time", "set_traffic_light_yellow_time", "set_traffic_light_red_time")
def light_times(scene: Scene) -> None:
    scene.light.set_green_time(7.5)
    scene.light.set_yellow_time(2.25)
    scene.light.set_red_time(4.75)
    scene.tick()
    assert [scene.light.get_green_time(), scene.light.get_yellow_time(), scene.light.get_red_time()] == [
        7.5,
        2.25,
        4.75,
    ]


@exercise("freeze_traffic_light")
def freeze_one(scene: Scene) -> None:
    assert scene.raw.call("freeze_traffic_light", scene.light.id, True) == [[False]]
    scene.tick()
    elapsed = scene.light.get_elapsed_time()
    scene.tick(5)
    assert scene.light.is_frozen() and scene.light.get_elapsed_time() == elapsed
    assert scene.raw.call("freeze_traffic_light", scene.light.id, False) == [[False]]
    scene.tick()
    assert not scene.light.is_frozen()


@exercise("reset_traffic_light_group")
def reset_group(scene: Scene) -> None:
    lights = scene.light.get_group_traffic_lights()
    scene.light.reset_group()
    scene.tick()
    first = [(light.get_state(), light.get_elapsed_time()) for light in lights]
    scene.tick(40)
    scene.light.reset_group()
    scene.tick()
    assert [(light.get_state(), light.get_elapsed_time()) for light in lights] == first


@exercise("project_point")
def project(scene: Scene) -> None:
    up = scene.car.get_location() + carla.Location(z=8.0)
    point = scene.world.ground_projection(up, 20.0)
    assert point.label == Label.Car
    assert point.location.z == pytest.approx(
        scene.car.get_location().z + 2.0 * scene.car.bounding_box.extent.z, abs=0.1
    )
    assert scene.world.project_point(up, carla.Vector3D(0.0, 0.0, -5.0), 1.0) is None


@exercise("cast_ray")
def ray(scene: Scene) -> None:
    place = scene.car.get_location()
    hits = scene.world.cast_ray(place + carla.Location(z=8.0), place - carla.Location(z=3.0))
    assert [hit.label for hit in hits] == [Label.Car, Label.Roads]
    assert hits[0].location.z > hits[1].location.z


@exercise("get_all_level_BBs", "get_environment_objects", "get_names_of_all_objects")
def objects(scene: Scene) -> None:
    buildings = scene.world.get_environment_objects(Label.Buildings)
    boxes = scene.world.get_level_bbs(Label.Buildings)
    assert len(buildings) == len(boxes) > 10
    assert len({thing.id for thing in buildings}) == len(buildings)
    assert {thing.type for thing in buildings} == {Label.Buildings}
    assert {thing.name for thing in buildings} <= set(scene.world.get_names_of_all_objects())
    everything = scene.world.get_environment_objects(Label.Any)
    assert {Label.Buildings, Label.Poles, Label.Vegetation, Label.TrafficLight} <= {thing.type for thing in everything}


def over(thing: carla.EnvironmentObject) -> tuple[carla.Location, carla.Location]:
    """Return the ends of a ray straight down through the middle of an object."""
    middle = thing.bounding_box.location
    return middle + carla.Location(z=90.0), middle


@exercise("enable_environment_objects")
def hide(scene: Scene) -> None:
    building = scene.world.get_environment_objects(Label.Buildings)[3]
    assert Label.Buildings in [hit.label for hit in scene.world.cast_ray(*over(building))]
    scene.world.enable_environment_objects({building.id}, False)
    assert Label.Buildings not in [hit.label for hit in scene.world.cast_ray(*over(building))]
    assert building.id in {thing.id for thing in scene.world.get_environment_objects(Label.Buildings)}
    scene.world.enable_environment_objects({building.id}, True)
    assert Label.Buildings in [hit.label for hit in scene.world.cast_ray(*over(building))]


@exercise("load_map_layer", "unload_map_layer")
def layers(scene: Scene) -> None:
    trees = scene.world.get_environment_objects(Label.Vegetation)
    buildings = scene.world.get_environment_objects(Label.Buildings)
    scene.world.unload_map_layer(carla.MapLayer.Buildings)
    assert scene.world.get_environment_objects(Label.Buildings) == []
    assert scene.world.get_level_bbs(Label.Buildings) == []
    assert len(scene.world.get_environment_objects(Label.Vegetation)) == len(trees)
    assert Label.Buildings not in [hit.label for hit in scene.world.cast_ray(*over(buildings[0]))]
    scene.world.load_map_layer(carla.MapLayer.Buildings)
    assert len(scene.world.get_environment_objects(Label.Buildings)) == len(buildings)


@exercise("apply_color_texture_to_objects", "apply_float_color_texture_to_objects")
def textures(scene: Scene) -> None:
    name = scene.world.get_names_of_all_objects()[0]
    texture = carla.TextureColor(4, 2)
    emissive = carla.TextureFloatColor(2, 2)
    for x in range(4):
        for y in range(2):
            texture.set(x, y, carla.Color(10, 20, 30, 40))
    emissive.set(0, 0, carla.FloatColor(4.0, 0.0, 0.0, 0.0))
    scene.world.apply_color_texture_to_object(name, carla.MaterialParameter.Diffuse, texture)
    scene.world.apply_float_color_texture_to_object(name, carla.MaterialParameter.Emissive, emissive)
    applied = {(row[0], row[1]): row[2:] for row in scene.raw.value("get_applied_textures")}
    assert applied[name, int(carla.MaterialParameter.Diffuse)] == [4, 2, [10.0, 20.0, 30.0, 40.0]]
    assert applied[name, int(carla.MaterialParameter.Emissive)][2][0] == pytest.approx(1.0)


@exercise("get_weather_parameters", "set_weather_parameters")
def weather(scene: Scene) -> None:
    before = scene.world.get_weather()
    wanted = carla.WeatherParameters(*[float(k) + 0.5 for k in range(14)])
    scene.world.set_weather(wanted)
    assert scene.world.get_weather() == wanted
    scene.world.set_weather(before)


@exercise("get_imui_gravity", "set_imui_gravity")
def imu_gravity(scene: Scene) -> None:
    assert scene.world.get_imui_sensor_gravity() == pytest.approx(9.81, abs=0.01)
    scene.world.set_imui_sensor_gravity(3.75)
    assert scene.world.get_imui_sensor_gravity() == 3.75
    scene.world.set_imui_sensor_gravity(9.81)


@exercise("update_lights_state", "update_day_night_cycle")
def street_lights(scene: Scene) -> None:
    manager = scene.world.get_lightmanager()
    lamps = manager.get_all_lights(carla.LightGroup.Street)
    assert len(lamps) > 5 and manager.get_turned_on_lights() == []
    manager.set_intensity(lamps[:1], 1234.0)
    manager.set_color(lamps[:1], carla.Color(1, 2, 3))
    manager.turn_on(lamps[:2])

    def states() -> dict[int, list[object]]:
        return {row[0]: row for row in scene.raw.value("query_lights_state", "")}

    wanted = {lamps[0].id, lamps[1].id}
    for _ in range(2000):
        scene.tick()
        if {number for number, row in states().items() if row[5]} == wanted:
            break
    one = states()[lamps[0].id]
    assert one[2:] == [1234.0, 2, [1, 2, 3], True]
    night = scene.world.get_weather()
    day = scene.world.get_weather()
    night.sun_altitude_angle = -30.0
    scene.world.set_weather(night)
    assert all(row[5] for row in states().values()) or scene.client.get_server_version()
    assert all(row[5] for row in states().values()), "the lamps follow the sun"
    manager.set_day_night_cycle(False)
    scene.world.set_weather(day)
    scene.world.get_weather()
    assert all(row[5] for row in states().values()), "the lamps follow nobody"
    manager.set_day_night_cycle(True)
    scene.world.get_weather()
    assert not any(row[5] for row in states().values())
    scene.tick(5)


@exercise("draw_debug_shape", "clear_debug_shape", "clear_debug_string")
def debug(scene: Scene) -> None:
    draw, here, color = scene.world.debug, scene.car.get_location(), carla.Color(1, 2, 3)
    there = here + carla.Location(x=2.0)
    draw.clear_debug_shape()
    draw.clear_debug_string()
    draw.draw_point(here, 0.25, color, 10.0)
    draw.draw_line(here, there, 0.5, color, 0.0)
    draw.draw_arrow(here, there, 0.5, 0.75, color, 0.12)
    draw.draw_box(scene.car.bounding_box, carla.Rotation(1.0, 2.0, 3.0), 0.5, color)
    draw.draw_string(here, "hello", True, color, 10.0)
    for hud in (lambda: draw.draw_hud_point(here, 0.25, color, 10.0), lambda: draw.draw_hud_line(here, there, 0.5)):
        hud()
    draw.draw_hud_arrow(here, there, 0.5, 0.75, color, 10.0)
    draw.draw_hud_box(scene.car.bounding_box, carla.Rotation(), 0.5, color, 10.0)
    scene.client.get_server_version()
    shapes = scene.raw.value("get_debug_shapes")
    assert [shape[0] for shape in shapes] == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert shapes[0][2:] == [[1, 2, 3], pytest.approx(10.0)]
    assert shapes[1][3] == -1.0 and shapes[4][1][1:] == ["hello", True]
    assert shapes[2][1][1] == 0.75
    scene.tick(4)
    assert [shape[0] for shape in scene.raw.value("get_debug_shapes")] == [0, 1, 3, 4, 5, 7, 8]
    draw.clear_debug_shape()
    scene.client.get_server_version()
    assert [shape[0] for shape in scene.raw.value("get_debug_shapes")] == [4]
    draw.clear_debug_string()
    scene.client.get_server_version()
    assert scene.raw.value("get_debug_shapes") == []


@exercise("set_annotations_traverse_translucency")
def translucency(scene: Scene) -> None:
    scene.world.set_annotations_traverse_translucency(True)
    scene.client.get_server_version()
