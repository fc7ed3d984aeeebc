"""The routes that CARLA's own planner makes of a route file, as the leaderboard's evaluator asks it for them.

Prints one JSON object: by route id, every point as [x, y, z, yaw in degrees]. Run it with CARLA's `agents` on PYTHONPATH:
carla_routes.py ROUTES.xml MAPS_FOLDER
"""

# Other people's packages are on the path of the program that runs this, not on the type checker's.
# pyright: reportMissingImports=false

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise
from pathlib import Path
from typing import Any

import carla
from agents.navigation.global_route_planner import GlobalRoutePlanner


def main() -> None:
    """Plan every route of a file."""
    routes, maps = Path(sys.argv[1]), Path(sys.argv[2])
    planners: dict[str, Any] = {}
    planned: dict[str, list[list[float]]] = {}
    for route in ElementTree.parse(routes).getroot().iter("route"):
        town = route.attrib["town"]
        if town not in planners:
            planners[town] = GlobalRoutePlanner(carla.Map(town, (maps / f"{town}.xodr").read_text()), 1.0)
        points = [position.attrib for position in route.iter("position")]
        places = [carla.Location(float(point["x"]), float(point["y"]), float(point["z"])) for point in points]
        rows = [row for first, last in pairwise(places) for row in planners[town].trace_route(first, last)]
        poses = [waypoint.transform for waypoint, _ in rows]
        planned[route.attrib["id"]] = [[p.location.x, p.location.y, p.location.z, p.rotation.yaw] for p in poses]
    json.dump(planned, sys.stdout)


if __name__ == "__main__":
    main()
