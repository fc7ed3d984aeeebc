"""What stands beside roads: deterministic, on the ground, and out of the way of every car."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely
from scipy.spatial import KDTree

from alpamayo_sim.roads.frontage import junction_hulls
from alpamayo_sim.roads.lane_cover import LaneCover
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.road_map import RoadMap, available_towns, load_road_map
from alpamayo_sim.roads.statics import (
    CITY_OBJECT_LABEL,
    CLEARANCE_M,
    POLE_REACH_M,
    StaticBoxes,
    StaticKind,
    build_statics,
)

REAL = ("Town01", "Town02", "Town04", "Town10HD")
OURS = tuple(available_towns())


@pytest.fixture(scope="module", params=[*OURS, *REAL])
def road_map(request: pytest.FixtureRequest, shared_data: Path) -> RoadMap:
    if request.param in OURS:
        return load_road_map(request.param)
    return load_road_map(shared_data / "maps" / f"{request.param}.xodr")


def _corners(center: np.ndarray, extent: np.ndarray, yaw_deg: np.ndarray) -> np.ndarray:
    """Return points [M, 2] all over the outlines of boxes, at most 0.25 of a side apart."""
    t = np.linspace(-1.0, 1.0, 9)
    ring = np.concatenate(
        [np.stack([t, np.full(9, s)], 1) for s in (-1, 1)] + [np.stack([np.full(9, s), t], 1) for s in (-1, 1)]
    )
    local = ring[None] * extent[:, None, :2]
    c, s = np.cos(np.radians(yaw_deg))[:, None], np.sin(np.radians(yaw_deg))[:, None]
    x = center[:, None, 0] + c * local[..., 0] - s * local[..., 1]
    y = center[:, None, 1] + s * local[..., 0] + c * local[..., 1]
    return np.stack([x, y], axis=-1).reshape(-1, 2)


def _at_kerb(road_map: RoadMap, statics: StaticBoxes) -> np.ndarray:
    """Return which boxes are cars in a parking lane."""
    hits = road_map.lanes.nearest(
        statics.center[:, :2].astype(np.float64), lane_types=LaneType.PARKING, max_distance_m=5.0
    )
    return (statics.kind == int(StaticKind.PARKED_CAR)) & hits.inside


def test_cars_at_the_kerb_keep_within_their_lane_and_clear_of_junctions_crossings_and_spawn_points(
    road_map: RoadMap,
) -> None:
    statics = build_statics(road_map)
    chosen = _at_kerb(road_map, statics)
    lanes = road_map.lanes
    has_lanes = bool(((lanes.lane_type == LaneType.PARKING) & ~lanes.is_junction).any())
    assert chosen.any() == has_lanes
    if not has_lanes:
        return
    center, extent, yaw = statics.center[chosen], statics.extent[chosen], statics.yaw_deg[chosen]
    outline = _corners(center, extent, yaw).astype(np.float64)
    for lane_type in (LaneType.DRIVING, LaneType.SHOULDER, LaneType.SIDEWALK, LaneType.BIDIRECTIONAL):
        hits = lanes.nearest(outline, lane_types=lane_type, max_distance_m=30.0)
        near = np.isfinite(hits.distance)
        assert (hits.distance[near] - 0.5 * hits.width[near] > 0.01).all(), lane_type.name
    hits = lanes.nearest(center[:, :2].astype(np.float64), lane_types=LaneType.PARKING, max_distance_m=5.0)
    room = np.minimum(hits.along_m, lanes.length_m[hits.lane_index] - hits.along_m)
    assert room.min() > 8.0
    assert np.ptp(np.abs((yaw - hits.yaw_deg + 180.0) % 360.0 - 180.0)) < 4.0
    for polygon in road_map.crosswalks:
        assert shapely.distance(shapely.Polygon(polygon[:, :2]), shapely.points(center[:, :2])).min() > 7.0
    for x, y, _, _, spawn_yaw, _ in road_map.spawn_points:
        c, s = np.cos(np.radians(spawn_yaw)), np.sin(np.radians(spawn_yaw))
        away = outline - (x, y)
        assert not ((np.abs(away @ (c, s)) < 6.0) & (np.abs(away @ (-s, c)) < 1.3)).any()
    pairs = KDTree(center[:, :2]).query_pairs(4.6)
    assert not pairs, "two cars in one place"


def test_every_town_has_bus_stops_benches_and_parked_cars_apart_from_junctions(road_map: RoadMap) -> None:
    statics = build_statics(road_map)
    counts = {kind: int((statics.kind == int(kind)).sum()) for kind in StaticKind}
    assert counts[StaticKind.BUS_STOP] >= 2 and counts[StaticKind.BENCH] >= 5 and counts[StaticKind.PARKED_CAR] >= 30
    stops = statics.center[statics.kind == int(StaticKind.BUS_STOP), :2]
    assert len(KDTree(stops).query_pairs(100.0)) == 0
    inside = np.nonzero(road_map.lanes.is_junction[road_map.lanes.lane_index])[0]
    assert KDTree(road_map.lanes.xyz[inside, :2]).query(stops)[0].min() > 8.0


def test_nothing_tall_stands_in_the_way_to_a_light_or_sign(road_map: RoadMap) -> None:
    """From a car 25 m before the place that a light or sign governs, no trunk, crown or shelter is on the line to its pole."""
    statics = build_statics(road_map)
    tall = np.isin(statics.kind, [int(StaticKind.TREE), int(StaticKind.BUS_STOP)])
    tree = statics.kind[tall] == int(StaticKind.TREE)
    place, radius = statics.center[tall, :2], np.where(tree, 2.2 * statics.extent[tall, 2] / 1.6, 0.8)
    for kind, items in (
        (StaticKind.LIGHT_POLE, [light.lane_boxes for light in road_map.signals.lights]),
        (StaticKind.SIGN_POLE, [sign.boxes for sign in road_map.signals.signs]),
    ):
        for k in np.flatnonzero(statics.kind == int(kind)):
            for box in items[int(statics.source[k])]:
                yaw = np.radians(box.yaw_deg)
                eye = np.array(box.center[:2]) - 25.0 * np.array([np.cos(yaw), np.sin(yaw)])
                for share in np.linspace(0.3, 1.0, 15):
                    point = eye + share * (statics.center[k, :2] - eye)
                    # The line tested is not the builder's, which begins farther off.
                    assert (np.hypot(*(place - point).T) > 0.6 * radius).all()


def test_no_box_reaches_a_lane_that_cars_use(road_map: RoadMap) -> None:
    """Independent of the builder's own test: outline points against the lane table's nearest query, all storeys."""
    statics = build_statics(road_map)
    clear = ~_at_kerb(road_map, statics)
    outline = _corners(statics.center[clear], statics.extent[clear], statics.yaw_deg[clear])
    for lane_type in (LaneType.DRIVING, LaneType.SHOULDER, LaneType.PARKING, LaneType.BIDIRECTIONAL):
        hits = road_map.lanes.nearest(outline, lane_types=lane_type, max_distance_m=30.0)
        near = np.isfinite(hits.distance)
        gap = hits.distance[near] - 0.5 * hits.width[near]
        # The centre line is a polyline: on tight bends its distance errs by some centimetres.
        assert (gap > CLEARANCE_M - 0.15).all(), f"{lane_type.name}: a box {gap.min():.2f} m from the edge"


def test_no_lane_sample_comes_within_the_margin_of_a_box(road_map: RoadMap) -> None:
    statics = build_statics(road_map)
    lanes = road_map.lanes
    lane_type = lanes.lane_type[lanes.lane_index]
    used = np.isin(lane_type, [int(LaneType.DRIVING), int(LaneType.SHOULDER), int(LaneType.PARKING)])
    right = np.stack([-lanes.tangent[used, 1], lanes.tangent[used, 0]], axis=1)
    points = np.concatenate(
        [lanes.xyz[used, :2] + right * (f * lanes.width[used, None]) for f in (-0.5, -0.25, 0.0, 0.25, 0.5)]
    )
    reach = np.hypot(statics.extent[:, 0], statics.extent[:, 1]) + CLEARANCE_M
    near = KDTree(points).query_ball_point(statics.center[:, :2], reach)
    at_kerb = _at_kerb(road_map, statics)
    for k in (k for k in range(len(statics)) if near[k] and not at_kerb[k]):
        close = points[near[k]] - statics.center[k, :2]
        yaw = np.radians(statics.yaw_deg[k])
        u = np.abs(close @ np.array([np.cos(yaw), np.sin(yaw)])) - statics.extent[k, 0]
        v = np.abs(close @ np.array([-np.sin(yaw), np.cos(yaw)])) - statics.extent[k, 1]
        distance = np.hypot(np.maximum(u, 0.0), np.maximum(v, 0.0))
        assert distance.min() > CLEARANCE_M - 0.01, (StaticKind(int(statics.kind[k])).name, statics.center[k])


def test_houses_stand_clear_of_every_lane_junction_and_each_other(road_map: RoadMap) -> None:
    statics = build_statics(road_map)
    house = statics.kind == int(StaticKind.BUILDING)
    assert house.sum() >= 20
    center, extent, yaw = statics.center[house], statics.extent[house], statics.yaw_deg[house]
    everything = LaneCover.from_lanes(road_map, np.ones(len(road_map.lanes.xyz), dtype=np.bool_))
    assert not everything.touched_by(center, extent, yaw, 0.0).any()
    outline = _corners(center, extent, yaw).reshape(len(center), -1, 2)
    for hull in junction_hulls(road_map):
        edge = np.roll(hull, -1, axis=0) - hull
        for points in outline:
            side = edge[:, None, 0] * (points[None, :, 1] - hull[:, None, 1]) - edge[:, None, 1] * (
                points[None, :, 0] - hull[:, None, 0]
            )
            assert not ((side > 0).all(axis=0) | (side < 0).all(axis=0)).any()
    for k in range(len(center)):
        c, s = np.cos(np.radians(yaw[k])), np.sin(np.radians(yaw[k]))
        others = np.delete(outline, k, axis=0).reshape(-1, 2) - center[k, :2]
        inside = (np.abs(others @ (c, s)) < extent[k, 0]) & (np.abs(others @ (-s, c)) < extent[k, 1])
        assert not inside.any()


def test_the_same_map_gives_the_same_boxes(road_map: RoadMap) -> None:
    first, second = build_statics(road_map), build_statics(road_map)
    for name in ("center", "extent", "yaw_deg", "label", "kind", "source"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_boxes_are_finite_labelled_and_stand_on_the_ground(road_map: RoadMap) -> None:
    statics = build_statics(road_map)
    assert np.isfinite(statics.center).all() and (statics.extent > 0).all()
    np.testing.assert_array_equal(statics.label, [CITY_OBJECT_LABEL[StaticKind(int(k))] for k in statics.kind])
    foot = statics.center[:, 2] - statics.extent[:, 2]
    ground = road_map.ground.height(statics.center[:, :2].astype(np.float64), foot.astype(np.float64))[0]
    on_deck = np.isin(statics.kind, [int(StaticKind.GUARD_RAIL), int(StaticKind.LAMP)])
    # On slopes the height depends a little on the storey one asks from.
    error = np.abs(foot[~on_deck] - ground[~on_deck])
    assert error.max() < 1.0 and np.mean(error < 0.05) > 0.98


def test_lights_and_signs_have_poles_near_their_place(road_map: RoadMap) -> None:
    statics = build_statics(road_map)
    for kind, items in (
        (StaticKind.LIGHT_POLE, road_map.signals.lights),
        (StaticKind.SIGN_POLE, road_map.signals.signs),
    ):
        chosen = statics.kind == int(kind)
        sources = statics.source[chosen]
        assert len(set(sources.tolist())) == len(sources)
        assert chosen.sum() >= 0.97 * len(items)
        for center, source in zip(statics.center[chosen], sources, strict=True):
            t = items[int(source)].transform
            assert np.hypot(center[0] - t.x, center[1] - t.y) <= POLE_REACH_M
