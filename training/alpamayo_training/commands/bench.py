"""`alpamayo bench`: a suite of routes by one agent, over several processes; ends in scores and a report."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction

from alpamayo_agents.registry import make_agent
from alpamayo_scenarios.benchmark.coordinator import Coordinator, Limits
from alpamayo_scenarios.benchmark.messages import ServerChoice, WorkerSetup
from alpamayo_scenarios.benchmark.plan import Plan, Settings, make_plan, read_plan, store_plan
from alpamayo_scenarios.benchmark.progress import BenchProgress
from alpamayo_scenarios.benchmark.scores import skipped_text, write_scores
from alpamayo_scenarios.benchmark.store import ResultStore
from alpamayo_scenarios.route_file import load_routes
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.profile import DEFAULT_PROFILE, scoring_profile
from alpamayo_sim.record.report import write_report
from alpamayo_sim.record.run_folder import RunFolder, check_writable
from alpamayo_sim.roads.town_lookup import available_towns
from alpamayo_training.commands.drive import MAP_CACHE

_AGENT = "expert"


@dataclass(frozen=True)
class Arguments:
    """Drive a suite of routes with an agent and score it."""

    suite: Annotated[str | None, Positional] = None
    """Name of a suite, or a path to one (.yaml)."""
    routes: Path | None = None
    """Leaderboard route file (.xml): the routes of a suite that takes them from the user, or a suite by itself."""
    agent: str | None = None
    """Who drives: expert (the default), route_follower, constant_velocity."""
    jobs: int = 2
    """Routes driven at the same time, each with a server of its own."""
    repeat: int | None = None
    """Times that every route is driven, with another seed each time; 1 by default."""
    seed: int | None = None
    """Seed from which those of the routes are drawn; 0 by default."""
    resume: tuple[str, ...] | None = None
    """Go on with a run that was interrupted: its folder, or the latest one when no folder is named."""
    only: tuple[str, ...] = ()
    """Drive only the routes with these ids."""
    type: tuple[str, ...] = ()
    """Drive only routes with scenarios of these types."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder with OpenDRIVE files of towns that are not ours; may be given several times."""
    profile: str | None = None
    """leaderboard-1.0, leaderboard-2.0, leaderboard-2.1 or bench2drive; by default the suite's."""
    attempts: int = 3
    """Times that a route is tried when infrastructure fails; such failures are never scored."""
    agent_timeout: float = 300.0
    """Seconds that the agent may take to get ready, or for one decision, before the route counts as failed by it."""
    video: bool = False
    """Record a video of every route."""
    out: Path = Path("runs")
    """Folder in which the run folder is made."""
    json: bool = False
    """Print the summary as one JSON line at the end, and nothing else on standard output."""

    def run(self) -> int:
        """Drive the suite; return 0 if every route has a valid result, 1 if the agent or a scenario failed to run, 3 if
        infrastructure kept routes from having one.
        """
        self._check()
        run, plan = self._resumed() if self.resume is not None else self._new()
        if plan.skipped:
            print(skipped_text(plan.skipped), file=sys.stderr)
        make_agent(plan.settings.agent)
        with ResultStore(run, plan) as store:
            done = [task for task in plan.tasks if store.is_complete(task)]
            try:
                with (
                    BenchProgress(plan.tasks, done) as progress,
                    Coordinator(store, self._setups(run, plan), progress, Limits(self.attempts)) as coordinator,
                ):
                    coordinator.run()
            except KeyboardInterrupt:
                print(f"\nstopped; go on with: alpamayo bench --resume {shlex.quote(str(run.path))}", file=sys.stderr)
                raise
            summary = write_scores(store)
        report = write_report(run)
        self._say(run, report, summary)
        if summary["episodes_infra_failed"]:
            print(
                f"{summary['episodes_infra_failed']} routes have no result for reasons of infrastructure; try them again with: "
                f"alpamayo bench --resume {shlex.quote(str(run.path))}",
                file=sys.stderr,
            )
            return 3
        return 1 if summary["episodes_invalid"] or summary["episodes_policy_failed"] else 0

    def _check(self) -> None:
        if self.jobs < 1 or self.attempts < 1:
            raise InputError(f"--jobs and --attempts are 1 or more; found {self.jobs} and {self.attempts}")
        if self.repeat is not None and self.repeat < 1:
            raise InputError(f"--repeat is 1 or more; found {self.repeat}")
        if self.seed is not None and self.seed < 0:
            raise InputError(f"--seed is 0 or more; found {self.seed}")
        if self.agent_timeout <= 0.0:
            raise InputError(f"--agent-timeout is more than 0; found {self.agent_timeout}")
        if self.profile is not None:
            scoring_profile(self.profile)
        if self.resume is None and self.suite is None and self.routes is None:
            raise InputError("name a suite, or a route file with --routes; or go on with an earlier run with --resume")
        check_writable(self.out)

    def _new(self) -> tuple[RunFolder, Plan]:
        if self.routes is None:
            raise InputError("suites are not there yet")
        routes = load_routes(self.routes)
        agent = self.agent or _AGENT
        make_agent(agent)
        settings = Settings(
            suite=self.routes.stem,
            agent=agent,
            profile=self.profile or DEFAULT_PROFILE,
            seed=self.seed or 0,
            repetitions=self.repeat or 1,
            video=self.video,
        )
        towns = available_towns(self.maps)
        plan = make_plan(settings, routes, towns=towns, only=self.only, types=self.type)
        config = {k: v for k, v in asdict(self).items() if v is not None}
        config["maps"] = [str(path.absolute()) for path in self.maps]
        config["out"] = str(self.out)
        config["routes"] = str(self.routes)
        run = RunFolder.create(self.out, "bench", config)
        store_plan(run, plan, routes)
        return run, plan

    def _resumed(self) -> tuple[RunFolder, Plan]:
        assert self.resume is not None
        if len(self.resume) > 1:
            raise InputError(f"--resume takes one run folder; found {', '.join(self.resume)}")
        if self.resume:
            given = Path(self.resume[0])
            run = RunFolder.open(given if given.is_dir() else self.out / given)
        else:
            run = RunFolder.latest(self.out, "bench")
        plan = read_plan(run)
        settings = plan.settings
        asked = {
            "agent": self.agent,
            "repetitions": self.repeat,
            "seed": self.seed,
            "profile": self.profile,
        }
        for name, value in asked.items():
            if value is not None and value != getattr(settings, name):
                raise InputError(
                    f"{run.path} was begun with {name} {getattr(settings, name)}; found {value}. Leave it out, or start a new "
                    f"run without --resume"
                )
        return run, plan

    def _setups(self, run: RunFolder, plan: Plan) -> Sequence[WorkerSetup]:
        maps = tuple(dict.fromkeys([*run.config.get("maps", []), *(str(path.absolute()) for path in self.maps)]))
        setup = WorkerSetup(
            run_folder=str(run.path.absolute()),
            settings=plan.settings,
            server=ServerChoice(),
            maps=maps,
            cache=str((self.out / MAP_CACHE).absolute()),
            agent_timeout_s=self.agent_timeout,
            silent_after_s=60.0,
        )
        return [setup] * min(self.jobs, len(plan.tasks))

    def _say(self, run: RunFolder, report: Path, summary: dict[str, float | int | str]) -> None:
        if self.json:
            print(json.dumps(summary))
            return
        print(json.dumps(summary, indent=1))
        print(f"report: {report}")
        print(os.fspath(run.path))
