"""What stands beside the roads of a map: buildings, trees, lamps, guard rails and the poles of lights and signs, as boxes.

OpenDRIVE says nothing about them, so they are laid out from the lanes: deterministic per map text, clear of every lane.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads import frontage
from alpamayo_sim.roads.kerbside import BAY_HALF_M, PARKED_SIZES, beside, bus_stops, kerb_parking, parking_rows
from alpamayo_sim.roads.lane_cover import LaneCover
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.sight_lines import cut, sight_lines
from alpamayo_sim.roads.static_boxes import CITY_OBJECT_LABEL, StaticBoxes, StaticGroup, StaticKind

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

__all__ = [
    "BAY_HALF_M", "CITY_OBJECT_LABEL", "PARKED_SIZES", "StaticBoxes", "StaticKind", "build_statics", "drivable_cover",
]  # fmt: skip
Floats = NDArray[np.floating]
CLEARANCE_M = 0.5
"""How far from every lane that a car may use a box stays, at least; cars parked in a parking lane keep within it instead."""
DRIVABLE = tuple(
    LaneType[name]
    for name in ("DRIVING", "SHOULDER", "PARKING", "BIDIRECTIONAL", "STOP")
    if name in LaneType.__members__
)
CROWN_M = 2.2 / 1.6
"""Radius of a tree's crown, in half heights of its trunk's box."""
POLE_REACH_M = 14.0
"""How far a pole may move from the transform of its signal to leave the lanes."""


def drivable_cover(road_map: RoadMap) -> LaneCover:
    """Return the cover of every lane that a car may use: driving, bidirectional, shoulder, parking, stop; junctions included."""
    lane_type = np.asarray(road_map.lanes.lane_type)[road_map.lanes.lane_index]
    return LaneCover.from_lanes(road_map, np.isin(lane_type, [int(t) for t in DRIVABLE]))


def _moving_cover(road_map: RoadMap) -> LaneCover:
    """Return the cover of the lanes that traffic moves on, which is every lane for cars but parking lanes."""
    lane_type = np.asarray(road_map.lanes.lane_type)[road_map.lanes.lane_index]
    return LaneCover.from_lanes(road_map, np.isin(lane_type, [int(t) for t in DRIVABLE if t != LaneType.PARKING]))


def build_statics(road_map: RoadMap) -> StaticBoxes:
    """Return the static boxes of a map; the same map text gives the same boxes."""
    rng = np.random.Generator(np.random.PCG64(int(road_map.digest[:16], 16)))
    drivable = drivable_cover(road_map)
    everything = LaneCover.from_lanes(road_map, np.ones(len(road_map.lanes.xyz), dtype=np.bool_))
    raster = frontage.Raster.from_road_map(road_map)
    edges = frontage.outer_edges(road_map, raster)
    poles = _poles(road_map, drivable)
    for group in poles:
        raster.stamp(group.foot, group.extent, group.yaw_deg, margin_m=0.5)
    sight = sight_lines(
        road_map,
        {
            (group.kind is StaticKind.LIGHT_POLE, int(k)): foot
            for group in poles
            for k, foot in zip(group.source if group.source is not None else (), group.foot, strict=True)
        },
    )
    lamps = _keep_clear(_lamps(edges), everything)
    lamps = lamps.where(raster.is_free(lamps.foot[:, :2], 0.0))
    raster.stamp(lamps.foot, lamps.extent, lamps.yaw_deg, margin_m=0.5)
    extras = np.random.Generator(np.random.PCG64([int(road_map.digest[:16], 16), 1]))
    stops = [_keep_clear(group, everything) for group in bus_stops(edges, raster, extras)]
    stops = [g.where(~cut(sight, g.foot[:, :2], g.extent[:, 0])) for g in stops]
    parked = _keep_clear(parking_rows(edges, raster, extras), everything)
    at_kerb = kerb_parking(road_map, extras)
    at_kerb = at_kerb.where(~_moving_cover(road_map).touched_by(at_kerb.foot, at_kerb.extent, at_kerb.yaw_deg, 0.02))
    buildings = _keep_clear(_buildings(edges, raster, rng), everything)
    trees = _keep_clear(_trees(edges, rng), everything)
    trees = trees.where(raster.is_free(trees.foot[:, :2], 1.5))
    trees = trees.where(~cut(sight, trees.foot[:, :2], CROWN_M * trees.extent[:, 2]))
    raster.stamp(trees.foot, trees.extent, trees.yaw_deg, margin_m=0.4)
    hedges = _keep_clear(_hedges(edges, raster, extras), everything)
    rails = _keep_clear(_guard_rails(edges), drivable)
    rails = rails.where(~everything.touched_by(rails.foot, rails.extent, rails.yaw_deg, 0.0))
    groups = [buildings, trees, lamps, rails, hedges, parked, at_kerb, *stops]
    heights = [_on_ground(road_map, g) for g in groups]
    return _assemble([*heights, *poles])


def _keep_clear(group: StaticGroup, cover: LaneCover) -> StaticGroup:
    return group.where(~cover.touched_by(group.foot, group.extent, group.yaw_deg, CLEARANCE_M))


def _on_ground(road_map: RoadMap, group: StaticGroup) -> StaticGroup:
    """Return the group with its feet on the ground; what stands at the very edge of a bridge stands on its deck."""
    foot = group.foot.copy()
    if len(foot):
        z = np.asarray(
            road_map.ground.height(np.asarray(foot[:, :2], np.float64), np.asarray(foot[:, 2], np.float64))[0]
        )
        on_deck = (foot[:, 2] - z > 0.6) & (group.kind in (StaticKind.GUARD_RAIL, StaticKind.LAMP))
        foot[:, 2] = np.where(on_deck, foot[:, 2], z)
    return StaticGroup(group.kind, foot, group.extent, group.yaw_deg, group.source)


def _buildings(edges: frontage.Edges, raster: frontage.Raster, rng: np.random.Generator) -> StaticGroup:
    feet, extents, yaws = [], [], []
    for setback_m, spacing_m, chance in ((4.0, 3.0, 0.9), (30.0, 6.0, 0.6)):
        e = edges.every(spacing_m).where_urban()
        count = len(e.xyz)
        half = np.stack([rng.uniform(5.0, 13.0, count), rng.uniform(5.0, 9.0, count)], axis=1)
        tall = raster.smooth_noise(e.xyz[:, :2], rng)
        height = 3.2 * np.round(rng.uniform(1.6, 4.0, count) + tall * (4.0 if setback_m < 10.0 else 9.0))
        offset = setback_m + rng.uniform(0.0, 1.5, count) + half[:, 1]
        foot = e.xyz + np.concatenate([e.outward * offset[:, None], np.zeros((count, 1))], axis=1)
        wanted = np.repeat(rng.uniform(size=count // 8 + 1), 8)[:count] < chance
        extent = np.concatenate([half, height[:, None] * 0.5], axis=1)
        placed = raster.place(foot, extent, e.yaw_deg, wanted, gap_m=0.5)
        feet.append(foot[placed])
        extents.append(extent[placed])
        yaws.append(e.yaw_deg[placed])
    return StaticGroup(StaticKind.BUILDING, np.concatenate(feet), np.concatenate(extents), np.concatenate(yaws))


def _trees(edges: frontage.Edges, rng: np.random.Generator) -> StaticGroup:
    street, field = edges.every(11.0), edges.every(9.0).where_rural()
    offset = np.concatenate([rng.uniform(1.7, 2.6, len(street.xyz)), rng.uniform(4.0, 45.0, len(field.xyz))])
    xyz = np.concatenate([street.xyz, field.xyz])
    outward = np.concatenate([street.outward, field.outward])
    foot = xyz + np.concatenate([outward * offset[:, None], np.zeros((len(xyz), 1))], axis=1)
    keep = rng.uniform(size=len(foot)) < np.where(np.arange(len(foot)) < len(street.xyz), 0.75, 0.9)
    size = rng.uniform(0.75, 1.3, len(foot))
    extent = np.stack([0.17 * size, 0.17 * size, 1.6 * size], axis=1)
    return StaticGroup(StaticKind.TREE, foot[keep], extent[keep], rng.uniform(-180.0, 180.0, len(foot))[keep])


def _hedges(edges: frontage.Edges, raster: frontage.Raster, rng: np.random.Generator) -> StaticGroup:
    """Return hedges along the pavement of slow roads, in runs."""
    e = edges.every(3.0).where_urban()
    count = len(e.xyz)
    height = rng.uniform(0.38, 0.62, count // 12 + 1)
    extent = np.stack([np.full(count, 1.35), np.full(count, 0.32), np.repeat(height, 12)[:count]], axis=1)
    wanted = np.repeat(rng.uniform(size=count // 6 + 1), 6)[:count] < 0.45
    foot = beside(e, 1.25)
    placed = raster.place(foot, extent, e.yaw_deg, wanted, gap_m=0.0)
    return StaticGroup(StaticKind.HEDGE, foot[placed], extent[placed], e.yaw_deg[placed])


def _lamps(edges: frontage.Edges) -> StaticGroup:
    e = edges.every(32.0)
    foot = e.xyz + np.concatenate([e.outward * 0.75, np.zeros((len(e.xyz), 1))], axis=1)
    extent = np.tile([0.1, 0.1, 3.6], (len(foot), 1))
    toward_road = np.degrees(np.arctan2(-e.outward[:, 1], -e.outward[:, 0]))
    return StaticGroup(StaticKind.LAMP, foot, extent, toward_road)


def _guard_rails(edges: frontage.Edges) -> StaticGroup:
    e = edges.every(4.0).where_fast()
    foot = e.xyz + np.concatenate([e.outward * 0.85, np.zeros((len(e.xyz), 1))], axis=1)
    return StaticGroup(StaticKind.GUARD_RAIL, foot, np.tile([2.0, 0.12, 0.4], (len(foot), 1)), e.yaw_deg)


def _poles(road_map: RoadMap, drivable: LaneCover) -> list[StaticGroup]:
    groups: list[StaticGroup] = []
    for kind, items, height_m in (
        (StaticKind.LIGHT_POLE, road_map.signals.lights, 5.6),
        (StaticKind.SIGN_POLE, road_map.signals.signs, 2.7),
    ):
        wanted = np.array([[t.transform.x, t.transform.y, t.transform.z] for t in items], dtype=np.float64).reshape(
            -1, 3
        )
        half = (
            np.array([0.11, 0.11, height_m * 0.5])
            if kind is StaticKind.LIGHT_POLE
            else np.array([0.05, 0.05, height_m * 0.5])
        )
        if not len(wanted):
            continue
        z = np.asarray(road_map.ground.height(wanted[:, :2], wanted[:, 2] + 1.0)[0])
        wanted[:, 2] = z
        foot, found = _nearest_clear(wanted, half, drivable)
        foot[:, 2] = np.asarray(road_map.ground.height(np.asarray(foot[:, :2], np.float64), z)[0])
        source = np.nonzero(found)[0].astype(np.int32)
        count = len(source)
        groups.append(StaticGroup(kind, foot[found], np.tile(half, (count, 1)), np.zeros(count), source))
    return groups


def _nearest_clear(wanted: Floats, half: Floats, cover: LaneCover) -> tuple[Floats, NDArray[np.bool_]]:
    """Return for each point [M, 3] the nearest place in reach where a box of half sizes `half` is clear of the lanes."""
    radius = np.arange(0.25, POLE_REACH_M, 0.25)
    angle = np.radians(np.arange(0.0, 360.0, 22.5))
    ring = np.stack([np.outer(radius, np.cos(angle)).ravel(), np.outer(radius, np.sin(angle)).ravel()], axis=1)
    offsets = np.concatenate([np.zeros((1, 2)), ring])
    foot, found = wanted.copy(), np.zeros(len(wanted), dtype=np.bool_)
    for k, point in enumerate(wanted):
        places = np.column_stack([point[:2] + offsets, np.full(len(offsets), point[2])])
        clear = ~cover.touched_by(places, np.tile(half, (len(places), 1)), np.zeros(len(places)), CLEARANCE_M)
        if clear.any():
            foot[k], found[k] = places[int(np.argmax(clear))], True
    return foot, found


def _assemble(groups: list[StaticGroup]) -> StaticBoxes:
    foot = np.concatenate([g.foot for g in groups])
    extent = np.concatenate([g.extent for g in groups])
    center = foot.copy()
    center[:, 2] += extent[:, 2]
    kind = np.concatenate([np.full(len(g.foot), int(g.kind), dtype=np.uint8) for g in groups])
    source = np.concatenate([np.full(len(g.foot), -1, np.int32) if g.source is None else g.source for g in groups])
    label = np.array([CITY_OBJECT_LABEL[StaticKind(k)] for k in range(len(StaticKind))], dtype=np.uint8)[kind]
    return StaticBoxes(center, extent, np.concatenate([g.yaw_deg for g in groups]), label, kind, source)
