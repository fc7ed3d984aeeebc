"""`alpamayo collect`: drive a suite and record what was seen, known and meant, as a dataset to learn from."""

from __future__ import annotations

import json
import shlex
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, UseAppendAction

from alpamayo_agents.collecting.settings import NOT_DISTURBED, CollectSettings, Disturbance
from alpamayo_agents.registry import make_agent
from alpamayo_scenarios.benchmark.messages import ServerChoice, WorkerSetup
from alpamayo_scenarios.benchmark.plan import Plan, Settings, make_plan, read_plan, store_plan
from alpamayo_scenarios.benchmark.scores import skipped_text
from alpamayo_scenarios.benchmark.store import ResultStore
from alpamayo_scenarios.suite import load_suite
from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.client.readiness import probe
from alpamayo_sim.errors import InputError
from alpamayo_sim.record.run_folder import RunFolder, check_writable
from alpamayo_sim.record.scene_table import need_pyarrow
from alpamayo_sim.roads.town_lookup import available_towns
from alpamayo_training.commands.drive import MAP_CACHE
from alpamayo_training.data.assembly import assemble
from alpamayo_training.data.rigs import named_rig
from alpamayo_training.data.splits import SplitRule
from alpamayo_training.data.throughput import collection_figures, figures_text
from alpamayo_training.suite_runs import check_numbers, drive_missing

RUN_NAME = "collect"
DATASET_FOLDER = "dataset"


@dataclass(frozen=True)
class Arguments:
    """Drive a suite and record a dataset: pictures, motion, plans, and the privileged state that labels are made of.

    Kill it at any moment and go on with --resume: no episode is lost, and none comes out otherwise for it.
    """

    suite: Annotated[str | None, Positional] = None
    """Name of a suite (smoke, abilities, ...), or a path to one (.yaml)."""
    routes: Path | None = None
    """Leaderboard route file (.xml) for a suite that takes its routes from you."""
    agent: str | None = None
    """Who drives: expert (the default), or another agent that bench knows."""
    jobs: int = 2
    """Episodes driven at the same time, each on a server of its own."""
    repeat: int | None = None
    """Times that every route is driven, with another seed each time; 1 by default."""
    seed: int | None = None
    """Seed from which those of the episodes are drawn; 0 by default."""
    resume: tuple[str, ...] | None = None
    """Go on with a collection that was interrupted: its run folder, or the latest one when no folder is named."""
    only: tuple[str, ...] = ()
    """Drive only the routes with these ids."""
    type: tuple[str, ...] = ()
    """Drive only routes with scenarios of these types."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder with OpenDRIVE files of towns that the server does not have; may be given several times."""
    server: UseAppendAction[tuple[str, ...]] = ()
    """HOST:PORT of a CARLA 0.9.16 that runs already and can draw; given several times, each drives episodes."""
    rig: str = "alpamayo"
    """The cameras: alpamayo, bench2drive, or a rig's YAML file."""
    size: tuple[int, int] | None = None
    """Width and height of the pictures; by default 320 192."""
    masks: bool = True
    """Take instance masks, by which labels know what is visible."""
    crf: int = CollectSettings.crf
    """Quality of the videos (H.264): lower is better and larger."""
    chroma: str = CollectSettings.chroma
    """yuv444p keeps the colours of small lamps; yuv420p loses more than half of them, and plays in every browser."""
    disturb: bool = True
    """Disturb the driver, so that the data show how to recover."""
    disturbance: Disturbance = field(default_factory=Disturbance)
    hold_out: tuple[str, ...] = SplitRule.held_out_towns
    """Towns whose episodes are all in the test split; one that is not in the suite does no harm."""
    attempts: int = 3
    """Times that an episode is tried when infrastructure fails."""
    agent_timeout: float = 300.0
    """Seconds that the agent may take to get ready, or for one decision."""
    server_timeout: float = 120.0
    """Seconds without a tick after which a server counts as failed."""
    keep_episodes: bool = True
    """Keep the folders of the single episodes beside the dataset; without, their pictures are there once only."""
    out: Path = Path("runs")
    """Folder in which the run folder is made."""
    json: bool = False
    """Print the figures as one JSON line at the end, and nothing else on standard output."""

    def run(self) -> int:
        """Collect; return 0 if every episode is in the dataset, 1 if an agent failed, 3 if infrastructure kept some out."""
        need_pyarrow()
        self._check()
        run, plan = self._resumed() if self.resume is not None else self._new()
        if plan.skipped:
            print(skipped_text(plan.skipped), file=sys.stderr)
        with ResultStore(run, plan) as store:
            command = f"alpamayo collect --resume {shlex.quote(str(run.path))}"
            figures = collection_figures(
                store, lambda: drive_missing(store, self._setups(store), self.attempts, command)
            )
            store.rewrite_metrics()
            rule = SplitRule(held_out_towns=tuple(run.config.get("hold_out", self.hold_out)), seed=plan.settings.seed)
            dataset = assemble(store, run.path / DATASET_FOLDER, rule, maps=self._maps(run), keep=self.keep_episodes)
        figures = {**figures, "dataset": str(dataset.folder), "frames": sum(e.frame_count for e in dataset.episodes)}
        run.write_summary(figures)
        print(json.dumps(figures) if self.json else figures_text(figures, dataset))
        missing = len(plan.tasks) - int(figures["episodes"])
        if missing:
            print(
                f"{missing} episodes could not be driven for reasons of infrastructure; try again: {command}",
                file=sys.stderr,
            )
            return 3
        return 1 if any(info.status != "ok" for info in dataset.episodes) else 0

    def _check(self) -> None:
        check_numbers(self, ("agent_timeout", "server_timeout"))
        if self.agent is not None:
            make_agent(self.agent)
        if self.resume is None and self.suite is None:
            raise InputError("name a suite, or go on with an earlier collection with --resume")
        check_writable(self.out)

    def _new(self) -> tuple[RunFolder, Plan]:
        assert self.suite is not None
        suite = load_suite(self.suite, routes_file=self.routes)
        settings = Settings(
            suite=suite.name,
            agent=self.agent or "expert",
            profile=suite.profile,
            seed=self.seed or 0,
            repetitions=self.repeat or 1,
            background=suite.background,
            vehicles=suite.vehicles,
            walkers=suite.walkers,
            scenarios_required=suite.scenarios_required,
            collect=self._settings(),
        )
        towns = set(available_towns(self.maps))
        for address in self.server:
            towns |= probe(ServerAddress.parse(address))
        plan = make_plan(settings, suite.routes, towns=towns, only=self.only, types=self.type)
        config = {
            "suite": self.suite,
            "agent": settings.agent,
            "seed": settings.seed,
            "repeat": settings.repetitions,
            "jobs": self.jobs,
            "hold_out": list(self.hold_out),
            "maps": [str(path.absolute()) for path in self.maps],
            "collect": json.loads(json.dumps(asdict(self._settings()))),
        }
        run = RunFolder.create(self.out, RUN_NAME, config)
        store_plan(run, plan, suite.routes)
        return run, plan

    def _settings(self) -> CollectSettings:
        rig = named_rig(self.rig)
        if self.size is not None:
            rig = replace(rig, width_px=self.size[0], height_px=self.size[1])
        return CollectSettings(
            rig=rig,
            disturbance=self.disturbance if self.disturb else NOT_DISTURBED,
            masks=self.masks,
            crf=self.crf,
            chroma=self.chroma,
        )

    def _resumed(self) -> tuple[RunFolder, Plan]:
        assert self.resume is not None
        if len(self.resume) > 1:
            raise InputError(f"--resume takes one run folder; found {', '.join(self.resume)}")
        named = Path(self.resume[0]) if self.resume else None
        if named is not None and not named.is_dir():
            named = self.out / named
        run = RunFolder.open(named) if named is not None else RunFolder.latest(self.out, RUN_NAME)
        plan = read_plan(run)
        if plan.settings.collect is None:
            raise InputError(f"{run.path} is a benchmark run, not a collection; resume it with alpamayo bench --resume")
        for name, value in {"agent": self.agent, "repetitions": self.repeat, "seed": self.seed}.items():
            begun = getattr(plan.settings, name)
            if value is not None and value != begun:
                raise InputError(
                    f"{run.path} was begun with {name} {begun}; found {value}. Leave it out, or start a new collection"
                )
        return run, plan

    def _maps(self, run: RunFolder) -> tuple[Path, ...]:
        named = [*run.config.get("maps", []), *(str(path.absolute()) for path in self.maps)]
        return tuple(Path(name) for name in dict.fromkeys(named))

    def _setups(self, store: ResultStore) -> list[WorkerSetup]:
        given = [ServerChoice("given", address=address) for address in dict.fromkeys(self.server)]
        return [
            WorkerSetup(
                run_folder=str(store.run.path.absolute()),
                settings=store.plan.settings,
                server=choice,
                maps=tuple(str(path) for path in self._maps(store.run)),
                cache=str((self.out / MAP_CACHE).absolute()),
                agent_timeout_s=self.agent_timeout,
                silent_after_s=self.server_timeout,
            )
            for choice in given or [ServerChoice()] * min(self.jobs, len(store.plan.tasks))
        ]
