"""Where people walk: sidewalk centre lines joined by crosswalks, as a graph."""

from __future__ import annotations

from dataclasses import dataclass

import carla
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_sim.roads.road_map import RoadMap

_NODE_SPACING_M = 2.0
_JOIN_DISTANCE_M = 2.5
_CROSSWALK_REACH_M = 8.0


@dataclass(frozen=True)
class Walkways:
    """A graph of walkable points in the CARLA world frame."""

    points: NDArray[np.float64]
    """[N, 3] node positions on the ground."""
    neighbours: tuple[tuple[int, ...], ...]
    """For each node, the nodes that it is joined to."""
    crossings: frozenset[tuple[int, int]]
    """Edges (both directions) that lead over a road; everything else is sidewalk."""

    def is_crossing(self, start: int, end: int) -> bool:
        """Whether the step from node `start` to node `end` leads over a road."""
        return (start, end) in self.crossings


def build_walkways(road_map: RoadMap) -> Walkways:
    """Return the walkways of a map: its sidewalk lanes (shoulders on a map that has none) joined by its crosswalks.

    The graph is empty (N = 0) on a map with neither.
    """
    chains = _lane_chains(road_map, carla.LaneType.Sidewalk) or _lane_chains(road_map, carla.LaneType.Shoulder)
    if not chains:
        return Walkways(np.zeros((0, 3)), (), frozenset())
    edges: set[tuple[int, int]] = set()
    crossings: set[tuple[int, int]] = set()
    starts = np.cumsum([0, *(len(c) for c in chains)])
    points = np.concatenate(chains)
    for first, stop in zip(starts[:-1], starts[1:], strict=True):
        edges.update((i, i + 1) for i in range(int(first), int(stop) - 1))
    tree = KDTree(points)
    for first, stop in zip(starts[:-1], starts[1:], strict=True):
        for end in (int(first), int(stop) - 1):
            for other in tree.query_ball_point(points[end], _JOIN_DISTANCE_M):
                if not first <= other < stop:
                    edges.add((end, int(other)))
    for polygon in road_map.crosswalks:
        kerbs = crosswalk_ends(polygon)
        distance, nodes = (np.asarray(found) for found in tree.query(kerbs))
        if (distance < _CROSSWALK_REACH_M).all() and nodes[0] != nodes[1]:
            base = len(points)
            points = np.concatenate([points, kerbs])
            edges.update({(int(nodes[0]), base), (base + 1, int(nodes[1])), (base, base + 1)})
            crossings.update({(base, base + 1), (base + 1, base)})
    return Walkways(points, _adjacency(len(points), edges), frozenset(crossings))


def _lane_chains(road_map: RoadMap, lane_type: carla.LaneType) -> list[NDArray[np.float64]]:
    lanes = road_map.lanes
    chains: list[NDArray[np.float64]] = []
    for lane in np.flatnonzero(lanes.lane_type == int(lane_type)):
        samples = lanes.xyz[lanes.start[lane] : lanes.stop[lane]]
        wide = lanes.width[lanes.start[lane] : lanes.stop[lane]] > 0.8
        samples = samples[wide]
        if len(samples) < 2:
            continue
        arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(samples, axis=0), axis=1))])
        count = max(2, round(float(arc[-1]) / _NODE_SPACING_M) + 1)
        at = np.linspace(0.0, arc[-1], count)
        chains.append(np.stack([np.interp(at, arc, samples[:, k]) for k in range(3)], axis=1))
    return chains


def crosswalk_ends(polygon: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the middles [2, 3] of the two short sides of a crosswalk, just inside the road's edges."""
    (cx, cy), (length, width), angle_deg = cv2.minAreaRect(polygon[:, :2].astype(np.float32))
    if length < width:
        length, angle_deg = width, angle_deg + 90.0
    along = np.array([np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))]) * length / 2
    z = float(polygon[:, 2].mean())
    return np.array([[cx - along[0], cy - along[1], z], [cx + along[0], cy + along[1], z]])


def _adjacency(count: int, edges: set[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    neighbours: list[set[int]] = [set() for _ in range(count)]
    for a, b in edges:
        neighbours[a].add(b)
        neighbours[b].add(a)
    return tuple(tuple(sorted(n)) for n in neighbours)
