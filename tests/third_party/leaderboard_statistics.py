"""Runs the leaderboard's own statistics manager on given events; a program for the interpreter that has its modules.

Usage: leaderboard_statistics.py (record|recompute) VERSION INPUT.json RESULT.json, with the leaderboard and
ScenarioRunner on PYTHONPATH. VERSION is 1, 2 or bench2drive. `record` feeds it the events of routes, as criteria would
have left them; `recompute` gives it the records of an existing result file. Either way RESULT.json is what it writes.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

from leaderboard.utils.statistics_manager import StatisticsManager
from srunner.scenariomanager.traffic_events import TrafficEvent, TrafficEventType


class Place:
    """What the managers use of carla.Location."""

    def __init__(self, x: float) -> None:
        self.x, self.y, self.z = x, 0.0, 0.0

    def __sub__(self, other: Place) -> Place:
        return Place(self.x - other.x)

    def length(self) -> float:
        return math.fabs(self.x)


def scenario(route: dict) -> SimpleNamespace:
    events = [TrafficEvent(TrafficEventType[e["type"]], 0, e["message"], e["values"]) for e in route["events"]]
    criterion = SimpleNamespace(events=events, list_traffic_events=events)
    path = [(SimpleNamespace(location=Place(x)), None) for x in (0.0, route["length_m"])]
    return SimpleNamespace(
        route=path,
        trajectory=[location.location for location, _ in path],
        timeout_node=SimpleNamespace(timeout=route["timed_out"]),
        get_criteria=lambda: [criterion],
    )


def record(version: str, given: dict, result: str) -> None:
    if version == "1":
        return record_1(given, result)
    manager = StatisticsManager(result, result + ".debug")
    manager.save_sensors(given["sensors"])
    for index, route in enumerate(given["routes"]):
        named = (route["scenario"], "", route["save_name"], route["town"]) if version == "bench2drive" else ()
        manager.create_route_data(route["route_id"], *named, index)
        manager.set_scenario(scenario(route))
        manager.compute_route_statistics(index, route["duration_system"], route["duration_game"], route["failure"])
        manager.remove_scenario()
    manager.save_progress(len(given["routes"]), given["total"])
    manager.compute_global_statistics()
    manager.validate_and_write_statistics(True, False)
    return None


def record_1(given: dict, result: str) -> None:
    manager = StatisticsManager()
    manager.save_sensors(given["sensors"], result)
    for index, route in enumerate(given["routes"]):
        manager.set_route(route["route_id"], index)
        manager.set_scenario(scenario(route))
        config = SimpleNamespace(index=index, trajectory=scenario(route).trajectory)
        done = manager.compute_route_statistics(
            config, route["duration_system"], route["duration_game"], route["failure"]
        )
        manager.save_record(done, index, result)
    data = json.loads(Path(result).read_text())
    data["_checkpoint"]["progress"] = [len(given["routes"]), given["total"]]
    Path(result).write_text(json.dumps(data))
    whole = manager.compute_global_statistics(given["total"])
    manager.save_global_record(whole, given["sensors"], given["total"], result)


def recompute(given: dict, source: str, result: str) -> None:
    manager = StatisticsManager(result, result + ".debug")
    manager.add_file_records(source)
    manager.sort_records()
    manager.save_sensors(given["sensors"])
    manager.save_progress(*given["_checkpoint"]["progress"])
    manager.save_entry_status("Started")
    manager.compute_global_statistics()
    # Whether the evaluator has set up an agent's sensors: an agent that sees the world itself has none.
    manager.validate_and_write_statistics(bool(given["sensors"]), False)


if __name__ == "__main__":
    mode, version, source, result = sys.argv[1:]
    given = json.loads(Path(source).read_text())
    record(version, given, result) if mode == "record" else recompute(given, source, result)
