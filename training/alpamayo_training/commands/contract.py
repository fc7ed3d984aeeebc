"""`alpamayo contract check`: does an integration hand a driving model what it was trained on?"""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

from tyro.conf import Positional

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.action_statistics import ActionStatistics
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_sim.policy.contract.checks import Finding, check_log
from alpamayo_sim.policy.contract.course import Course
from alpamayo_sim.policy.contract.drive_course import Integration, drive_course
from alpamayo_sim.policy.contract.log import ContractLog


@dataclass(frozen=True)
class Arguments:
    """Find mistakes in an integration of Alpamayo: frames, cameras, history, prompt, tokens, plans."""

    action: Annotated[Literal["check"], Positional]
    """check."""
    target: Annotated[str, Positional]
    """module:Class of an integration, which is driven over the course, or a folder with a log of such a drive."""
    statistics: Path | None = None
    """JSON file with the checkpoint's action statistics; by default the published ones."""
    out: Path | None = None
    """Also write the log of what reached the model into this folder."""
    json: bool = False
    """Print one JSON line and nothing else."""

    def run(self) -> int:
        """Return 0 without mistakes, 1 with some."""
        course = Course(ALPAMAYO_RIG)
        folder = Path(self.target)
        log = ContractLog.load(folder) if folder.is_dir() else drive_course(_integration(self.target), course)
        if self.out is not None:
            log.save(self.out)
        statistics = None if self.statistics is None else vars(ActionStatistics.load(self.statistics))
        findings = check_log(log, course, statistics)
        print(json.dumps(_plain(findings)) if self.json else _text(self.target, log, findings))
        return 1 if findings else 0


def _integration(name: str) -> Integration:
    module_name, _, class_name = name.partition(":")
    if not class_name:
        raise InputError(f"expected a folder with a log, or module:Class of an integration; found {name!r}")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        kind = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"no integration {name!r}: {error}") from error
    missing = [
        part for part in ("cameras", "see", "observe", "target", "style", "statistics") if not hasattr(kind, part)
    ]
    if missing:
        raise InputError(
            f"{name} is no integration: it lacks {', '.join(missing)} (docs/contract.md says what they do)"
        )
    return cast(Integration, kind())


def _plain(findings: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "ok": not findings,
        "mistakes": [
            {
                "kind": finding.mistake.kind,
                "meaning": finding.mistake.meaning,
                "expected": finding.mistake.expected,
                "found": finding.mistake.found,
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
        ]
    return "\n".join(lines)
