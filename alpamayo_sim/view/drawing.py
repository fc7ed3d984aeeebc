"""What the page draws, as plain JSON values in CARLA's world frame (metres, degrees, left-handed)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import carla

_SPACING_M = 2.0
_EDGE_STEP_M = 0.1


def map_drawing(world: carla.World) -> dict[str, Any]:
    """Return lanes as polylines of both edges (x, y in metres) with their kind and markings, and crosswalks as polygons."""
    road_map = world.get_map()
    by_lane: dict[tuple[int, int, int], list[carla.Waypoint]] = defaultdict(list)
    for waypoint in road_map.generate_waypoints(_SPACING_M):
        for point in (waypoint, *_beside(waypoint)):
            by_lane[point.road_id, point.section_id, point.lane_id].append(point)
    lanes = [_lane(road_map, sorted(points, key=lambda point: point.s)) for points in by_lane.values()]
    return {
        "type": "map",
        "name": road_map.name,
        "lanes": sorted(lanes, key=lambda lane: lane["kind"] == "Driving"),
        "crosswalks": _polygons([_xy(point) for point in road_map.get_crosswalks()]),
    }


def actor_entry(actor: carla.Actor) -> dict[str, Any]:
    """Return what does not change of an actor: id, type, role, size of its box in metres, stop lines of a light."""
    box = getattr(actor, "bounding_box", None)
    entry: dict[str, Any] = {
        "id": actor.id,
        "type": actor.type_id,
        "role": actor.attributes.get("role_name", ""),
        "half": [box.extent.x, box.extent.y] if box is not None else [0.3, 0.3],
    }
    if isinstance(actor, carla.TrafficLight):
        entry["stops"] = [_across(point) for point in actor.get_stop_waypoints()]
    return entry


def _beside(waypoint: carla.Waypoint) -> Iterator[carla.Waypoint]:
    """Yield what lies to the right of the outermost driving lane: shoulders, parking lanes, sidewalks."""
    beside = waypoint.get_right_lane()
    while beside is not None and beside.lane_type != carla.LaneType.Driving:
        yield beside
        beside = beside.get_right_lane()


def _to_the_edge(road_map: carla.Map, outermost: carla.Waypoint, step_m: float) -> Iterator[carla.Waypoint]:
    """Yield the lane beyond the outermost waypoint of a lane section: they begin and stop up to one spacing inside of it."""
    for step in range(1, int(_SPACING_M / _EDGE_STEP_M) + 1):
        point = road_map.get_waypoint_xodr(outermost.road_id, outermost.lane_id, outermost.s + step * step_m)
        if point is None or point.section_id != outermost.section_id:
            return
        yield point


def _lane(road_map: carla.Map, points: list[carla.Waypoint]) -> dict[str, Any]:
    points = [
        *list(_to_the_edge(road_map, points[0], -_EDGE_STEP_M))[-1:],
        *points,
        *list(_to_the_edge(road_map, points[-1], _EDGE_STEP_M))[-1:],
    ]
    edges = [_across(point) for point in points]
    middle = points[len(points) // 2]
    driving = middle.lane_type == carla.LaneType.Driving
    left = middle.get_left_lane()
    # A line between two lanes belongs to one of them, or two patterns of dashes would fill each other's gaps.
    own_left = driving and (left is None or (left.lane_id > 0) != (middle.lane_id > 0)) and middle.lane_id < 0
    return {
        "kind": str(middle.lane_type),
        "junction": middle.is_junction,
        "left": [edge[0] for edge in edges],
        "right": [edge[1] for edge in edges],
        "marks": [_mark(middle.left_lane_marking, own_left), _mark(middle.right_lane_marking, driving)],
    }


def _mark(marking: carla.LaneMarking, shown: bool) -> list[str]:
    """Return type and colour of a marking."""
    return [str(marking.type), str(marking.color)] if shown else ["NONE", "Standard"]


def _across(point: carla.Waypoint) -> list[list[float]]:
    """Return the left and the right end of the line across a lane."""
    pose, half = point.transform, point.lane_width / 2
    right = pose.get_right_vector()
    return [
        [round(pose.location.x + sign * half * right.x, 2), round(pose.location.y + sign * half * right.y, 2)]
        for sign in (-1, 1)
    ]


def _xy(point: carla.Location) -> list[float]:
    return [round(point.x, 2), round(point.y, 2)]


def _polygons(points: list[list[float]]) -> list[list[list[float]]]:
    """Split the list of corners where a polygon closes: its first corner comes again."""
    polygons: list[list[list[float]]] = []
    current: list[list[float]] = []
    for point in points:
        current.append(point)
        if len(current) > 2 and point == current[0]:
            polygons.append(current)
            current = []
    return polygons
