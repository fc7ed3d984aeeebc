"""`alpamayo score`: result files of any evaluator, scored under any profile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from tyro.conf import Positional, UseAppendAction

from alpamayo_scenarios.route_file import load_routes
from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.bootstrap import Interval, bootstrap_mean
from alpamayo_sim.metrics.profile import DEFAULT_PROFILE, PROFILES, ScoringProfile, scoring_profile
from alpamayo_sim.metrics.results import bench2drive
from alpamayo_sim.metrics.results.aggregate import result_file
from alpamayo_sim.metrics.results.file import merged_records, read_result_file, result_files_in, write_result_file
from alpamayo_sim.metrics.results.rescore import rescore
from alpamayo_sim.metrics.results.schema import ResultFile, RouteRecord
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.roads.evaluator_route import EvaluatorPlanner
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.town_lookup import available_towns
from alpamayo_training.drive_figures import drive_figures
from alpamayo_training.passive_score import PassiveOptions, watch

_LEVEL = 0.95


@dataclass(frozen=True)
class Arguments:
    """Score result files of the leaderboard, of Bench2Drive or of ours under any profile.

    The penalties are computed again from the infractions that a file lists. Rules that act while driving (how long
    blocked is blocked, how far off its lane a car is outside) stay as the file's evaluator had them.
    """

    files: Annotated[tuple[Path, ...], Positional] = ()
    """Result files, or folders with some (run folders, Bench2Drive's output); several are taken as parts of one run."""
    profile: str | None = None
    """leaderboard-1.0, leaderboard-2.0, leaderboard-2.1 or bench2drive; by default a table of all."""
    out: Path | None = None
    """Write the scored result file here, in the leaderboard's schema; needs --profile."""
    total_routes: int | None = None
    """Routes that the run was to have; missing ones count 0. By default as the files say."""
    routes: Path | None = None
    """Route file of the run, for the scenario types that the five abilities go by, and, for towns of ours and those of
    --maps, for the rule that a failed route of Traffic_Signs still passes once it has obeyed the first junction's signs."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder with OpenDRIVE files of towns that are not ours; may be given several times."""
    seed: int = 0
    """Seed of the bootstrap."""
    json: bool = False
    """Print one JSON line and nothing else."""
    attach: str | None = None
    """HOST:PORT of a server on which somebody else drives: a second client looks on, never ticks, and judges the routes
    of --routes as they are driven (--profile, by default leaderboard-2.1), until each has been judged once."""
    route: str | None = None
    """With --attach: judge only the route with this id."""
    repetitions: int = 1
    """With --attach: episodes of each route to wait for."""
    ego_role: str = "hero"
    """With --attach: role name of the vehicle that is judged."""

    def run(self) -> int:
        """Score; return 0. Raises InputError for files that are none."""
        if self.attach is not None:
            return self._attach(self.attach)
        if not self.files:
            raise InputError("give result files to score, or a server to watch with --attach HOST:PORT")
        if self.seed < 0:
            raise InputError(f"--seed is 0 or more; found {self.seed}")
        if self.out is not None and self.profile is None:
            raise InputError("--out writes the file of one profile; say which with --profile")
        profiles = [scoring_profile(self.profile)] if self.profile else list(PROFILES.values())
        files = [read_result_file(path) for given in self.files for path in result_files_in(given)]
        scored = {profile.name: self._score(files, profile) for profile in profiles}
        if self.out is not None:
            write_result_file(self.out, scored[profiles[0].name])
        figures = {name: self._figures(file, scoring_profile(name)) for name, file in scored.items()}
        runs = [RunFolder.open(path) for path in self.files if (path / "episodes").is_dir()]
        drives = {run.path.name: drive_figures(run, self.maps) for run in runs}
        if self.json:
            print(json.dumps({**figures, **({"drives": drives} if drives else {})}))
        else:
            self._say(figures)
            for name, row in drives.items():
                print(f"{name}:")
                for figure, value in row.items():
                    print(f"  {figure:<34}{value:>10.3f}")
        if self.out is not None and not self.json:
            print(f"result file: {self.out}")
        return 0

    def _attach(self, address: str) -> int:
        if self.files:
            raise InputError("--attach scores what is driven now; leave the files out")
        if self.routes is None:
            raise InputError("--attach needs the file of the routes that are driven: --routes FILE")
        if self.repetitions < 1:
            raise InputError(f"--repetitions is at least 1; found {self.repetitions}")
        options = PassiveOptions(
            address=ServerAddress.parse(address),
            routes=self.routes,
            route_id=self.route,
            repetitions=self.repetitions,
            ego_role=self.ego_role,
            profile=scoring_profile(self.profile or DEFAULT_PROFILE).name,
            out=self.out,
            quiet=self.json,
        )
        results = watch(options)
        if self.json:
            print(json.dumps({"episodes": [result.flat() for result in results]}))
        return 0

    def _score(self, files: Sequence[ResultFile], profile: ScoringProfile) -> ResultFile:
        sensors, total = merged_records(files)
        records = [rescore(record, profile) for file in files for record in file.records]
        return result_file(records, profile, total_routes=self.total_routes or total, sensors=sensors)

    def _figures(self, file: ResultFile, profile: ScoringProfile) -> dict[str, Any]:
        records, total = file.records, file.total_routes
        scores = file.checkpoint.global_record["scores" if profile.is_version_1 else "scores_mean"]
        figures: dict[str, Any] = {
            "routes_total": total,
            "routes_scored": len(records),
            "driving_score": scores["score_composed"],
            "route_completion_percent": scores["score_route"],
            "penalty": scores["score_penalty"],
        }
        if total > 1:
            interval = self._interval(records, total)
            figures["driving_score_low"], figures["driving_score_high"] = interval.low, interval.high
        if profile.name == "bench2drive":
            figures["success_rate_percent"] = 100.0 * bench2drive.success_rate(records, total)
            figures["efficiency_percent"] = bench2drive.efficiency(records)
            types = _scenario_types(self.routes) if self.routes is not None else None
            if types is not None or any(record.scenario_name for record in records):
                figures["abilities"] = bench2drive.abilities(records, types, self._passed_signs()).to_json()
        return figures

    def _passed_signs(self) -> dict[str, float]:
        """The completion at which each route's first junction is passed, for routes whose town's map is at hand."""
        passed: dict[str, float] = {}
        ours = set(available_towns())
        for route in load_routes(self.routes) if self.routes is not None else ():
            if not self.maps and route.town not in ours:
                continue
            if route.scenarios and route.scenarios[0].type in bench2drive.ABILITIES["Traffic_Signs"]:
                planner = EvaluatorPlanner(load_road_map(route.town, maps_dirs=self.maps).carla_map)
                percent = bench2drive.junction_passed_percent(planner.trace(route.waypoints).in_junction.tolist())
                if percent is not None:
                    passed[route.route_id] = percent
        return passed

    def _interval(self, records: Sequence[RouteRecord], total: int) -> Interval:
        by_route: dict[str, list[float]] = {}
        for record in records:
            by_route.setdefault(bench2drive.route_key(record), []).append(record.scores.score_composed)
        missing = [[0.0]] * (total - len(records))
        return bootstrap_mean([*by_route.values(), *missing], rng=np.random.default_rng(self.seed), level=_LEVEL)

    def _say(self, figures: dict[str, dict[str, Any]]) -> None:
        print(f"{'profile':<16}{'driving score':>14}  {'95 % interval':<17}{'completion':>11}{'penalty':>9}  routes")
        for name, row in figures.items():
            interval = "one route"
            if "driving_score_low" in row:
                interval = f"[{row['driving_score_low']:.2f}, {row['driving_score_high']:.2f}]"
            print(
                f"{name:<16}{row['driving_score']:>14.3f}  {interval:<17}{row['route_completion_percent']:>10.2f}%"
                f"{row['penalty']:>9.4f}  {row['routes_scored']} of {row['routes_total']}"
            )
        for row in figures.values():
            if "success_rate_percent" in row:
                speed = row["efficiency_percent"]
                told = "none listed" if speed is None else f"{speed:.2f} %"
                print(f"bench2drive: success rate {row['success_rate_percent']:.2f} %, efficiency {told}")
            for ability, share in row.get("abilities", {}).items():
                if ability != "crashed":
                    print(f"  {ability:<16}{'no route' if share is None else f'{100.0 * share:.2f} %':>10}")


def _scenario_types(path: Path) -> dict[str, str]:
    """Return the type of the first scenario of every route in a file that has one."""
    return {route.route_id: route.scenarios[0].type for route in load_routes(path) if route.scenarios}
