"""`alpamayo contract check`: does an integration hand a driving model what it was trained on?

An integration that mounts its sensors itself is driven on a CARLA server; one that is handed the data, over a computed course.
"""

from __future__ import annotations

import importlib
import json
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

from tyro.conf import Positional

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.action_statistics import ActionStatistics
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_sim.policy.contract.checks import Finding, check_log
from alpamayo_sim.policy.contract.course import Course
from alpamayo_sim.policy.contract.drive_course import Integration, drive_course
from alpamayo_sim.policy.contract.log import ContractLog
from alpamayo_sim.policy.contract.recorded_course import FILE as TRUTH_FILE
from alpamayo_sim.policy.contract.recorded_course import RecordedCourse
from alpamayo_sim.policy.contract.truth import CourseTruth

if TYPE_CHECKING:
    from alpamayo_agents.contract_drive.integration import LiveIntegration

_CONNECT_S = 60.0
_OWN_AGENT = "vla"
"""Always the agent, even beside a folder of that name."""


@dataclass(frozen=True)
class Arguments:
    """Find mistakes in an integration of Alpamayo: frames, cameras, history, prompt, tokens, plans."""

    action: Annotated[Literal["check"], Positional]
    """check."""
    target: Annotated[str, Positional]
    """module:Class of an integration, `vla` for the agent of that name, or a folder with a log: of such a drive, or of one's own
    (`truth.npz` beside it), or of the computed course. What has a
    `setup` is driven on a server, with the sensors that it mounts; what has none is driven over the computed course."""
    town: str = "Gridvale"
    """Where to drive on a server: a town of ours, or the path of an OpenDRIVE file."""
    server: str | None = None
    """HOST:PORT of a CARLA server to drive on, in the town that it shows; by default an embedded one is started."""
    seed: int = 0
    """Of the route on a server."""
    weather: str | None = None
    """One of CARLA's presets, such as ClearNoon, on a server; by default a clear day."""
    statistics: Path | None = None
    """JSON file with the checkpoint's action statistics; by default the published ones."""
    out: Path | None = None
    """Also write the log of what reached the model, and the truth of a drive on a server, into this folder."""
    json: bool = False
    """Print one JSON line and nothing else."""

    def run(self) -> int:
        """Return 0 without mistakes, 1 with some."""
        statistics = None if self.statistics is None else vars(ActionStatistics.load(self.statistics))
        folder = Path(self.target)
        is_log = folder.is_dir() and self.target != _OWN_AGENT
        integration = None if is_log else _integration(self.target)
        log, course = self._record() if integration is None else self._drive(integration)
        if self.out is not None:
            log.save(self.out)
            if isinstance(course, RecordedCourse):
                course.save(self.out)
        findings = check_log(log, course, statistics)
        print(json.dumps(_plain(findings)) if self.json else _text(self.target, log, findings))
        return 1 if findings else 0

    def _record(self) -> tuple[ContractLog, CourseTruth]:
        """Return a log with the truth that lies beside it; without one it is of the computed course."""
        folder = Path(self.target)
        has_truth = (folder / TRUTH_FILE).is_file()
        return ContractLog.load(folder), RecordedCourse.load(folder) if has_truth else Course(ALPAMAYO_RIG)

    def _drive(self, integration: object) -> tuple[ContractLog, CourseTruth]:
        """Drive an integration on a server if it mounts its own sensors, else over the computed course."""
        if not hasattr(integration, "setup"):
            course = Course(ALPAMAYO_RIG)
            return drive_course(cast(Integration, integration), course), course
        from alpamayo_agents.contract_drive.drive import drive_live
        from alpamayo_scenarios.weather import preset
        from alpamayo_sim.client.connection import ServerAddress, connect
        from alpamayo_sim.client.embedded import EmbeddedServer
        from alpamayo_sim.roads.road_map import load_road_map, road_map_from_text

        weather = None if self.weather is None else preset(self.weather)
        with ExitStack() as stack:
            if self.server is None:
                road_map = load_road_map(self.town)
                server = stack.enter_context(EmbeddedServer(self.town, seed=self.seed))
                client = connect(server.address, timeout_s=_CONNECT_S)
            else:
                client = connect(ServerAddress.parse(self.server), timeout_s=_CONNECT_S)
                shown = client.get_world().get_map()
                road_map = road_map_from_text(shown.name.rsplit("/", 1)[-1], shown.to_opendrive())
            live = cast("LiveIntegration", integration)
            return drive_live(client, road_map, live, ALPAMAYO_RIG, self.seed, weather)


def _integration(name: str) -> object:
    if name == _OWN_AGENT:
        from alpamayo_agents.contract_drive.integration import VlaIntegration

        return VlaIntegration()
    module_name, _, class_name = name.partition(":")
    if not class_name:
        raise InputError(f"expected a folder with a log, or module:Class of an integration; found {name!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        kind = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"no integration {name!r}: {error}") from error
    first = "setup" if hasattr(kind, "setup") else "cameras"
    missing = [part for part in (first, "see", "observe", "target", "style", "statistics") if not hasattr(kind, part)]
    if missing:
        raise InputError(
            f"{name} is no integration: it lacks {', '.join(missing)} (docs/contract.md says what they do)"
        )
    return kind()


def _plain(findings: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "ok": not findings,
        "mistakes": [
            {
                "kind": finding.mistake.kind,
                "meaning": finding.mistake.meaning,
                "expected": finding.mistake.expected,
                "found": finding.mistake.found,
                "remedy": finding.mistake.remedy,
                "observations": list(finding.observations),
            }
            for finding in findings
        ],
    }


def _text(target: str, log: ContractLog, findings: tuple[Finding, ...]) -> str:
    if not findings:
        return f"{target}: no mistakes in {len(log.observations)} observations"
    lines = [f"{target}: {len(findings)} kind{'s' if len(findings) > 1 else ''} of mistake"]
    for finding in findings:
        where = f" (observations {', '.join(map(str, finding.observations))})" if finding.observations else ""
        mistake = finding.mistake
        lines += [
            f"  {mistake.kind}: {mistake.meaning}{where}",
            f"    expected {mistake.expected}",
            f"    found    {mistake.found}",
            f"    do       {mistake.remedy}",
        ]
    return "\n".join(lines)
