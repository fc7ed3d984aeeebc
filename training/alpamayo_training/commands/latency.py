"""`alpamayo latency`: a suite driven by one model under several latencies; ends in a table and a chart."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import OmitArgPrefixes, Positional, UseAppendAction

from alpamayo_agents.registry import make_agent
from alpamayo_agents.vla.agent import VlaAgent
from alpamayo_agents.vla.latency import MEASURED, parse_latency
from alpamayo_agents.vla.settings import VlaSettings
from alpamayo_scenarios.benchmark.plan import PLAN_FILE
from alpamayo_scenarios.route_run import AGENT_NOTES_FILE
from alpamayo_sim.errors import InputError
from alpamayo_sim.record.run_folder import RunFolder, check_writable, write_json
from alpamayo_training.commands.bench import Arguments as Bench
from alpamayo_training.latency_chart import LatencyRow, draw_chart, latency_table

TABLE_FILE = "latency.json"
CHART_FILE = "score_against_latency.png"


@dataclass(frozen=True)
class Arguments:
    """Drive a suite once for every latency, with the same routes and seeds, and draw the score against the latency."""

    suite: Annotated[str | None, Positional] = None
    """Name of a suite (smoke, abilities, longest6, bench2drive220), or a path to one (.yaml)."""
    routes: Path | None = None
    """Leaderboard route file (.xml), as `alpamayo bench` takes it."""
    agent: str = VlaAgent.name
    """vla, or module:Class for a class of your own that derives from VlaAgent."""
    vla: OmitArgPrefixes[VlaSettings] = field(default_factory=VlaSettings)
    latencies: tuple[str, ...] = ("0", "0.2", "0.5", "1", "2")
    """What to try, each in the forms that --latency takes."""
    resume: Path | None = None
    """Go on with an earlier sweep: its folder. Give the same suite and options again."""
    jobs: int = 2
    """Routes driven at the same time, each on a server of its own."""
    repeat: int = 1
    """Times that every route is driven at every latency, with another seed each time."""
    seed: int = 0
    """Seed from which those of the routes are drawn, the same ones at every latency."""
    only: tuple[str, ...] = ()
    """Drive only the routes with these ids."""
    type: tuple[str, ...] = ()
    """Drive only routes with scenarios of these types."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Folder with OpenDRIVE files of towns that the server does not have; may be given several times."""
    server: UseAppendAction[tuple[str, ...]] = ()
    """HOST:PORT of a CARLA 0.9.16 that runs already; may be given several times."""
    out: Path = Path("runs")
    """Folder in which the folder of the sweep is made."""
    json: bool = False
    """Print the table as one JSON line at the end, and nothing else on standard output."""

    def run(self) -> int:
        """Drive; return 0 if every benchmark ended well, else the worst of their exit codes."""
        self._check()
        if self.resume is None:
            folder = RunFolder.create(self.out, "latency", self._config()).path
        else:
            folder = RunFolder.open(self.resume).path
        rows: list[LatencyRow] = []
        worst = 0
        for number, latency in enumerate(self.latencies):
            bench = self._bench(folder / f"{number:02d}-{_plain(latency)}", latency)
            print(f"latency {latency} ({number + 1} of {len(self.latencies)})", file=sys.stderr)
            worst = max(worst, bench.run_quietly())
            rows.append(_row(bench.out, latency))
        table = [{"latency": row.latency, "latency_s": row.seconds, **row.summary} for row in rows]
        write_json(folder / TABLE_FILE, {"agent": self.agent, "settings": asdict(self.vla), "rows": table})
        first = rows[0].summary
        what = f"{self.suite or self._name_of_routes()}, {first['routes_total']} routes"
        title = f"{what}, by {self.agent} on {_server_words(str(first['server']))}"
        draw_chart(rows, title, folder / CHART_FILE)
        if self.json:
            print(json.dumps(table))
        else:
            print(latency_table(rows))
            print(f"chart: {folder / CHART_FILE}")
        return worst

    def _check(self) -> None:
        if not self.latencies or len(set(self.latencies)) != len(self.latencies):
            raise InputError(
                f"--latencies takes one or more different ones; found {', '.join(self.latencies) or 'none'}"
            )
        for latency in self.latencies:
            parse_latency(latency)
        if self.vla.latency != VlaSettings().latency:
            raise InputError("a sweep takes its latencies from --latencies; leave --latency away")
        if not isinstance(make_agent(self.agent, self.vla), VlaAgent):
            raise InputError(
                f"latency is emulated for the agent vla and classes that derive from it; found {self.agent}"
            )
        check_writable(self.out)

    def _config(self) -> dict[str, Any]:
        return {name: str(value) for name, value in asdict(self).items()}

    def _name_of_routes(self) -> str:
        return self.routes.name if self.routes is not None else "routes"

    def _bench(self, out: Path, latency: str) -> _QuietBench:
        begun = any(out.glob(f"*/{PLAN_FILE}"))
        return _QuietBench(
            suite=self.suite,
            routes=self.routes,
            agent=self.agent,
            vla=replace(self.vla, latency=latency),
            jobs=self.jobs,
            repeat=self.repeat,
            seed=self.seed,
            only=self.only,
            type=self.type,
            maps=self.maps,
            server=self.server,
            out=out,
            resume=() if begun else None,
        )


class _QuietBench(Bench):
    """A benchmark whose own table is not printed: the sweep's is."""

    def run_quietly(self) -> int:
        """Drive, with standard output to nowhere; progress and complaints are on standard error."""
        import contextlib
        import io

        with contextlib.redirect_stdout(io.StringIO()):
            return self.run()


def _row(out: Path, latency: str) -> LatencyRow:
    """What the benchmark in a folder came to."""
    run = RunFolder.latest(out, "bench")
    summary = json.loads((run.path / "summary.json").read_text(encoding="utf-8"))
    model = parse_latency(latency)
    seconds = list(model.samples_s)
    if latency == MEASURED:
        for notes in sorted(run.path.glob(f"episodes/*/{AGENT_NOTES_FILE}")):
            seconds += json.loads(notes.read_text(encoding="utf-8"))["latency_s"]
    known = [value for value in seconds if value is not None]
    return LatencyRow(latency, round(sum(known) / max(1, len(known)), 3), summary)


def _plain(latency: str) -> str:
    return "".join(c if c.isalnum() or c in ".-" else "-" for c in Path(latency).name)


def _server_words(server: str) -> str:
    return "the embedded server (not CARLA)" if server == "embedded" else server
