"""A run beside earlier ones: figures with intervals, and the difference on the routes that both drove."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from alpamayo_scenarios.benchmark.scores import RESULTS_FILE
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.bootstrap import Interval, bootstrap_mean


@dataclass(frozen=True)
class EarlierRun:
    """The results of a benchmark run."""

    name: str
    document: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        """Suite, agent, profile and the rest."""
        return self.document["settings"]

    @property
    def figures(self) -> dict[str, Any]:
        """Headline figures with their bounds."""
        return self.document["figures"]

    def scores_by_route(self) -> dict[str, list[float]]:
        """Driving scores of the repetitions of every route that has a result."""
        scores: dict[str, list[float]] = {}
        for row in self.document["routes"]:
            if "driving_score" in row:
                scores.setdefault(row["route_id"], []).append(float(row["driving_score"]))
        return scores


def read_run(folder: Path) -> EarlierRun:
    """Return the results of a benchmark's run folder; InputError if it has none."""
    path = folder / RESULTS_FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"expected a finished benchmark run with {RESULTS_FILE} at {folder}; found none") from error
    except ValueError as error:
        raise InputError(f"{path}: expected JSON; {error}") from error
    if not isinstance(document, dict) or document.get("format") != "alpamayo-bench":
        raise InputError(f"{path}: expected the results of a benchmark run; found something else")
    return EarlierRun(folder.name, document)


def difference(run: EarlierRun, other: EarlierRun) -> tuple[Interval, int] | None:
    """Return by how much a run's driving score is higher than another's on the routes that both drove, and their number.

    The interval is that of the mean of the routes' differences (paired bootstrap). None without a common route.
    """
    mine, others = run.scores_by_route(), other.scores_by_route()
    common = [route for route in mine if route in others]
    if not common:
        return None
    differences = [[float(np.mean(mine[route]) - np.mean(others[route]))] for route in common]
    return bootstrap_mean(differences, rng=np.random.default_rng(0)), len(common)


def comparison_table(run: EarlierRun, others: Sequence[EarlierRun]) -> str:
    """Return a table of a run and others, with the paired differences and what makes figures incomparable."""
    header = f"{'run':<34}{'agent':<20}{'driving score':<26}{'success %':<26}{'completion %':>12}{'routes':>8}"
    lines = [header]
    for one in (run, *others):
        lines.append(
            f"{one.name:<34}{one.settings['agent']:<20}{_figure(one, 'driving_score'):<26}"
            f"{_figure(one, 'success_rate_percent'):<26}{one.figures.get('route_completion_percent', 0.0):>12.1f}"
            f"{len(one.scores_by_route()):>8}"
        )
    for other in others:
        found = difference(run, other)
        told = (
            "no route in common"
            if found is None
            else f"{found[0].mean:+.2f} [{found[0].low:+.2f}, {found[0].high:+.2f}]"
        )
        routes = f" on {found[1]} routes" if found else ""
        lines.append(f"driving score against {other.name}: {told}{routes}")
        differing = [key for key in ("profile", "suite", "background") if run.settings[key] != other.settings[key]]
        if differing:
            lines.append(
                f"  not comparable: another {', '.join(f'{key} ({other.settings[key]})' for key in differing)}"
            )
    return "\n".join(lines)


def _figure(run: EarlierRun, name: str) -> str:
    if name not in run.figures:
        return "no result"
    figures = run.figures
    return f"{figures[name]:.2f} [{figures[f'{name}_low']:.2f}, {figures[f'{name}_high']:.2f}]"
