"""A finished run as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WORST = 10


def result_table(document: Mapping[str, Any]) -> str:
    """Return figures with intervals, abilities, scenario types that were not all solved, and what does not count."""
    figures, settings = document["figures"], document["settings"]
    lines = [f"{settings['suite']}, {settings['agent']}, {settings['profile']}, seed {settings['seed']}"]
    for name, told in (
        ("driving_score", "driving score"),
        ("success_rate_percent", "success rate"),
        ("route_completion_percent", "route completion"),
    ):
        if name in figures:
            unit = "" if name == "driving_score" else " %"
            low, high = figures[f"{name}_low"], figures[f"{name}_high"]
            lines.append(f"  {told:<18}{figures[name]:>7.2f}{unit:<2}  95 % interval [{low:.2f}, {high:.2f}]")
    if figures.get("scenarios_planned_total"):
        counts = ", ".join(
            f"{figures[f'scenarios_{name}_total']} {name.replace('_', ' ')}"
            for name in ("planned", "triggered", "finished", "timed_out", "skipped", "not_triggered")
        )
        lines.append(f"  {'scenarios':<18}{counts}")
    for ability, row in document["abilities"].items():
        if row["success_percent"] is not None:
            lines.append(f"  {ability:<18}{row['success_percent']:>7.2f} %  of {row['routes']}")
    lines += _types(document["types"])
    failed = [row for row in document["routes"] if row["status"].startswith(("policy_failure", "invalid"))]
    lines += [f"  {row['task_id']}: {row['status']}" for row in failed]
    if document["without_result"]:
        lines.append(f"  without a result, for reasons of infrastructure: {', '.join(document['without_result'])}")
    return "\n".join(lines)


def _types(types: Mapping[str, Mapping[str, Any]]) -> Sequence[str]:
    unsolved = sorted(
        (row["success_percent"], name, row) for name, row in types.items() if row["success_percent"] < 100.0
    )
    lines = [
        f"  {name:<44}{percent:>6.1f} %  score {row['driving_score']:>6.2f}  of {row['episodes']}"
        for percent, name, row in unsolved[:_WORST]
    ]
    if not lines:
        return []
    more = f", the worst {_WORST} of {len(unsolved)}" if len(unsolved) > _WORST else ""
    return [f"scenario types not solved every time{more}:", *lines]
