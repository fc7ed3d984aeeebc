"""`alpamayo bench`: a suite of routes by one agent, over several processes; ends in scores and a report."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction

from alpamayo_agents.registry import make_agent
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_scenarios.benchmark.comparison import comparison_table, read_run
from alpamayo_scenarios.benchmark.messages import ServerChoice, WorkerSetup
from alpamayo_scenarios.benchmark.plan import Plan, Settings, make_plan, read_plan, store_plan
from alpamayo_scenarios.benchmark.scores import RESULTS_FILE, skipped_text, write_scores
from alpamayo_scenarios.benchmark.store import ResultStore
from alpamayo_scenarios.benchmark.tables import result_table
from alpamayo_scenarios.suite import Suite, load_suite, route_file_suite
from alpamayo_sim.client.carla_process import CarlaLimits, CarlaProcess
from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.client.readiness import probe
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.profile import scoring_profile
from alpamayo_sim.record.report import write_report
from alpamayo_sim.record.run_folder import RunFolder, check_writable
from alpamayo_sim.roads.town_lookup import available_towns
from alpamayo_training.commands.drive import MAP_CACHE
from alpamayo_training.suite_runs import check_numbers, drive_missing

_AGENT = "expert"


@dataclass(frozen=True)
class Arguments:
    """Drive a suite of routes with an agent and score it.

    Kill it at any moment and go on with --resume: no result is lost, and none comes out otherwise for it.
    """

    suite: Annotated[str | None, Positional] = None
    """Name of a suite (smoke, abilities, longest6, bench2drive220), or a path to one (.yaml)."""
    routes: Path | None = None
    """Leaderboard route file (.xml): the routes of a suite that takes them from the user, or a suite by itself."""
    agent: str | None = None
    """Who drives: expert (the default), route_follower, constant_velocity, vla (a driving model), or your own module:Class."""
    vla: OmitArgPrefixes[VlaSettings] = field(default_factory=VlaSettings)
    jobs: int = 2
    """Routes driven at the same time, each on a server of its own."""
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
    """Folder with OpenDRIVE files of towns that the server does not have; may be given several times."""
    profile: str | None = None
    """leaderboard-1.0, leaderboard-2.0, leaderboard-2.1 or bench2drive; by default the suite's."""
    server: UseAppendAction[tuple[str, ...]] = ()
    """HOST:PORT of a CARLA 0.9.16 that runs already; given several times, each drives routes. Their worlds are loaded afresh
    for every route. By default an embedded server is started for every route."""
    carla: Path | None = None
    """CarlaUE4.sh of a CARLA 0.9.16 to start and supervise, one for each job."""
    carla_args: UseAppendAction[tuple[str, ...]] = ()
    """With --carla: a further argument to it, written --carla-args=-graphicsadapter=1; may be given several times."""
    restart_every: int = 0
    """With --carla: routes after which it is started afresh; 0 never."""
    memory_limit_mib: int = 0
    """With --carla: resident memory above which it is started afresh; 0 for no limit."""
    ready_timeout: float = CarlaLimits.ready_timeout_s
    """With --carla: seconds until its first tick."""
    attempts: int = 3
    """Times that a route is tried when infrastructure fails; such failures are never scored."""
    agent_timeout: float = 300.0
    """Seconds that the agent may take to get ready, or for one decision, before the route counts as failed by it."""
    server_timeout: float = 60.0
    """Seconds without a tick after which a server counts as failed."""
    video: bool = False
    """Record a video of every route."""
    compare: UseAppendAction[tuple[str, ...]] = ()
    """Run folder of an earlier benchmark to put beside this one; may be given several times."""
    out: Path = Path("runs")
    """Folder in which the run folder is made."""
    json: bool = False
    """Print the summary as one JSON line at the end, and nothing else on standard output."""

    def run(self) -> int:
        """Drive the suite; return 0 if every route has a valid result, 1 if an agent or a scenario failed to run, 3 if
        infrastructure kept routes from having a result.
        """
        self._check()
        earlier = [read_run(self._folder(name)) for name in self.compare]
        run, plan = self._resumed() if self.resume is not None else self._new()
        if plan.skipped:
            print(skipped_text(plan.skipped), file=sys.stderr)
        with ResultStore(run, plan) as store:
            drive_missing(store, self._setups(store), self.attempts, _resume_command(run))
            summary = write_scores(store)
        report = write_report(run)
        if self.json:
            print(json.dumps(summary))
        else:
            print(result_table(json.loads((run.path / RESULTS_FILE).read_text(encoding="utf-8"))))
            if earlier:
                print(comparison_table(read_run(run.path), earlier))
            print(f"report: {report}")
        if summary["episodes_infra_failed"]:
            print(
                f"{summary['episodes_infra_failed']} episodes have no result for reasons of infrastructure; try them again "
                f"with: {_resume_command(run)}",
                file=sys.stderr,
            )
            return 3
        return 1 if summary["episodes_invalid"] or summary["episodes_policy_failed"] else 0

    def _check(self) -> None:
        check_numbers(self, ("agent_timeout", "server_timeout", "ready_timeout"))
        if self.restart_every < 0 or self.memory_limit_mib < 0:
            raise InputError("--restart-every and --memory-limit-mib are 0 or more")
        if self.server and self.carla is not None:
            raise InputError("--server names a CARLA that runs, --carla one to start; give one of them")
        if self.profile is not None:
            scoring_profile(self.profile)
        if self.agent is not None:
            make_agent(self.agent, self.vla)
        if self.resume is None and self.suite is None and self.routes is None:
            raise InputError("name a suite, or a route file with --routes; or go on with an earlier run with --resume")
        check_writable(self.out)

    def _new(self) -> tuple[RunFolder, Plan]:
        suite = self._suite()
        settings = Settings(
            suite=suite.name,
            agent=self.agent or _AGENT,
            profile=self.profile or suite.profile,
            seed=self.seed or 0,
            repetitions=self.repeat or 1,
            background=suite.background,
            vehicles=suite.vehicles,
            walkers=suite.walkers,
            scenarios_required=suite.scenarios_required,
            video=self.video,
            vla=self._settings_of_model(),
        )
        plan = make_plan(settings, suite.routes, towns=self._towns(), only=self.only, types=self.type)
        config = {name: _plain(value) for name, value in asdict(self).items() if value is not None}
        run = RunFolder.create(self.out, "bench", config)
        store_plan(run, plan, suite.routes)
        return run, plan

    def _suite(self) -> Suite:
        if self.suite is None:
            assert self.routes is not None
            return route_file_suite(self.routes)
        return load_suite(self.suite, routes_file=self.routes)

    def _towns(self) -> set[str]:
        """The towns that can be driven in: those of the servers, which must answer, and those of --maps."""
        towns = set(available_towns(self.maps))
        for address in self.server:
            towns |= probe(ServerAddress.parse(address))
        if self.carla is not None:
            print("starting CARLA once to ask for its towns", file=sys.stderr)
            with CarlaProcess(
                self.carla, CarlaLimits(ready_timeout_s=self.ready_timeout), extra_args=self.carla_args
            ) as carla:
                carla.wait_until_ready()
                towns |= carla.towns
        return towns

    def _resumed(self) -> tuple[RunFolder, Plan]:
        assert self.resume is not None
        if len(self.resume) > 1:
            raise InputError(f"--resume takes one run folder; found {', '.join(self.resume)}")
        run = RunFolder.open(self._folder(self.resume[0])) if self.resume else RunFolder.latest(self.out, "bench")
        plan = read_plan(run)
        asked: dict[str, object] = {
            "agent": self.agent,
            "repetitions": self.repeat,
            "seed": self.seed,
            "profile": self.profile,
        }
        if self.vla != VlaSettings():
            asked["vla"] = self._settings_of_model()
        for name, value in asked.items():
            begun = getattr(plan.settings, name)
            if value is not None and value != begun:
                raise InputError(
                    f"{run.path} was begun with {name} {begun}; found {value}. Leave it out, or start a new run without --resume"
                )
        return run, plan

    def _settings_of_model(self) -> VlaSettings:
        """The settings with paths that are found from anywhere."""
        here = self.vla
        folder = here.checkpoint if here.checkpoint is None or not Path(here.checkpoint).is_dir() else None
        file = Path(here.latency)
        return replace(
            here,
            checkpoint=folder
            if folder is not None or here.checkpoint is None
            else str(Path(here.checkpoint).absolute()),
            latency=str(file.absolute()) if file.is_file() else here.latency,
        )

    def _folder(self, name: str) -> Path:
        """A run folder by its path or its name in --out."""
        return Path(name) if Path(name).is_dir() else self.out / name

    def _setups(self, store: ResultStore) -> list[WorkerSetup]:
        maps = [*store.run.config.get("maps", []), *(str(path.absolute()) for path in self.maps)]
        return [
            WorkerSetup(
                run_folder=str(store.run.path.absolute()),
                settings=store.plan.settings,
                server=choice,
                maps=tuple(dict.fromkeys(maps)),
                cache=str((self.out / MAP_CACHE).absolute()),
                agent_timeout_s=self.agent_timeout,
                silent_after_s=self.server_timeout,
            )
            for choice in self._server_choices(len(store.plan.tasks))
        ]

    def _server_choices(self, tasks: int) -> list[ServerChoice]:
        if self.server:
            return [ServerChoice("given", address=address) for address in dict.fromkeys(self.server)]
        jobs = min(self.jobs, tasks)
        if self.carla is None:
            return [ServerChoice()] * jobs
        return [
            ServerChoice(
                "carla",
                program=str(self.carla.absolute()),
                program_args=self.carla_args,
                ready_timeout_s=self.ready_timeout,
                restart_after_routes=self.restart_every,
                memory_limit_mib=self.memory_limit_mib,
            )
        ] * jobs


def _plain(value: object) -> object:
    """A value as YAML has it; paths become absolute, so that a resumed run finds them from anywhere."""
    if isinstance(value, Path):
        return str(value.absolute())
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def _resume_command(run: RunFolder) -> str:
    return f"alpamayo bench --resume {shlex.quote(str(run.path))}"
