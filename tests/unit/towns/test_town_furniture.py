from __future__ import annotations

import math
from collections import Counter

import carla
import numpy as np
from shapely import LineString, Point, Polygon
from town_under_test import TownUnderTest

from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.statics import build_statics


def _entries(town: TownUnderTest) -> dict[tuple[int, int], list[carla.Waypoint]]:
    """Per (street, junction): the last waypoints of the street's driving lanes before it enters the junction."""
    found: dict[tuple[int, int], list[carla.Waypoint]] = {}
    for a, b in town.carla_map.get_topology():
        if b.is_junction and not a.is_junction:
            lane = [w for w in found.get((a.road_id, b.junction_id), []) if w.lane_id == a.lane_id]
            if not lane:
                found.setdefault((a.road_id, b.junction_id), []).append(b.previous(1.0)[0])
    return found


def test_every_approach_of_a_signalised_junction_has_one_light(town: TownUnderTest) -> None:
    lit = {int(j.get("id")) for j in town.root.iter("junction") if j.find("controller") is not None}
    assert bool(lit) == (town.name != "Oldwick")
    for (_, junction), waypoints in _entries(town).items():
        for waypoint in waypoints:
            lights = {lm.id for lm in waypoint.get_landmarks_of_type(3.0, "1000001")}
            assert len(lights) == (1 if junction in lit else 0), (waypoint.road_id, junction)


def test_controllers_cover_each_light_once(town: TownUnderTest) -> None:
    controllers = {c.get("id"): [k.get("signalId") for k in c.iter("control")] for c in town.root.findall("controller")}
    lights = [s.get("id") for s in town.root.iter("signal") if s.get("type") == "1000001"]
    assert all(s.get("dynamic") == "yes" for s in town.root.iter("signal") if s.get("type") == "1000001")
    assert Counter(light for members in controllers.values() for light in members) == Counter(lights)
    for junction in town.root.iter("junction"):
        members = junction.findall("controller")
        assert len(members) != 1, "a single phase never changes"
        assert [c.get("sequence") for c in members] == [str(i) for i in range(len(members))]
        assert all(c.get("id") in controllers for c in members)
    owned = [c.get("id") for junction in town.root.iter("junction") for c in junction.findall("controller")]
    assert sorted(owned) == sorted(controllers)


def test_crossing_approaches_are_never_green_together(town: TownUnderTest) -> None:
    road_map = load_road_map(town.name)
    for group in road_map.signals.groups:
        for controller in group:
            yaws = [road_map.signals.lights[i].transform.yaw for i in controller]
            for yaw in yaws[1:]:
                assert abs(abs((yaw - yaws[0] + 180.0) % 360.0 - 180.0) - 180.0) < 40.0


def test_lights_stand_beyond_the_stop_line_in_front_of_the_driver(town: TownUnderTest) -> None:
    for light in load_road_map(town.name).signals.lights:
        stop = np.mean(light.stop_line[:, :2], axis=0)
        pole = np.array([light.transform.x, light.transform.y])
        heading = math.radians(light.lane_boxes[0].yaw_deg)
        ahead = float((pole - stop) @ np.array([math.cos(heading), math.sin(heading)]))
        aside = float((pole - stop) @ np.array([-math.sin(heading), math.cos(heading)]))
        assert 8.0 < ahead < 40.0
        assert abs(aside) < 0.6 * ahead


def test_stop_and_yield_signs_hold_every_lane_of_their_approach(town: TownUnderTest) -> None:
    signed = 0
    for waypoints in _entries(town).values():
        kinds = [
            {lm.type for lm in waypoint.get_landmarks(3.0) if lm.type in ("205", "206", "1000001")}
            for waypoint in waypoints
        ]
        assert all(kind == kinds[0] and len(kind) <= 1 for kind in kinds)
        signed += kinds[0] <= {"205", "206"} and bool(kinds[0])
    assert signed >= (5 if town.name in ("Rampfield", "Longmoor") else 8)
    if town.name == "Oldwick":
        yields = [lm for lm in town.carla_map.get_all_landmarks_of_type("205") if lm.name == "Sign_Yield"]
        ring = [lm for lm in yields if math.hypot(lm.transform.location.x, lm.transform.location.y) < 45.0]
        assert len(ring) == 4


def test_signs_and_poles_stand_beside_the_road(town: TownUnderTest) -> None:
    names = Counter()
    for landmark in town.carla_map.get_all_landmarks():
        names[landmark.type] += 1
        location = landmark.transform.location
        nearest = town.carla_map.get_waypoint(location, lane_type=carla.LaneType.Driving)
        flat = carla.Location(location.x, location.y, nearest.transform.location.z)
        assert flat.distance(nearest.transform.location) > nearest.lane_width / 2.0 + 0.5, landmark.id
        assert landmark.get_lane_validities()
    assert names["274"] >= 20


def test_speed_signs_agree_with_the_roads(town: TownUnderTest) -> None:
    for road in town.root.iter("road"):
        speed = road.find("type/speed")
        assert speed is not None and speed.get("unit") == "km/h"
        for sign in road.iter("signal"):
            if sign.get("type") == "274":
                assert sign.get("subtype") == sign.get("name").split("_")[1]
                assert float(sign.get("value")) == float(speed.get("max"))


def test_crosswalks_span_the_road_past_the_stop_lines(town: TownUnderTest) -> None:
    corners = town.carla_map.get_crosswalks()
    objects = [o for o in town.root.iter("object") if o.get("type") == "crosswalk"]
    assert len(corners) == 5 * len(objects) and len(objects) >= (12 if town.name == "Longmoor" else 30)
    polygons = [Polygon([(c.x, c.y) for c in corners[i : i + 5]]) for i in range(0, len(corners), 5)]
    lanes_crossed = Counter()
    for i, polygon in enumerate(polygons):
        assert polygon.is_valid
        long, short = sorted(
            (LineString(polygon.minimum_rotated_rectangle.exterior.coords[k : k + 2]).length for k in (0, 1)),
            reverse=True,
        )
        assert 2.5 < short < 3.6 and 6.0 < long < 24.0
        center = polygon.centroid
        under = town.carla_map.get_waypoint(carla.Location(center.x, center.y, corners[5 * i].z))
        lanes_crossed[under.is_junction] += 1
        ends = LineString(polygon.minimum_rotated_rectangle.exterior.coords[:5])
        on_walk = 0
        for x, y in list(ends.coords)[:4]:
            near = town.carla_map.get_waypoint(
                carla.Location(x, y, corners[5 * i].z), lane_type=carla.LaneType.Sidewalk
            )
            on_walk += near.transform.location.distance(carla.Location(x, y, near.transform.location.z)) < 2.5
        assert on_walk == 4, (under.road_id, center.wkt)
    for landmark in town.carla_map.get_all_landmarks_of_type("206"):
        spot = Point(landmark.transform.location.x, landmark.transform.location.y)
        assert all(polygon.distance(spot) > 0.3 for polygon in polygons)


def test_stop_lines_lie_across_the_lanes_they_hold(town: TownUnderTest) -> None:
    held = Counter(o.get("name") for o in town.root.iter("object") if o.get("name") in ("StopLine", "YieldLine"))
    signs = Counter(s.get("type") for s in town.root.iter("signal"))
    assert held["StopLine"] == signs["206"] + signs["1000001"]
    assert held["YieldLine"] == signs["205"]


def test_the_roundabouts_island_stays_free() -> None:
    statics = build_statics(load_road_map("Oldwick"))
    houses = np.asarray(statics.center)[np.asarray(statics.label) == 3][:, :2]
    assert len(houses) > 50
    assert np.linalg.norm(houses, axis=1).min() > 22.0
