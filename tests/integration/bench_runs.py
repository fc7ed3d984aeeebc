"""Benchmark runs as a user starts them, runs that are disturbed by kills, and what two runs must agree on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from command_line import PROGRAM

from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.route_planner import RoutePlanner

WALL_CLOCK = re.compile(rb'"(wall_time_s|simulation_speed_x_realtime|duration_system)":\s*[0-9.e+-]+')
KILL_SHARES = {"runner": 0.15, "worker": 0.25, "server": 0.3, "episode": 0.3}
"""How often each kind of process is killed; seldom the runner, or nothing else would be running for long."""
STARTING_RUNNER_SHARE = 0.03
"""The same for a runner that has not started anything yet."""
FINAL_FILES = ("leaderboard.json", "leaderboard_events.json", "results.json", "metrics.jsonl", "summary.json")
EPISODE_FILES = ("episode.json", "map.json", "ticks.jsonl.gz", "plans.jsonl.gz", "result.json")


def write_routes(path: Path, per_town: dict[str, int], *, shortest_m: float, longest_m: float) -> Path:
    """Write a route file of random routes of our towns."""
    lines = ["<routes>"]
    for town, count in per_town.items():
        planner = RoutePlanner(load_road_map(town).carla_map)
        for k in range(count):
            route = planner.random_route(np.random.default_rng(100 + k), shortest_m, longest_m)
            points = "".join(
                f'<position x="{x:.2f}" y="{y:.2f}" z="{z:.2f}"/>'
                for x, y, z in route.points[[0, len(route.points) // 2, -1]]
            )
            lines.append(f'<route id="{town}-{k}" town="{town}"><waypoints>{points}</waypoints></route>')
    path.write_text("\n".join([*lines, "</routes>"]))
    return path


def write_suite(folder: Path, name: str, per_town: dict[str, int], *, shortest_m: float, longest_m: float) -> Path:
    """Write a suite of such routes with a few people and no vehicles, which takes no longer than it must."""
    write_routes(folder / f"{name}.xml", per_town, shortest_m=shortest_m, longest_m=longest_m)
    suite = folder / f"{name}.yaml"
    suite.write_text(f"title: Routes of a test\nroutes: {name}.xml\nprofile: bench2drive\nwalkers: 6\n")
    return suite


def bench(out: Path, *arguments: str | Path, timeout_s: float = 800.0) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, "bench", "--out", str(out), "--json", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)


def start_bench(out: Path, *arguments: str | Path, json_line: bool = True) -> subprocess.Popen[str]:
    form = ["--json"] if json_line else []
    command = [*PROGRAM, "bench", "--out", str(out), *form, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)


def only_run(out: Path) -> Path:
    # A runner that was killed before its plan was written has left a folder with nothing to go on with.
    (plan,) = out.glob("[0-9]*-bench/plan.json")
    return plan.parent


def summary_of(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    return json.loads(result.stdout.splitlines()[-1])


def without_clocks(text: bytes) -> bytes:
    return WALL_CLOCK.sub(rb'"\1": 0', text)


def assert_same_results(one: Path, other: Path) -> None:
    """All final files and every episode's files agree byte for byte but for wall-clock figures."""
    episodes = sorted(path.name for path in (one / "episodes").iterdir())
    assert episodes == sorted(path.name for path in (other / "episodes").iterdir())
    files = [*FINAL_FILES, *(f"episodes/{episode}/{name}" for episode in episodes for name in EPISODE_FILES)]
    for name in files:
        assert without_clocks((one / name).read_bytes()) == without_clocks((other / name).read_bytes()), name


@dataclass
class Disturbance:
    """What was killed."""

    kills: Counter[str] = field(default_factory=Counter[str])
    starts: int = 0

    @property
    def total(self) -> int:
        return sum(self.kills.values())


def disturbed_bench(
    out: Path,
    suite: tuple[str | Path, ...],
    *,
    kills: int,
    every_s: float,
    rng: np.random.Generator,
    arguments: tuple[str, ...] = (),
    patience_s: float,
) -> Disturbance:
    """Run a suite to its end while killing random ones of its processes, every now and then; a killed runner is resumed.

    There are fewer kills than `kills` when the suite is over before.
    """
    done = Disturbance()
    deadline = time.monotonic() + patience_s
    first = (*suite, *arguments)
    while True:
        assert time.monotonic() < deadline, f"not over after {patience_s} s: {done}"
        begun = any(out.glob("[0-9]*-bench/plan.json"))
        process = start_bench(out, *(("--resume", *arguments) if begun else first))
        done.starts += 1
        while process.poll() is None and done.total < kills:
            time.sleep(float(rng.exponential(every_s)))
            what = kill_one(process, rng)
            if what is not None:
                done.kills[what] += 1
        _, errors = process.communicate(timeout=max(1.0, deadline - time.monotonic()))
        if process.returncode == 0:
            return done
        assert process.returncode in (-signal.SIGKILL, 3), errors


def kill_one(runner: subprocess.Popen[str], rng: np.random.Generator) -> str | None:
    """Kill one random process of a running benchmark; return what it was, None if it had ended."""
    by_kind = processes_of(runner)
    kinds = [kind for kind in KILL_SHARES if kind in by_kind]
    if not kinds or (kinds == ["runner"] and rng.random() > STARTING_RUNNER_SHARE):
        return None
    shares = np.array([KILL_SHARES[kind] for kind in kinds])
    kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    chosen = by_kind[kind][int(rng.integers(len(by_kind[kind])))]
    try:
        os.kill(chosen, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return kind


def processes_of(runner: subprocess.Popen[str]) -> dict[str, list[int]]:
    """The process ids of a runner, its workers, their servers and their episodes."""
    try:
        me = psutil.Process(runner.pid)
        if me.status() == psutil.STATUS_ZOMBIE:
            return {}
        found: dict[str, list[int]] = {"runner": [runner.pid]}
        for worker in me.children():
            if "alpamayo_scenarios.benchmark.worker" not in worker.cmdline():
                continue
            found.setdefault("worker", []).append(worker.pid)
            for child in worker.children():
                kind = "server" if "alpamayo_sim.server" in child.cmdline() else "episode"
                found.setdefault(kind, []).append(child.pid)
    except psutil.NoSuchProcess:
        return {}
    return found
