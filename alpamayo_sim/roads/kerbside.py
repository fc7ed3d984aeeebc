"""What stands at the kerb and behind the pavement of slow roads: parked cars, bus stops, benches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from alpamayo_sim.roads import frontage
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.static_boxes import StaticGroup, StaticKind

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

Floats = NDArray[np.floating]
PARKED_SIZES = ((2.40, 0.92, 0.735), (1.98, 0.90, 0.760), (2.35, 0.96, 0.880), (2.30, 0.93, 0.665))
"""Half length, width and height of the models that park, see `render.street_furniture`: sedan, hatchback, SUV and coupe."""
PARKING_ROW = 4
"""Cars in a row of parking bays, side by side."""
BAY_HALF_M = (2.6, 1.3)
"""Half length and width of a bay; cars stand across the road's direction, clear of the pavement."""
KERB_PITCH_M, KERB_SHARE = 6.6, 0.45
"""Length of a place in a parking lane, and the share of places that are taken."""
KERB_END_M = 9.0
"""Parking lanes are empty so near to their ends, where junctions begin."""
KERB_INSIDE_M, ROAD_INSIDE_M = 0.02, 0.1
"""How far a car stays within its parking lane, at least: toward the pavement and toward the traffic."""
KERB_BEND_DEG = 4.0
"""Nobody parks where a lane turns by more than this within 10 m before and after: long vehicles need the room."""
CROSSWALK_M = 8.0
"""Nobody parks so near to a crosswalk, so that those who wait there are seen."""
STOP_SPACING_M, STOP_TRIED_EVERY_M, STOP_FROM_END_M = 160.0, 9.0, 22.0
SHELTER_HALF_M = (1.94, 0.85, 1.3)
BENCH_HALF_M = (0.77, 0.33, 0.45)
BIN_HALF_M = (0.26, 0.26, 0.52)
RASTER_SLACK_M = 0.75
"""Free cells are asked for so much farther out: the raster's cells along a lane count as taken whole."""


def beside(e: frontage.Edges, offset_m: Floats | float) -> Floats:
    """Return the points [M, 3] at a distance outward from edge points."""
    return e.xyz + np.column_stack([e.outward * np.broadcast_to(offset_m, len(e.xyz))[:, None], np.zeros(len(e.xyz))])


def parking_rows(edges: frontage.Edges, raster: frontage.Raster, rng: np.random.Generator) -> StaticGroup:
    """Return cars in rows of bays beside slow roads, where the frontage is still free."""
    e = edges.every(28.0).where_urban()
    count = len(e.xyz)
    half_row = np.tile([PARKING_ROW * BAY_HALF_M[1] + 0.3, BAY_HALF_M[0] + 0.2, 1.0], (count, 1))
    foot = beside(e, 1.9 + BAY_HALF_M[0])
    wanted = rng.uniform(size=count) < 0.5
    placed = raster.place(foot, half_row, e.yaw_deg, wanted, gap_m=0.3)
    along = np.stack([np.cos(np.radians(e.yaw_deg)), np.sin(np.radians(e.yaw_deg))], axis=1)
    outward_deg = np.degrees(np.arctan2(e.outward[:, 1], e.outward[:, 0]))
    feet, extents, yaws = [np.zeros((0, 3))], [np.zeros((0, 3))], [np.zeros(0)]
    for k in range(PARKING_ROW):
        here = placed & (rng.uniform(size=count) < 0.75)
        shift = (k - 0.5 * (PARKING_ROW - 1)) * 2.0 * BAY_HALF_M[1]
        feet.append((foot + np.column_stack([along * shift, np.zeros(count)]))[here])
        size = np.array(PARKED_SIZES)[rng.integers(len(PARKED_SIZES), size=count)]
        extents.append(size[here])
        yaws.append((outward_deg + np.where(rng.uniform(size=count) < 0.7, 0.0, 180.0))[here])
    return StaticGroup(StaticKind.PARKED_CAR, np.concatenate(feet), np.concatenate(extents), np.concatenate(yaws))


def kerb_parking(road_map: RoadMap, rng: np.random.Generator) -> StaticGroup:
    """Return cars along the kerb in the map's parking lanes, clear of the lanes' ends, junctions and crosswalks."""
    lanes = road_map.lanes
    rows: list[Floats] = [np.zeros((0, 8))]
    for lane in np.flatnonzero((lanes.lane_type == LaneType.PARKING) & ~lanes.is_junction).tolist():
        part = slice(int(lanes.start[lane]), int(lanes.stop[lane]))
        along = lanes.along_m[part]
        places = np.arange(KERB_END_M + 0.5 * KERB_PITCH_M, float(along[-1]) - KERB_END_M, KERB_PITCH_M)
        size = np.array(PARKED_SIZES)[rng.integers(len(PARKED_SIZES), size=len(places))]
        taken = rng.uniform(size=len(places)) < KERB_SHARE
        places = places + rng.uniform(-0.4, 0.4, len(places))
        width = np.interp(places, along, lanes.width[part])
        turn = np.clip(rng.normal(0.0, 0.3, len(places)), -0.6, 0.6)
        slack = 0.5 * width - size[:, 1] - size[:, 0] * np.abs(np.sin(np.radians(turn)))
        # Toward the kerb, which lies to the right of the lane's direction.
        most = slack - KERB_INSIDE_M
        shift = most - rng.uniform(0.0, 0.15, len(places)) * (most > 0.15)
        forward = np.stack([np.interp(places, along, lanes.tangent[part, k]) for k in range(2)], axis=1)
        heading = np.unwrap(np.arctan2(lanes.tangent[part, 1], lanes.tangent[part, 0]))
        before, after = (np.interp(places + way, along, heading) for way in (-10.0, 10.0))
        fits = (slack + shift >= ROAD_INSIDE_M) & (np.degrees(np.abs(after - before)) < KERB_BEND_DEG)
        center = np.stack([np.interp(places, along, lanes.xyz[part, k]) for k in range(3)], axis=1)
        center[:, :2] += np.stack([-forward[:, 1], forward[:, 0]], axis=1) * shift[:, None]
        yaw = np.degrees(np.arctan2(forward[:, 1], forward[:, 0])) + turn
        rows.append(np.column_stack([center, size, yaw, np.full(len(yaw), lane)])[taken & fits])
    found = np.concatenate(rows)
    found = found[~_near_crosswalks(road_map, found[:, :2])]
    return StaticGroup(StaticKind.PARKED_CAR, found[:, :3], found[:, 3:6], found[:, 6], found[:, 7].astype(np.int32))


def _near_crosswalks(road_map: RoadMap, xy: Floats) -> NDArray[np.bool_]:
    near = np.zeros(len(xy), dtype=np.bool_)
    points = shapely.points(xy)
    for polygon in road_map.crosswalks:
        near |= np.asarray(shapely.dwithin(points, shapely.Polygon(polygon[:, :2]), CROSSWALK_M))
    return near


def bus_stops(edges: frontage.Edges, raster: frontage.Raster, rng: np.random.Generator) -> list[StaticGroup]:
    """Return shelters behind the pavement, each with a litter bin beside it, and benches between them."""
    e = edges.every(STOP_TRIED_EVERY_M).where_urban()
    room = np.array(SHELTER_HALF_M) + np.array([1.6, 0.1, 0.0])
    tested = beside(e, 0.8 + SHELTER_HALF_M[1] + RASTER_SLACK_M)
    inner = np.flatnonzero((e.arc_m >= STOP_FROM_END_M) & (e.to_end_m >= STOP_FROM_END_M))
    placed: list[int] = []
    for k in rng.permutation(inner).tolist():
        apart = np.hypot(*(e.xyz[placed, :2] - e.xyz[k, :2]).T)
        if (apart < STOP_SPACING_M).any():
            continue
        if raster.place(tested[[k]], room[None], e.yaw_deg[[k]], np.ones(1, np.bool_), gap_m=0.0)[0]:
            placed.append(k)
    chosen = np.array(sorted(placed), dtype=np.intp)
    count = len(chosen)
    # A shelter opens to the road, which lies to the right of a yaw that is turned so.
    toward = _toward_road(e)[chosen]
    foot = beside(e, 0.8 + SHELTER_HALF_M[1])[chosen]
    along = np.column_stack([np.cos(np.radians(toward)), np.sin(np.radians(toward)), np.zeros(count)])
    groups = [
        StaticGroup(StaticKind.BUS_STOP, foot, np.tile(SHELTER_HALF_M, (count, 1)), toward),
        StaticGroup(StaticKind.BIN, foot + along * 2.75, np.tile(BIN_HALF_M, (count, 1)), toward),
    ]
    seats = edges.every(75.0).where_urban()
    tested = beside(seats, 1.15 + RASTER_SLACK_M)
    turned, size = _toward_road(seats), np.tile(BENCH_HALF_M, (len(tested), 1))
    free = raster.place(tested, size, turned, rng.uniform(size=len(tested)) < 0.6, gap_m=0.0)
    groups.append(StaticGroup(StaticKind.BENCH, beside(seats, 1.15)[free], size[free], turned[free]))
    return groups


def _toward_road(e: frontage.Edges) -> Floats:
    """Return the yaw [M] of things whose right side looks to the road."""
    return np.degrees(np.arctan2(-e.outward[:, 1], -e.outward[:, 0])) - 90.0
