"""Drives longest6 routes with one agent on the embedded server and prints one line per route.

    python tests/integration/longest6.py --routes 5 4 3 --vehicles 60 --walkers 20 [--agent expert] [--seed 0]

Without `--routes`: all 18 routes of Town01, Town02 and Town04. Scenarios of the route files are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alpamayo_agents.registry import make_agent
from alpamayo_scenarios.episode import EpisodeSpec, run_episode
from alpamayo_scenarios.route_file import RouteSpec, load_routes
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.frames import to_local
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.route_planner import RoutePlanner

TOWNS = ("Town01", "Town02", "Town04")
STUCK_MPS = 0.1
STALLED_S = 60.0
ATTEMPTS = 3


@dataclass
class Watch:
    """Follows an episode from outside: time at rest, and what every infraction looked like."""

    verbose: bool
    rest_s: float = 0.0
    longest_rest_s: float = 0.0
    notes: list[str] = field(default_factory=list[str])
    last_tick: float = field(default_factory=time.monotonic)
    _since: float | None = None
    _last: float = 0.0

    def end_the_process_when_stalled(self) -> None:
        """End this process with code 3 once no tick came for a minute.

        The traffic manager of the CARLA client library can lose a wake-up between its two threads and then waits for ever.
        """

        def wait() -> None:
            while time.monotonic() - self.last_tick < STALLED_S:
                time.sleep(1.0)
            print("stalled: no tick for a minute", file=sys.stderr, flush=True)
            os._exit(3)

        threading.Thread(target=wait, daemon=True).start()

    def __call__(self, tick: TickRecord, infractions: list[Infraction]) -> None:
        self.last_tick = time.monotonic()
        if tick.speed_mps < STUCK_MPS:
            self._since = tick.time_s if self._since is None else self._since
            self.rest_s += max(0.0, tick.time_s - self._last)
            self.longest_rest_s = max(self.longest_rest_s, tick.time_s - self._since)
        else:
            self._since = None
        self._last = tick.time_s
        decisions = dict(tick.plan.decisions) if tick.plan is not None else {}
        where = tick.ego.transform
        for infraction in infractions:
            other = next((a for a in tick.actors if a.actor_id == infraction.other_id), None)
            beside = ""
            if other is not None:
                local = to_local(where, np.array(other.transform[:3]))
                speed = float(np.hypot(*other.velocity_mps[:2]))
                turned = (other.transform.yaw - where.yaw + 180.0) % 360.0 - 180.0
                beside = f" other at ({local[0]:.1f}, {local[1]:.1f}) turned {turned:.0f} deg, {speed:.1f} m/s;"
            self.notes.append(
                f"  {infraction.kind.value} t={infraction.time_s:.1f} ego ({where.x:.1f}, {where.y:.1f}) "
                f"{tick.speed_mps:.1f} m/s;{beside} {infraction.other_type_id} {decisions} {infraction.message}"
            )
            if self.verbose:
                print(self.notes[-1], flush=True)
        if self.verbose and tick.frame % 20 == 0:
            control = tick.control
            print(
                f"t={tick.time_s:.1f} ({where.x:.1f}, {where.y:.1f}) v={tick.speed_mps:.1f} thr={control.throttle:.2f} "
                f"brk={control.brake:.2f} str={control.steer:.2f} {decisions} {tick.plan.reasoning if tick.plan else ''}",
                flush=True,
            )


def drive(
    data: Path, spec: RouteSpec, *, agent: str, vehicles: int, walkers: int, seed: int, verbose: bool = False
) -> tuple[EpisodeResult, Watch]:
    """Drive one route on a fresh embedded server."""
    file = data / "maps" / f"{spec.town}.xodr"
    road_map = load_road_map(file)
    route = RoutePlanner(road_map.carla_map).trace(spec.waypoints)
    metrics = EpisodeMetrics(road_map, route)
    watch = Watch(verbose)
    watch.end_the_process_when_stalled()
    begun = time.monotonic()
    with EmbeddedServer(str(file), seed=seed) as server:
        client = connect(server.address, timeout_s=60.0)
        episode = EpisodeSpec(route, agent, seed, vehicles=vehicles, walkers=walkers)
        run_episode(client, episode, make_agent(agent), road_map, metrics, watch)
    identity = EpisodeIdentity(f"{spec.town}_{spec.route_id}", spec.town, spec.route_id, agent, seed, "embedded")
    return metrics.result(identity, wall_time_s=time.monotonic() - begun), watch


def row(result: EpisodeResult, watch: Watch) -> dict[str, float | int | str]:
    """Return the line of the table."""
    return {
        "route": result.identity.route_id,
        "town": result.identity.town,
        "outcome": result.outcome,
        "completion_percent": round(result.route_completion_percent, 1),
        "km": round(result.distance_m / 1000.0, 2),
        "vehicle": result.count(InfractionKind.COLLISION_VEHICLE),
        "walker": result.count(InfractionKind.COLLISION_PEDESTRIAN),
        "static": result.count(InfractionKind.COLLISION_STATIC),
        "red_light": result.count(InfractionKind.RED_LIGHT),
        "stop_sign": result.count(InfractionKind.STOP_SIGN),
        "outside_lanes": result.count(InfractionKind.OUTSIDE_ROUTE_LANES),
        "score": round(result.driving_score, 1),
        "time_s": round(result.duration_s),
        "rest_s": round(watch.rest_s),
        "longest_rest_s": round(watch.longest_rest_s),
        "wall_s": round(result.wall_time_s),
    }


def all_routes(data: Path) -> list[RouteSpec]:
    """Return the 18 routes."""
    return [route for town in TOWNS for route in load_routes(data / "routes" / f"longest6_{town}.xml")]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("ALPAMAYO_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    parser.add_argument("--data", type=Path, default=shared / "data")
    parser.add_argument("--routes", nargs="*", default=None)
    parser.add_argument("--agent", default="expert")
    parser.add_argument("--vehicles", type=int, default=60)
    parser.add_argument("--walkers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    chosen = parser.parse_args(arguments)
    by_id = {route.route_id: route for route in all_routes(chosen.data)}
    wanted = chosen.routes if chosen.routes is not None else list(by_id)
    if len(wanted) > 1:
        return each_in_a_process(wanted, chosen)
    result, watch = drive(
        chosen.data,
        by_id[wanted[0]],
        agent=chosen.agent,
        vehicles=chosen.vehicles,
        walkers=chosen.walkers,
        seed=chosen.seed,
        verbose=chosen.verbose,
    )
    print(json.dumps(row(result, watch)), flush=True)
    if not chosen.verbose:
        print("\n".join(watch.notes), end="\n" if watch.notes else "", flush=True)
    return 0


def each_in_a_process(routes: Sequence[str], chosen: argparse.Namespace) -> int:
    """Drive each route in a process of its own; one that stalls is tried again."""
    options = ["--data", chosen.data, "--agent", chosen.agent, "--vehicles", chosen.vehicles]
    options += ["--walkers", chosen.walkers, "--seed", chosen.seed, *(["--verbose"] if chosen.verbose else [])]
    worst = 0
    for route_id in routes:
        command = [sys.executable, __file__, "--routes", route_id, *map(str, options)]
        code = 3
        for _ in range(ATTEMPTS):
            code = subprocess.run(command, check=False).returncode
            if code != 3:
                break
            print(json.dumps({"route": route_id, "retried": "stalled"}), flush=True)
        worst = max(worst, abs(code))
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
