"""The trigger boxes of a server's own lights and stop signs, which on CARLA's towns are not where the map's text has them."""

from __future__ import annotations

import carla

from alpamayo_sim.metrics.signal_areas import Point, SignalArea, SignalAreas


def areas_of_world(world: carla.World) -> SignalAreas:
    """Return the areas of all traffic lights and stop signs of a world; messages name them by their actors' ids."""
    lights: list[SignalArea] = []
    stops: list[SignalArea] = []
    for actor in world.get_actors().filter("traffic.*"):
        if isinstance(actor, carla.TrafficLight):
            lights.append(_area(actor, actor.trigger_volume, light_key(actor)))
        elif isinstance(actor, carla.TrafficSign) and "traffic.stop" in actor.type_id:
            stops.append(_area(actor, actor.trigger_volume, str(actor.id)))
    return SignalAreas(tuple(lights), tuple(stops))


def light_key(light: carla.TrafficLight) -> str:
    """Return the key of a light in `TickRecord.light_states`: its OpenDRIVE signal id, or its actor's id without one."""
    return light.get_opendrive_id() or f"actor {light.id}"


def lights_by_key(world: carla.World) -> dict[str, carla.TrafficLight]:
    """Return all traffic lights of a world by their keys."""
    lights = world.get_actors().filter("traffic.traffic_light*")
    return {light_key(light): light for light in lights if isinstance(light, carla.TrafficLight)}


def _area(actor: carla.Actor, box: carla.BoundingBox, key: str) -> SignalArea:
    pose = actor.get_transform()
    center = pose.transform(carla.Location(box.location.x, box.location.y, box.location.z))
    extent = (box.extent.x, box.extent.y, box.extent.z)
    return SignalArea(key, str(actor.id), _point(pose.location), _point(center), extent, pose.rotation.yaw)


def _point(place: carla.Vector3D) -> Point:
    return place.x, place.y, place.z
