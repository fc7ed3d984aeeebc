"""How far the leaderboard's NPC agent can come on a route, worked out without any server.

The agent gets the evaluator's route as a few points (every turn, and every 200 m), looks each of them up on the map again and
plans from one to the next. Where lanes of a junction begin or end in the same point, the lookup may give another lane than the
route's, and the plan then goes round the block to get there. This does what the agent does, with `carla.Map` only, and prints
one JSON object: by route id, the percentage of the route that the plan follows, and where it goes wrong.

Run it with the leaderboard, ScenarioRunner and CARLA's `agents` on PYTHONPATH: leaderboard_npc_plan.py ROUTES.xml MAPS_FOLDER
"""

# Other people's packages are on the path of the program that runs this, not on the type checker's.
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import carla
import numpy as np
from agents.navigation.global_route_planner import GlobalRoutePlanner
from leaderboard.utils.route_manipulation import downsample_route

DEVIATION_M = 30.0
"""The evaluator ends a route when the agent is farther off."""
SAMPLING_M = 200.0
AHEAD, NEAR_M, DETOUR_M = 15, 4.0, 15.0


def _length(xy: np.ndarray) -> float:
    return float(np.linalg.norm(np.diff(xy, axis=0), axis=1).sum())


def _xy(locations: list[Any]) -> np.ndarray:
    return np.array([[location.x, location.y] for location in locations]).reshape(-1, 2)


def followed(route_xy: np.ndarray, plan_xy: np.ndarray) -> tuple[float, bool]:
    """Return the share of the route that somebody passes who drives the plan, and whether he leaves the route."""
    station = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(route_xy, axis=0), axis=1))]
    reached = 0
    for point in plan_xy:
        away = np.linalg.norm(route_xy[reached : reached + AHEAD] - point, axis=1)
        if away.min() < NEAR_M:
            reached += int(away.argmin())
        if reached >= len(route_xy) - 3:
            return 1.0, False
        if np.linalg.norm(route_xy[max(0, reached - 5) : reached + 6] - point, axis=1).min() > DEVIATION_M:
            return float(station[reached] / station[-1]), True
    return float(station[reached] / station[-1]), False


def examine(carla_map: carla.Map, keypoints: list[carla.Location]) -> dict[str, Any]:
    """Return what the agent's plan makes of the route through `keypoints`."""
    evaluator, agent = GlobalRoutePlanner(carla_map, 1.0), GlobalRoutePlanner(carla_map, 2.0)
    route = [
        (waypoint, option)
        for first, last in zip(keypoints, keypoints[1:], strict=False)
        for waypoint, option in evaluator.trace_route(first, last)
    ]
    route_xy = _xy([waypoint.transform.location for waypoint, _ in route])
    plan_xy: list[np.ndarray] = []
    detours: list[dict[str, Any]] = []
    samples = downsample_route([(waypoint.transform, option) for waypoint, option in route], SAMPLING_M)
    for first, last in zip(samples, samples[1:], strict=False):
        read = [carla_map.get_waypoint(route[index][0].transform.location) for index in (first, last)]
        piece = _xy([
            waypoint.transform.location
            for waypoint, _ in agent.trace_route(read[0].transform.location, read[1].transform.location)
        ])  # fmt: skip
        plan_xy.append(piece)
        if abs(_length(piece) - _length(route_xy[first : last + 1])) > DETOUR_M:
            meant = [route[index][0] for index in (first, last)]
            detours.append({
                "from_xy": route_xy[first].round(1).tolist(),
                "to_xy": route_xy[last].round(1).tolist(),
                "on_route_m": round(_length(route_xy[first : last + 1]), 1),
                "in_plan_m": round(_length(piece), 1),
                "lanes_meant": [f"{waypoint.road_id}/{waypoint.lane_id}" for waypoint in meant],
                "lanes_read": [f"{waypoint.road_id}/{waypoint.lane_id}" for waypoint in read],
            })  # fmt: skip
    plan = np.concatenate(plan_xy)
    share, leaves = followed(route_xy, plan)
    return {
        "route_m": round(_length(route_xy), 1),
        "plan_m": round(_length(plan), 1),
        "completion_percent": round(100.0 * share, 1),
        "leaves_route": leaves,
        "detours": detours,
    }


def main() -> None:
    """Examine every route of a file."""
    routes, maps = Path(sys.argv[1]), Path(sys.argv[2])
    known: dict[str, carla.Map] = {}
    results = {}
    for route in ElementTree.parse(routes).getroot().iter("route"):
        town = route.attrib["town"]
        if town not in known:
            known[town] = carla.Map(town, (maps / f"{town}.xodr").read_text())
        points = [position.attrib for position in route.iter("position")]
        keypoints = [carla.Location(float(point["x"]), float(point["y"]), float(point["z"])) for point in points]
        results[route.attrib["id"]] = examine(known[town], keypoints)
    json.dump(results, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
