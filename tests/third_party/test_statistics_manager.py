"""Our result files beside those of the leaderboard's own statistics manager, and Bench2Drive's tools on ours."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from alpamayo_scenarios.route_file import load_route, load_routes
from alpamayo_scenarios.weather_cases import weather_id
from alpamayo_sim.metrics.episode_result import EpisodeIdentity, EpisodeResult
from alpamayo_sim.metrics.infraction import Infraction, InfractionKind
from alpamayo_sim.metrics.profile import scoring_profile
from alpamayo_sim.metrics.results import bench2drive
from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.aggregate import result_file
from alpamayo_sim.metrics.results.file import read_result_file, result_text, write_result_file
from alpamayo_sim.metrics.results.from_episode import leaderboard_file, record_ids
from alpamayo_sim.metrics.results.rescore import rescore
from alpamayo_sim.metrics.score import driving_score, penalty_factor
from alpamayo_sim.metrics.smoothness import motion_of_metric_info, smoothness
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import load_road_map

HERE = Path(__file__).parent
Kind = InfractionKind
CHECKOUTS = {
    "leaderboard-1.0": ("LEADERBOARD_10_ROOT", "1"),
    "leaderboard-2.0": ("LEADERBOARD_20_ROOT", "2"),
    "leaderboard-2.1": ("LEADERBOARD_21_ROOT", "2"),
    "bench2drive": ("BENCH2DRIVE_ROOT", "bench2drive"),
}
EVENT_TYPES = {
    Kind.COLLISION_PEDESTRIAN: "COLLISION_PEDESTRIAN",
    Kind.COLLISION_VEHICLE: "COLLISION_VEHICLE",
    Kind.COLLISION_STATIC: "COLLISION_STATIC",
    Kind.RED_LIGHT: "TRAFFIC_LIGHT_INFRACTION",
    Kind.STOP_SIGN: "STOP_INFRACTION",
    Kind.SCENARIO_TIMEOUT: "SCENARIO_TIMEOUT",
    Kind.YIELD_EMERGENCY_VEHICLE: "YIELD_TO_EMERGENCY_VEHICLE",
    Kind.MIN_SPEED: "MIN_SPEED_INFRACTION",
    Kind.ROUTE_DEVIATION: "ROUTE_DEVIATION",
    Kind.BLOCKED: "VEHICLE_BLOCKED",
}
ENDS = {Kind.ROUTE_DEVIATION, Kind.BLOCKED, Kind.ROUTE_TIMEOUT}
SENSORS = ["carla_camera", "carla_imu"]
ROUTES = 30


def episode(profile: str, number: int, rng: np.random.Generator) -> EpisodeResult:
    """An episode with a few random infractions, scored as `EpisodeMetrics` scores it."""
    known = [kind for kind in EVENT_TYPES if kind not in ENDS]
    if profile == "leaderboard-1.0":
        known = [k for k in known if k not in (Kind.SCENARIO_TIMEOUT, Kind.YIELD_EMERGENCY_VEHICLE, Kind.MIN_SPEED)]
    slowest = 100.0 if profile != "bench2drive" else 1200.0
    infractions: list[Infraction] = []
    for kind in (Kind(kind) for kind in rng.choice([k.value for k in known], rng.poisson(1.5))):
        percent = round(float(rng.uniform(0.0, slowest)), 2) if kind is Kind.MIN_SPEED else 0.0
        message = words.min_speed_message(percent) if kind is Kind.MIN_SPEED else f"{kind.value} at (x=1, y=2, z=3)"
        infractions.append(Infraction(kind, 7, 0.35, (1.0, 2.0, 3.0), message, percentage=percent))
    outcome, completion = "completed", 100.0
    if rng.random() < 0.4:
        end = [Kind.ROUTE_DEVIATION, Kind.BLOCKED, Kind.ROUTE_TIMEOUT][int(rng.integers(3))]
        outcome, completion = end.value, round(float(rng.uniform(0.0, 99.0)), 2)
        infractions.append(Infraction(end, 9, 9.0, (4.0, 5.0, 6.0), f"{end.value} at (x=4, y=5, z=6)"))
    fraction = float(rng.uniform(0.0, 0.3)) if rng.random() < 0.3 else 0.0
    penalty = penalty_factor(infractions, fraction, scoring_profile(profile))
    return EpisodeResult(
        identity=EpisodeIdentity(f"e{number}", "Town01", str(number), "expert", 0, "embedded"),
        status="ok",
        outcome=outcome,
        profile=profile,
        route_completion_percent=completion,
        penalty=penalty,
        driving_score=driving_score(completion, penalty),
        success=False,
        duration_s=float(rng.uniform(10.0, 150.0)),
        distance_m=100.0,
        infractions=tuple(infractions),
        values={
            "route_length_m": round(float(rng.uniform(50.0, 900.0)), 3),
            "outside_route_lanes_percent": 100.0 * fraction,
            "outside_route_lanes_m": 321.0 * fraction,
        },
        wall_time_s=float(rng.uniform(1.0, 50.0)),
    )


def described(result: EpisodeResult, route_id: str) -> dict[str, Any]:
    """The same episode as the criteria of the leaderboard would have left it."""
    events: list[dict[str, Any]] = [
        {"type": "ROUTE_COMPLETION", "message": "", "values": {"route_completed": result.route_completion_percent}}
    ]
    if result.outcome == "completed" and result.profile == "leaderboard-1.0":
        events.append({"type": "ROUTE_COMPLETED", "message": "", "values": None})
    percent = result.values["outside_route_lanes_percent"]
    if percent > 0.0:
        message = words.outside_lanes_message(result.values["outside_route_lanes_m"], percent)
        events.append({"type": "OUTSIDE_ROUTE_LANES_INFRACTION", "message": message, "values": {"percentage": percent}})
    events += [
        {"type": EVENT_TYPES[i.kind], "message": i.message, "values": {"percentage": i.percentage}}
        for i in result.infractions
        if i.kind in EVENT_TYPES
    ]
    digits = 3 if result.profile != "leaderboard-1.0" else 17
    return {
        "route_id": route_id,
        "events": events,
        "length_m": result.values["route_length_m"],
        "timed_out": result.outcome == Kind.ROUTE_TIMEOUT.value,
        "failure": "",
        "duration_game": round(result.duration_s, min(digits, 3)),
        "duration_system": round(result.wall_time_s, min(digits, 3)),
        "scenario": "",
        "save_name": result.identity.episode_id,
        "town": result.identity.town,
    }


@pytest.fixture
def manager(
    scenario_runner_root: Path, third_party_python: str, needs_modules: Callable[..., None]
) -> Callable[..., dict[str, Any]]:
    """Runs the statistics manager of a checkout and returns what it wrote."""
    needs_modules("dictor", "py_trees", "requests")

    def run(root: Path, *arguments: str | Path, result: Path) -> dict[str, Any]:
        paths = os.pathsep.join(map(str, (root, scenario_runner_root)))
        command = [third_party_python, str(HERE / "leaderboard_statistics.py"), *map(str, arguments), str(result)]
        environment = {**os.environ, "PYTHONPATH": paths}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(result.read_text())

    return run


def checkout(profile: str) -> tuple[Path, str]:
    variable, version = CHECKOUTS[profile]
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set: it must name a checkout of the branch that scores as {profile}")
    root = Path(value).expanduser().resolve()
    return (root / "leaderboard" if profile == "bench2drive" else root), version


def assert_same(ours: Any, theirs: Any, where: str = "") -> None:
    """Equal in structure, order of keys, words, and numbers to the last digits of a sum."""
    if isinstance(ours, dict):
        assert set(ours) == set(theirs), where
        for key in ours:
            assert_same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, list):
        assert len(ours) == len(theirs), where
        for index, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(mine, other, f"{where}[{index}]")
    elif isinstance(ours, float) or isinstance(theirs, float):
        assert ours == pytest.approx(theirs, rel=1e-12, abs=1e-9), where
    else:
        assert ours == theirs, where


def episodes(profile: str, seed: int) -> list[EpisodeResult]:
    rng = np.random.default_rng(seed)
    return [episode(profile, number, rng) for number in range(ROUTES)]


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("profile", list(CHECKOUTS))
def test_our_file_is_the_one_that_the_leaderboard_writes(profile: str, seed: int, manager, tmp_path: Path) -> None:
    root, version = checkout(profile)
    results = episodes(profile, seed)
    file = leaderboard_file(results, sensors=SENSORS)
    given = [described(r, i) for r, i in zip(results, record_ids(results), strict=True)]
    (tmp_path / "events.json").write_text(json.dumps({"routes": given, "total": ROUTES, "sensors": SENSORS}))
    theirs = manager(root, "record", version, tmp_path / "events.json", result=tmp_path / "theirs.json")
    assert_same(json.loads(result_text(file)), theirs)
    again = read_result_file(tmp_path / "theirs.json")
    assert [rescore(record, scoring_profile(profile)).scores for record in again.records] == [
        record.scores for record in again.records
    ]


@pytest.mark.parametrize("profile", ["leaderboard-2.0", "leaderboard-2.1", "bench2drive"])
def test_our_file_is_recomputed_to_the_same_numbers(profile: str, manager, tmp_path: Path) -> None:
    """Episodes of Bench2Drive, rescored by us, then summed up again by the leaderboard's code from our file."""
    root, version = checkout(profile)
    records = [rescore(r, scoring_profile(profile)) for r in leaderboard_file(episodes("bench2drive", 2)).records]
    write_result_file(tmp_path / "ours.json", result_file(records, scoring_profile(profile), sensors=SENSORS))
    theirs = manager(root, "recompute", version, tmp_path / "ours.json", result=tmp_path / "theirs.json")
    assert_same(json.loads((tmp_path / "ours.json").read_text()), theirs)


def test_bench2drives_merge_reads_our_file(tmp_path: Path) -> None:
    root = checkout("bench2drive")[0].parent
    file = leaderboard_file(episodes("bench2drive", 3), sensors=SENSORS)
    write_result_file(tmp_path / "ours.json", file)
    command = [sys.executable, str(root / "tools" / "merge_route_json.py"), "-f", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    theirs = json.loads((tmp_path / "merged.json").read_text())
    assert_same(json.loads(json.dumps(bench2drive.merged_json(file.records))), theirs)
    again = read_result_file(tmp_path / "merged.json")
    assert bench2drive.success_rate(again.records, 220) == theirs["success rate"]


_WEATHER = """
import ast, json, pathlib, sys
import carla
source = pathlib.Path("leaderboard/leaderboard/leaderboard_evaluator.py").read_text()
named = next(n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == "get_weather_id")
exec(compile(ast.Module([named], []), "evaluator", "exec"))
import xml.etree.ElementTree as ElementTree
found = {}
for route in ElementTree.parse(sys.argv[1]).getroot():
    nodes = list(route.find("weathers").iter("weather")) if route.find("weathers") is not None else []
    weather = carla.WeatherParameters(sun_altitude_angle=70, cloudiness=50)
    for name, value in min(nodes, key=lambda n: float(n.attrib["route_percentage"])).attrib.items() if nodes else ():
        if hasattr(weather, name):
            setattr(weather, name, float(value))
    found[route.attrib["id"]] = get_weather_id(weather)
print(json.dumps(found))
"""


@pytest.mark.parametrize("file", ["bench2drive220.xml", "bench2drive_0.0.4_val.xml"])
def test_weather_ids_are_bench2drives(file: str) -> None:
    """Its own look-up, run on its own files."""
    root = checkout("bench2drive")[0].parent
    routes = root / "leaderboard" / "data" / file
    ours = {route.route_id: weather_id(route) for route in load_routes(routes)}
    done = subprocess.run(
        [sys.executable, "-c", _WEATHER, str(routes)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ours == json.loads(done.stdout)
    assert len(set(ours.values())) > 5


_SMOOTHNESS = """
import json, sys
import numpy as np
import efficiency_smoothness_benchmark as tool
data, efficiency = tool.read_from_json(sys.argv[1], sys.argv[2])
print(json.dumps([[tool.seg_compute_comfort_metric(**d) for d in data], sum(efficiency) / len(efficiency)]))
"""


def _divides(result: EpisodeResult) -> bool:
    """Whether the tool can take the mean: it divides by zero where all of a route's percentages are above 1,000."""
    percents = [i.percentage for i in result.infractions if i.kind is Kind.MIN_SPEED]
    return not percents or min(percents) <= 1000.0


def test_smoothness_and_efficiency_are_bench2drives(tmp_path: Path) -> None:
    root = checkout("bench2drive")[0].parent
    results = [r for r in episodes("bench2drive", 4) if _divides(r)]
    file = leaderboard_file(results, sensors=SENSORS)
    write_result_file(tmp_path / "ours.json", file)
    rng = np.random.default_rng(5)
    ours: list[float] = []
    for record in file.records:
        count = int(rng.integers(7, 150))
        yaw = np.cumsum(rng.normal(0.0, 0.02, count))
        acceleration = np.cumsum(rng.normal(0.0, 0.12, (count, 3)), axis=0)
        rate = np.cumsum(rng.normal(0.0, 0.05, count))
        info = {
            str(step): {
                "acceleration": acceleration[step].tolist(),
                "angular_velocity": [0.0, 0.0, float(rate[step])],
                "forward_vector": [float(np.cos(yaw[step])), float(np.sin(yaw[step])), 0.0],
                "right_vector": [float(-np.sin(yaw[step])), float(np.cos(yaw[step])), 0.0],
                "location": [0.0, 0.0, 0.0],
                "rotation": [0.0, 0.0, 0.0],
            }
            for step in range(count)
        }
        folder = tmp_path / str(record.save_name)
        folder.mkdir()
        (folder / "metric_info.json").write_text(json.dumps(info))
        ours.append(smoothness(motion_of_metric_info(info), as_tool=True))
    command = [sys.executable, "-c", _SMOOTHNESS, str(tmp_path / "ours.json"), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(root / "tools")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    theirs, efficiency = json.loads(done.stdout)
    assert ours == theirs
    assert len({round(share, 2) for share in ours}) > 3
    assert bench2drive.efficiency(file.records) == pytest.approx(efficiency, rel=1e-12)


def test_abilities_are_bench2drives(
    tmp_path: Path, shared_data: Path, carla_source: Path, third_party_python: str, needs_modules: Callable[..., None]
) -> None:
    """Its routes of the towns whose maps are at hand; their scenario types are dealt out anew, so that each ability has
    some."""
    needs_modules("carla", "networkx", "shapely")
    root = checkout("bench2drive")[0].parent
    tree = ElementTree.parse(root / "leaderboard" / "data" / "bench2drive220.xml")
    routes = tree.getroot()
    maps = tmp_path / "CarlaUE4" / "Content" / "Carla" / "Maps" / "OpenDrive"
    maps.mkdir(parents=True)
    types_by_route: dict[str, str] = {}
    passed_percent: dict[str, float] = {}
    dealt = itertools.cycle(sorted(set().union(*bench2drive.ABILITIES.values())))
    for element in list(routes):
        town, route_id = element.attrib["town"], element.attrib["id"]
        source = shared_data / "maps" / f"{town}.xodr"
        scenario = element.find("scenarios/scenario")
        if not source.is_file() or scenario is None:
            routes.remove(element)
            continue
        if not (maps / source.name).exists():
            (maps / source.name).symlink_to(source)
        spec = load_route(root / "leaderboard" / "data" / "bench2drive220.xml", route_id)
        route = EvaluatorPlanner(load_road_map(source).carla_map).trace(spec.waypoints)
        percent = bench2drive.junction_passed_percent(route.in_junction.tolist())
        kind = next(k for k in dealt if percent is not None or k not in bench2drive.ABILITIES["Traffic_Signs"])
        scenario.set("type", kind)
        types_by_route[route_id] = kind
        if percent is not None:
            passed_percent[route_id] = percent
    tree.write(tmp_path / "routes.xml")
    assert len(types_by_route) >= 10
    made = dict(zip(types_by_route, (e for e in episodes("bench2drive", 6)), strict=False))
    results = [replace(e, identity=replace(e.identity, route_id=route_id)) for route_id, e in made.items()]
    file = leaderboard_file(results, sensors=SENSORS)
    write_result_file(tmp_path / "ours.json", file)
    tool = str(root / "tools" / "ability_benchmark.py")
    command = [third_party_python, tool, "-f", str(tmp_path / "routes.xml"), "-r", str(tmp_path / "ours.json")]
    environment = {**os.environ, "PYTHONPATH": str(carla_source / "PythonAPI" / "carla"), "CARLA_ROOT": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=250, check=False)
    assert done.returncode == 0, done.stderr
    theirs = json.loads((tmp_path / "ours_ability.json").read_text())
    ours = bench2drive.abilities(file.records, types_by_route, passed_percent)
    assert ours.shares == pytest.approx({name: theirs[name] for name in ours.shares})
    assert ours.mean == pytest.approx(theirs["mean"])
