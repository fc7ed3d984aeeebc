"""Spawn points: on driving lanes, clear of junctions and of one another."""

from __future__ import annotations

import numpy as np
import pytest
from straight_road import straight_map

from alpamayo_sim.roads.road_map import RoadMap, road_map_from_text

EXPECTED = {"Town01": (200, 300), "Town02": (80, 130), "Town04": (300, 500), "Town10HD": (80, 200)}


def test_count_is_like_carlas(town: RoadMap) -> None:
    low, high = EXPECTED[town.name]
    assert low <= len(town.spawn_points) <= high


def test_points_stand_on_a_driving_lane_and_look_along_it(town: RoadMap) -> None:
    points, lanes = town.spawn_points, town.lanes
    hits = lanes.nearest(points[:, :2], points[:, 2] - 0.5)
    assert (hits.distance < 0.05).all()
    assert not lanes.is_junction[hits.lane_index].any()
    assert (np.abs((hits.yaw_deg - points[:, 4] + 180.0) % 360.0 - 180.0) < 3.0).all()
    ground, _ = town.ground.height(points[:, :2], points[:, 2])
    np.testing.assert_allclose(points[:, 2] - ground, 0.5, atol=0.05)


def test_points_are_clear_of_junctions(town: RoadMap) -> None:
    lanes = town.lanes
    in_junction = lanes.is_junction[lanes.lane_index]
    for point in town.spawn_points:
        near = in_junction & (np.abs(lanes.xyz[:, 2] - point[2]) < 2.0)
        gap = np.hypot(*(lanes.xyz[near, :2] - point[:2]).T) - 0.5 * lanes.width[near]
        assert gap.min(initial=np.inf) > 2.0


def test_long_vehicles_do_not_overlap(town: RoadMap) -> None:
    points = town.spawn_points
    yaw = np.radians(points[:, 4])
    for k, point in enumerate(points):
        offset = np.delete(points[:, :3] - point[:3], k, axis=0)
        along = np.abs(offset[:, 0] * np.cos(yaw[k]) + offset[:, 1] * np.sin(yaw[k]))
        across = np.abs(offset[:, 1] * np.cos(yaw[k]) - offset[:, 0] * np.sin(yaw[k]))
        assert not ((along < 10.5) & (across < 2.9) & (np.abs(offset[:, 2]) < 3.5)).any()


def test_order_is_stable(gridvale: RoadMap) -> None:
    again = road_map_from_text("again", gridvale.xodr)
    np.testing.assert_array_equal(again.spawn_points, gridvale.spawn_points)


@pytest.mark.parametrize("length", [60.0, 16.0, 6.0, 2.0])
def test_short_maps_have_one_too(length: float) -> None:
    road_map = straight_map(length=length)
    assert len(road_map.spawn_points) >= 1
