"""The next light on the way, and what is drawn over what."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from synthetic_drive import ego_tick, pose_on

from alpamayo_sim.record.road_shapes import road_shapes
from alpamayo_sim.record.route_view import RouteView
from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.route_planner import Route, RoutePlanner


@pytest.fixture(scope="module")
def lit_route(road_map: RoadMap) -> Route:
    """A route that passes at least two lights."""
    planner = RoutePlanner(road_map.carla_map)
    for seed in range(20):
        route = planner.random_route(np.random.default_rng(seed), 400.0, 700.0)
        if len(RouteView(road_map, route).lights) >= 2:
            return route
    raise AssertionError("no route of 20 passes two lights")


def test_the_next_light_comes_closer_and_gives_way_to_the_one_after(road_map: RoadMap, lit_route: Route) -> None:
    view = RouteView(road_map, lit_route)
    lights = {light.signal_id: light for light in road_map.signals.lights}
    seen: list[str] = []
    states = {signal_id: number % 3 for number, signal_id in enumerate(lights)}
    last = float("inf")
    for frame, distance in enumerate(np.arange(0.0, lit_route.length_m, 0.5)):
        pose = pose_on(lit_route, float(distance))
        tick = ego_tick(frame, pose, 5.0, lights=states)
        view.follow(tick)
        found = view.next_light(tick)
        if found is None:
            last = float("inf")
            continue
        to_line_m, state = found
        assert 0.0 < to_line_m <= 60.0
        signal_id = next(s for at_m, s in view.lights if at_m > view.progress_m)
        assert state == states[signal_id]
        middle = lights[signal_id].stop_line[:, :2].mean(axis=0)
        if to_line_m < 10.0:
            assert np.hypot(*(middle - np.array(pose[:2]))) == pytest.approx(to_line_m, abs=3.5)
        if not seen or seen[-1] != signal_id:
            seen.append(signal_id)
            last = float("inf")
        assert to_line_m <= last + 1e-9
        last = to_line_m
    assert seen == [signal_id for _, signal_id in view.lights]


def test_shapes_come_from_below_upwards(road_map: RoadMap) -> None:
    orders = [shape.order for shape in road_shapes(road_map)]
    assert orders == sorted(orders)
    assert len({rank for _, rank in orders}) >= 5


def test_a_bridge_hides_the_road_below(shared_data: Path) -> None:
    """Town04's motorways cross 11 m apart: the upper surface is drawn after all of the lower one's markings."""
    road_map = load_road_map(shared_data / "maps" / "Town04.xodr")
    top = road_map.lanes.xyz[int(road_map.lanes.xyz[:, 2].argmax())]
    point = (float(top[0]), float(top[1]))
    shapes = road_shapes(road_map)
    around = [k for k, shape in enumerate(shapes) if np.hypot(*(shape.points - point).T).min() < 12.0]
    surfaces = [k for k in around if shapes[k].line_width_m == 0.0 and covers(shapes[k].points, point)]
    assert {shapes[k].order[0] for k in surfaces} >= {0, 2}
    below = [k for k in around if shapes[k].order[0] == 0 and shapes[k].line_width_m > 0.0]
    assert below
    assert max(below) < max(surfaces)
    assert shapes[max(surfaces)].order[0] == 2


def covers(outline: np.ndarray, point: tuple[float, float]) -> bool:
    return cv2.pointPolygonTest(outline.astype(np.float32), point, False) >= 0
