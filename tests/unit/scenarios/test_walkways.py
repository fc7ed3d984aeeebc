"""Walkways: on sidewalks, over crosswalks, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import carla
import networkx as nx
import numpy as np
import pytest

from alpamayo_sim.roads.road_map import RoadMap, load_road_map
from alpamayo_sim.roads.walkways import Walkways, build_walkways


def load(name: str, shared_data: Path) -> RoadMap:
    path = shared_data / "maps" / f"{name}.xodr"
    return load_road_map(path if path.is_file() else name)


def graph_of(walkways: Walkways) -> nx.Graph:
    graph = nx.Graph()
    graph.add_edges_from((i, j) for i, others in enumerate(walkways.neighbours) for j in others)
    return graph


@pytest.mark.parametrize("town", ["Gridvale", "Town10HD", "Town04"])
def test_crosswalks_join_all_sidewalks(town: str, shared_data: Path) -> None:
    road_map = load(town, shared_data)
    walkways = build_walkways(road_map)
    assert len(walkways.crossings) / 2 >= 0.9 * len(road_map.crosswalks)
    assert nx.is_connected(graph_of(walkways))


def test_without_crosswalks_nobody_crosses(shared_data: Path) -> None:
    walkways = build_walkways(load("Town01", shared_data))
    assert not walkways.crossings
    assert nx.number_connected_components(graph_of(walkways)) > 1


@pytest.mark.parametrize("town", ["Gridvale", "Town10HD"])
def test_off_the_crosswalks_no_step_touches_a_driving_lane(town: str, shared_data: Path) -> None:
    road_map = load(town, shared_data)
    walkways = build_walkways(road_map)
    kerbs = {node for edge in walkways.crossings for node in edge}
    rng = np.random.default_rng(0)
    nodes = [n for n in range(len(walkways.points)) if n not in kerbs]
    for node in rng.choice(nodes, 300, replace=False):
        for other in walkways.neighbours[node]:
            if other in kerbs:
                continue
            middle = (walkways.points[node] + walkways.points[other]) / 2
            waypoint = road_map.carla_map.get_waypoint(
                carla.Location(*(float(v) for v in middle)), project_to_road=False, lane_type=carla.LaneType.Driving
            )
            assert waypoint is None or waypoint.is_junction, middle


def test_neighbours_are_mutual(shared_data: Path) -> None:
    walkways = build_walkways(load("Town10HD", shared_data))
    for node, others in enumerate(walkways.neighbours):
        assert all(node in walkways.neighbours[other] for other in others)
