from __future__ import annotations

import math
from collections import Counter

import carla
import networkx as nx
from lxml import etree
from town_under_test import TownUnderTest

from alpamayo_sim.roads.towns import town_path

STEP_M = 0.5


def _on_driving_and_sidewalks(carla_map: carla.Map) -> list[carla.Waypoint]:
    found: dict[tuple[int, int, int, float], carla.Waypoint] = {}
    for waypoint in carla_map.generate_waypoints(STEP_M):
        side: carla.Waypoint | None = waypoint
        while side is not None and side.lane_id * waypoint.lane_id > 0:
            key = (side.road_id, side.section_id, side.lane_id, round(side.s, 2))
            if key in found:
                break
            if side.lane_type in (carla.LaneType.Driving, carla.LaneType.Sidewalk):
                found[key] = side
            side = side.get_right_lane()
    return list(found.values())


def test_every_driving_lane_reaches_every_other(town: TownUnderTest) -> None:
    graph = nx.DiGraph()
    for a, b in town.carla_map.get_topology():
        graph.add_edge((a.road_id, a.section_id, a.lane_id), (b.road_id, b.section_id, b.lane_id))
    assert len(graph) > 100
    assert nx.is_strongly_connected(graph)
    driven = {(w.road_id, w.section_id, w.lane_id) for w in town.carla_map.generate_waypoints(2.0)}
    assert driven == set(graph)


def test_usual_steps_never_end_exactly_at_a_lane_end(town: TownUnderTest) -> None:
    """`next_until_lane_end` throws when they do."""
    for step in (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0):
        for start, following in town.carla_map.get_topology():
            assert start.next_until_lane_end(step)
            assert following.previous_until_lane_start(step)


def test_lanes_go_on_without_gap_or_kink(town: TownUnderTest) -> None:
    """Sideways and vertical steps under 5 cm, heading steps under 2 degrees beyond what the lane's curve asks for."""
    for here in _on_driving_and_sidewalks(town.carla_map):
        a = here.transform
        driving = here.lane_type == carla.LaneType.Driving
        following = here.next(STEP_M)
        assert following or not driving, f"dead end at road {here.road_id} lane {here.lane_id}"
        for there in following:
            b = there.transform
            if (there.road_id, there.section_id) == (here.road_id, here.section_id):
                continue
            yaw = math.radians(a.rotation.yaw)
            dx, dy = b.location.x - a.location.x, b.location.y - a.location.y
            turn = abs((b.rotation.yaw - a.rotation.yaw + 180.0) % 360.0 - 180.0)
            place = (here.road_id, here.lane_id, there.road_id, there.lane_id)
            assert abs(-dx * math.sin(yaw) + dy * math.cos(yaw)) < 0.05, place
            assert abs(b.location.z - a.location.z) < 0.05, place
            assert turn < (2.0 if driving else 6.0), place
            if driving:
                assert abs(math.hypot(dx, dy) - STEP_M) < 0.05, place


def test_lane_kinds_widths_and_radii(town: TownUnderTest) -> None:
    kinds = Counter(lane.get("type") for lane in town.root.iter("lane"))
    assert {"driving", "shoulder", "sidewalk", "parking"} <= set(kinds)
    for waypoint in town.carla_map.generate_waypoints(2.0):
        assert 2.99 < waypoint.lane_width < 3.51
        ahead = waypoint.next(2.0)[0].transform.rotation.yaw - waypoint.transform.rotation.yaw
        curvature = abs(math.radians((ahead + 180.0) % 360.0 - 180.0)) / 2.0
        assert curvature < 1.0 / 5.5, (waypoint.road_id, waypoint.s)


def test_driving_lanes_overlap_inside_junctions_only(town: TownUnderTest) -> None:
    """A point in the middle of a lane outside junctions lies in no other road's driving lane."""
    points = [w for w in town.carla_map.generate_waypoints(4.0) if not w.is_junction]
    by_cell: dict[tuple[int, int], list[carla.Waypoint]] = {}
    for w in points:
        location = w.transform.location
        by_cell.setdefault((int(location.x // 8), int(location.y // 8)), []).append(w)
    for w in points:
        location = w.transform.location
        for i in (-1, 0, 1):
            for j in (-1, 0, 1):
                for other in by_cell.get((int(location.x // 8) + i, int(location.y // 8) + j), []):
                    if other.road_id != w.road_id:
                        assert location.distance(other.transform.location) > 2.9, (w.road_id, other.road_id)


def test_marks_outside_junctions_only(town: TownUnderTest) -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for road in town.root.iter("road"):
        for mark in road.iter("roadMark"):
            if road.get("junction") == "-1":
                seen[mark.get("type"), mark.get("color")] += 1
            else:
                assert mark.get("type") == "none"
    assert seen["solid", "white"] and seen["solid", "yellow"] and seen["broken", "yellow"] and seen["curb", "white"]
    for waypoint in town.carla_map.generate_waypoints(10.0):
        if not waypoint.is_junction:
            assert waypoint.left_lane_marking.type != carla.LaneMarkingType.NONE or waypoint.get_left_lane()
            assert waypoint.right_lane_marking.type in (
                carla.LaneMarkingType.Solid, carla.LaneMarkingType.Broken
            )  # fmt: skip


def test_lane_changes_are_allowed_across_broken_white_only(town: TownUnderTest) -> None:
    for waypoint in town.carla_map.generate_waypoints(10.0):
        for change, mark, lane in (
            (carla.LaneChange.Left, waypoint.left_lane_marking, waypoint.get_left_lane()),
            (carla.LaneChange.Right, waypoint.right_lane_marking, waypoint.get_right_lane()),
        ):
            if waypoint.lane_change & change:
                assert mark.type == carla.LaneMarkingType.Broken
                assert lane is not None and lane.lane_id * waypoint.lane_id > 0


def test_the_hill() -> None:
    hill = carla.Map("Rampfield", town_path("Rampfield").read_text(encoding="utf-8"))
    waypoints = hill.generate_waypoints(2.0)
    heights = [w.transform.location.z for w in waypoints]
    grades = [abs((w.transform.rotation.pitch + 180.0) % 360.0 - 180.0) for w in waypoints]
    assert 7.5 < max(heights) < 8.5 and abs(min(heights)) < 0.05
    assert 0.06 < math.tan(math.radians(max(grades))) < 0.085
    limits = {float(lm.value) for lm in hill.get_all_landmarks_of_type("274")}
    assert {30.0, 50.0, 90.0} <= limits


def test_ramps_and_lane_changes_of_the_arterial() -> None:
    rampfield = carla.Map("Rampfield", town_path("Rampfield").read_text(encoding="utf-8"))
    wide = [w for w in rampfield.generate_waypoints(5.0) if w.lane_width == 3.5 and not w.is_junction]
    outer = [w for w in wide if abs(w.lane_id) == 4]
    assert outer, "no merging lane"
    assert any(w.lane_change & carla.LaneChange.Left for w in outer)
    inner = [w for w in wide if abs(w.lane_id) == 3 and (w.lane_change & carla.LaneChange.Right)]
    assert inner


def _one_road(waypoint: carla.Waypoint, step_m: float, *, back: bool) -> float:
    """How far the lane goes on before the next junction, ahead or behind."""
    walked = 0.0
    while waypoint is not None and not waypoint.is_junction:
        following = waypoint.previous(step_m) if back else waypoint.next(step_m)
        waypoint, walked = following[0], walked + step_m
    return walked


def test_the_motorways_ramps() -> None:
    """Four entries and four exits, each with a lane beside the motorway of 150 m or more; three lanes between them."""
    longmoor = carla.Map("Longmoor", town_path("Longmoor").read_text(encoding="utf-8"))
    root = etree.fromstring(town_path("Longmoor").read_bytes())
    ramps = {
        int(road.get("id")): road.get("name").split()[-1] for road in root.iter("road") if road.get("junction") == "-1"
    }
    lanes: Counter[str] = Counter()
    for here, there in longmoor.get_topology():
        if ramps.get(there.road_id) == "Exit":
            kind, beside = "Exit", here.previous(1.0)[0]
        elif ramps.get(here.road_id) == "Entry":
            kind, beside = "Entry", there.next_until_lane_end(1.0)[-1].next(1.5)[0]
        else:
            continue
        left = beside.get_left_lane()
        assert left.lane_id * beside.lane_id > 0 and left.lane_type == carla.LaneType.Driving
        assert left.get_left_lane().lane_id * beside.lane_id > 0, "it is the third lane"
        assert _one_road(beside, 2.0, back=kind == "Exit") >= 150.0
        lanes[kind] += 1
    assert lanes == {"Entry": 4, "Exit": 4}
    limits = {float(lm.value) for lm in longmoor.get_all_landmarks_of_type("274")}
    assert {30.0, 50.0, 60.0, 80.0, 90.0} <= limits


def test_the_turning_lane_of_the_main_road() -> None:
    """Who turns left to the village waits in a lane of its own; the others go on beside it."""
    longmoor = carla.Map("Longmoor", town_path("Longmoor").read_text(encoding="utf-8"))
    root = etree.fromstring(town_path("Longmoor").read_bytes())
    road = next(road for road in root.iter("road") if road.get("name") == "Moor Road Bay")
    turning = longmoor.get_waypoint_xodr(int(road.get("id")), 1, 40.0)
    through = longmoor.get_waypoint_xodr(int(road.get("id")), 2, 40.0)
    assert turning.lane_change & carla.LaneChange.Right and through.lane_change & carla.LaneChange.Left
    for waypoint, turn in ((turning, -90.0), (through, 0.0)):
        entry = waypoint.next_until_lane_end(0.5)[-1].next(1.5)
        assert len(entry) == 1 and entry[0].is_junction
        behind = entry[0].next_until_lane_end(0.5)[-1].next(1.5)[0]
        change = (behind.transform.rotation.yaw - waypoint.transform.rotation.yaw + 180.0) % 360.0 - 180.0
        assert abs(change - turn) < 5.0
