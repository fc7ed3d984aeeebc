"""What a benchmark run is to do: every route, as often as asked, each with a seed of its own. Fixed once, kept in the run."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from alpamayo_agents.collecting.settings import CollectSettings
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_scenarios.route_file import RouteSpec, load_route
from alpamayo_scenarios.weather_cases import weather_id
from alpamayo_sim.errors import InputError
from alpamayo_sim.record.run_folder import RunFolder, write_text

PLAN_FILE = "plan.json"
ROUTES_FOLDER = "routes"
_PLAIN = re.compile(r"[^A-Za-z0-9._-]")
_ID_LENGTH = 60


@dataclass(frozen=True)
class Settings:
    """Everything beside the routes that decides what comes out."""

    suite: str
    agent: str
    profile: str
    seed: int
    repetitions: int
    background: bool = False
    """Whether the leaderboard's background activity drives around the ego."""
    vehicles: int = 0
    """Vehicles of CARLA's TrafficManager all over the town, for suites without background activity."""
    walkers: int = 0
    scenarios_required: bool = False
    """Whether a route that was completed although a scenario of it never triggered is invalid."""
    video: bool = False
    camera: tuple[int, int] = (960, 540)
    vla: VlaSettings = field(default_factory=VlaSettings)
    """How the agent drives, where it is that of a driving model."""
    collect: CollectSettings | None = None
    """What is recorded for others to learn from, and how the driver is disturbed for it; None in a benchmark."""


@dataclass(frozen=True)
class Task:
    """One drive of one route."""

    task_id: str
    """A plain file name, unique in the plan; the episode's id."""
    route_file: str
    """Name of the route file's copy in the run's `routes/`."""
    route_id: str
    town: str
    scenario_name: str
    """Name of the route's first scenario, as Bench2Drive's records have it; empty for a route without."""
    scenario_types: tuple[str, ...]
    length_m: float
    """Length of the line through the route's key points, for estimates of the time left."""
    repetition: int
    seed: int
    weather_id: str | None = None
    """Bench2Drive's number of the route's weather, where its list lies beside the route file and names it."""


@dataclass(frozen=True)
class SkippedRoute:
    """A route of the suite that this run does not drive."""

    route_id: str
    town: str
    reason: str


@dataclass(frozen=True)
class Plan:
    """The tasks of a run in the order of its results."""

    settings: Settings
    tasks: tuple[Task, ...]
    skipped: tuple[SkippedRoute, ...] = ()


_PLAN = TypeAdapter(Plan)


def make_plan(
    settings: Settings,
    routes: Sequence[RouteSpec],
    *,
    towns: Collection[str],
    only: Collection[str] = (),
    types: Collection[str] = (),
) -> Plan:
    """Return the plan of a suite's routes whose town is one of `towns`; the others are listed as skipped.

    `only` and `types` choose routes by id and by scenario type; those left out are not part of the run at all. Raises
    InputError for a choice that names nothing, two routes of one id, and when nothing is left to drive.
    """
    ids = [route.route_id for route in routes]
    doubled = sorted({name for name in ids if ids.count(name) > 1})
    if doubled:
        raise InputError(f"a suite's routes have ids of their own; found several of {', '.join(doubled[:5])}")
    _check_choice("--only", only, set(ids), "route ids")
    _check_choice("--type", types, {s.type for route in routes for s in route.scenarios}, "scenario types")
    chosen = [
        route
        for route in routes
        if (not only or route.route_id in only) and (not types or any(s.type in types for s in route.scenarios))
    ]
    if not chosen:
        raise InputError("no route of the suite is in both --only and --type; widen one of them")
    skipped = tuple(
        SkippedRoute(route.route_id, route.town, f"there is no map of {route.town}")
        for route in chosen
        if route.town not in towns
    )
    left = [route for route in chosen if route.town in towns]
    if not left:
        missing = ", ".join(sorted({route.town for route in skipped}))
        raise InputError(
            f"no route of the suite can be driven: there are no maps of {missing}. Name a folder that has them with --maps, "
            f"or a server with --server or --carla"
        )
    files = {source: f"{k}.xml" for k, source in enumerate(dict.fromkeys(route.source for route in left))}
    tasks = [
        Task(
            task_id=f"{_plain(route.route_id)}_rep{repetition}",
            route_file=files[route.source],
            route_id=route.route_id,
            town=route.town,
            scenario_name=route.scenarios[0].name if route.scenarios else "",
            scenario_types=tuple(dict.fromkeys(s.type for s in route.scenarios)),
            length_m=round(_length_m(route), 1),
            repetition=repetition,
            seed=task_seed(settings.seed, route.route_id, repetition),
            weather_id=weather_id(route),
        )
        for route in left
        for repetition in range(settings.repetitions)
    ]
    return Plan(settings, tuple(tasks), skipped)


def task_seed(seed: int, route_id: str, repetition: int) -> int:
    """Return the seed, below 2**31, of a repetition of a route: the same for every agent, whatever else is driven."""
    digest = hashlib.sha256(f"{seed}/{route_id}/{repetition}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def store_plan(run: RunFolder, plan: Plan, routes: Sequence[RouteSpec]) -> None:
    """Write the plan and copies of its route files into a run folder: a resumed run is not touched by later edits."""
    folder = run.path / ROUTES_FOLDER
    folder.mkdir(exist_ok=True)
    sources = {route.route_id: route.source for route in routes}
    for name, source in {task.route_file: sources[task.route_id] for task in plan.tasks}.items():
        shutil.copyfile(source, folder / name)
    write_text(run.path / PLAN_FILE, _PLAN.dump_json(plan, indent=2).decode() + "\n")


def read_plan(run: RunFolder) -> Plan:
    """Return the plan of a run folder; InputError if it has none that can be read."""
    path = run.path / PLAN_FILE
    try:
        return _PLAN.validate_python(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise InputError(f"{run.path} is no benchmark run: it has no {PLAN_FILE}") from error
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def task_route(run_path: Path, task: Task) -> RouteSpec:
    """Return the route of a task from the run's copy of its file."""
    route = load_route(run_path / ROUTES_FOLDER / task.route_file, task.route_id)
    return replace(route, source=Path(task.route_file))


def _check_choice(option: str, chosen: Collection[str], known: set[str], what: str) -> None:
    unknown = [name for name in chosen if name not in known]
    if unknown:
        raise InputError(f"{option} takes {what} of the suite; found {', '.join(unknown)}. There are {_few(known)}")


def _few(names: set[str]) -> str:
    listed = sorted(names)
    return ", ".join(listed[:12]) + (f" and {len(listed) - 12} more" if len(listed) > 12 else "")


def _plain(route_id: str) -> str:
    """The route's id as a plain file name; one that had to be changed gets a digest, so that no two become one."""
    plain = _PLAIN.sub("-", route_id)[:_ID_LENGTH]
    if plain == route_id and plain[0].isalnum():
        return plain
    return f"r{plain}-{hashlib.sha256(route_id.encode()).hexdigest()[:8]}"


def _length_m(route: RouteSpec) -> float:
    points = np.array([(p.x, p.y, p.z) for p in route.waypoints])
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
