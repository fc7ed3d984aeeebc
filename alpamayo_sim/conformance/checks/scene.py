"""The scenery: rays, boxes, environment objects, street lights, debug drawing."""

from __future__ import annotations

from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured, Skip
from alpamayo_sim.conformance.context import Context

SCENE = Family("scene")


@SCENE.check(
    "project_point",
    "A ray down onto a road hits the road",
    carla="project_point gives the first hit with its label, or None where there is none.",
    source="CarlaServer.cpp project_point; Carla/Util/RayTracer.cpp",
)
def _project_point(context: Context) -> Iterator[Measured]:
    lane = context.places.straight(40.0).at(10.0).location
    above = carla.Location(lane.x, lane.y, lane.z + 1.0)
    hit = context.world.project_point(above, carla.Vector3D(0.0, 0.0, -1.0), 10.0)
    yield Measured("it hits", hit is not None, expected=True)
    if hit is not None:
        yield Measured("height of the hit over the road", hit.location.z - (lane.z - 0.3), "m", 0.0, 0.1)
        yield Measured("distance of the hit from below the point", hit.location.distance_2d(above), "m", 0.0, 0.01)
        road = hit.label in (carla.CityObjectLabel.Roads, carla.CityObjectLabel.RoadLines)
        yield Measured("it is a road", road, expected=True)
    up = context.world.project_point(carla.Location(lane.x, lane.y, lane.z + 200.0), carla.Vector3D(0, 0, 1), 10.0)
    yield Measured("a ray into the sky gives None", up is None, expected=True)


@SCENE.check(
    "cast_ray",
    "cast_ray gives every hit between two points, nearest first",
    carla="All hits of the segment with labels; a vehicle in between is one of them; an empty list where there is none.",
    source="CarlaServer.cpp cast_ray; Carla/Util/RayTracer.cpp",
)
def _cast_ray(context: Context) -> Iterator[Measured]:
    straight = context.places.straight(60.0)
    vehicle = context.car(straight.at(20.0))
    start, end = straight.at(5.0).location, straight.at(35.0).location
    start.z, end.z = vehicle.get_location().z + 0.7, vehicle.get_location().z + 0.7
    hits = context.world.cast_ray(start, end)
    labels = [hit.label for hit in hits]
    yield Measured("the car is hit", carla.CityObjectLabel.Car in labels, expected=True)
    distances = [hit.location.distance(start) for hit in hits]
    yield Measured("the hits come in order", distances == sorted(distances), expected=True)
    if distances:
        yield Measured("distance of the first hit", distances[0], "m", 15.0 - 2.4462, 0.4)
    start.z, end.z = start.z + 150.0, end.z + 150.0
    yield Measured("hits in the sky", len(context.world.cast_ray(start, end)), expected=0)


@SCENE.check(
    "level_boxes",
    "The level's boxes can be asked for by label",
    carla="get_level_bbs(label) gives boxes in the world frame of that label; Any gives all of them.",
    source="Docs/python_api.md, carla.World.get_level_bbs",
)
def _level_boxes(context: Context) -> Iterator[Measured]:
    vehicle = context.car()
    everything = len(context.world.get_level_bbs(carla.CityObjectLabel.Any))
    yield Measured("boxes", everything)
    labels = ("Buildings", "TrafficLight", "TrafficSigns", "Poles", "Vegetation")
    counts = {name: len(context.world.get_level_bbs(getattr(carla.CityObjectLabel, name))) for name in labels}
    for name, count in counts.items():
        yield Measured(f"boxes of {name}", count)
    yield Measured("no label has more than all", sum(counts.values()) <= everything, expected=True)
    place = vehicle.get_location()
    cars = context.world.get_level_bbs(carla.CityObjectLabel.Car)
    near = min((box.location.distance_2d(place) for box in cars), default=99.0)
    yield Measured("distance of the nearest car's box from the car", near, "m", diff_tolerance=0.5)


@SCENE.check(
    "environment_objects",
    "Environment objects have ids, can be hidden and shown",
    carla="Ids are unique; types are as asked; enabling unknown ids is no error.",
    source="Docs/python_api.md, carla.World.get_environment_objects",
)
def _environment_objects(context: Context) -> Iterator[Measured]:
    objects = context.world.get_environment_objects(carla.CityObjectLabel.Buildings)
    yield Measured("buildings", len(objects))
    ids = {item.id for item in objects}
    yield Measured("ids are unique", len(ids) == len(objects), expected=True)
    wrong = sum(item.type != carla.CityObjectLabel.Buildings for item in objects)
    yield Measured("objects of another type", wrong, expected=0)
    some = set(sorted(ids)[:2])
    context.world.enable_environment_objects(some, False)
    context.world.enable_environment_objects(some, True)
    again = context.world.get_environment_objects(carla.CityObjectLabel.Buildings)
    yield Measured("buildings after hiding and showing two", len(again) - len(objects), expected=0)


@SCENE.check(
    "street_lights",
    "Street lights can be switched",
    carla="The light manager lists lights; turned off ones are listed as such.",
    source="Docs/python_api.md, carla.LightManager",
)
def _street_lights(context: Context) -> Iterator[Measured]:
    manager = context.world.get_lightmanager()
    lights = manager.get_all_lights(carla.LightGroup.NONE)
    yield Measured("lights", len(lights))
    if not lights:
        raise Skip("the town has no street lights")
    light = lights[0]
    was_on = manager.is_active([light])[0]
    try:
        light.turn_off()
        context.tick(3)
        yield Measured("on after it was turned off", manager.is_active([light])[0], expected=False)
        light.turn_on()
        context.tick(3)
        yield Measured("on after it was turned on", manager.is_active([light])[0], expected=True)
    finally:
        manager.set_active([light], [was_on])
        context.tick()


@SCENE.check(
    "debug",
    "Everything can be drawn without an answer or an error",
    carla="draw_debug_shape needs no response; shapes with a lifetime go away.",
    source="LibCarla/source/carla/client/DebugHelper.cpp",
)
def _debug(context: Context) -> Iterator[Measured]:
    at = context.places.spot(0).location
    debug = context.world.debug
    red = carla.Color(255, 0, 0)
    debug.draw_point(at, 0.1, red, 0.2)
    debug.draw_line(at, at + carla.Location(z=2.0), 0.1, red, 0.2)
    debug.draw_arrow(at, at + carla.Location(x=2.0), 0.1, 0.1, red, 0.2)
    debug.draw_box(carla.BoundingBox(at, carla.Vector3D(1, 1, 1)), carla.Rotation(), 0.1, red, 0.2)
    debug.draw_string(at, "conformance", False, red, 0.2)
    frame = context.tick().frame
    yield Measured("frames after drawing", context.tick(3).frame - frame, expected=3)
