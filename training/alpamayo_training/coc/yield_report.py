"""What became of the labels of a version: how many are left, and why the others are not, as JSON, text and HTML."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from alpamayo_training.coc.label import CocLabel

KEPT = "kept"


def yield_of(labels: Sequence[CocLabel]) -> dict[str, Any]:
    """Return the figures of a set of labels: by drop reason, failed rule, kind, scenario, decision, verdict; grades."""
    kept = [label for label in labels if not label.drop_reason]
    graded = [label.critic for label in kept if label.critic is not None]
    return {
        "labels": len(labels),
        "kept": len(kept),
        "yield": len(kept) / len(labels) if labels else 0.0,
        "by_reason": _counted(label.drop_reason or KEPT for label in labels),
        "failed_rules": _counted(result.name for label in labels for result in label.filters if not result.passed),
        "by_kind": _shares(labels, lambda label: label.kind),
        "by_scenario": _shares(labels, lambda label: label.scenario),
        "by_longitudinal": _shares(labels, lambda label: label.longitudinal),
        "by_lateral": _shares(labels, lambda label: label.lateral),
        "verdicts": _counted(label.verdict or "not tested" for label in labels),
        "behaviour_consistency_mean": _mean([grades.behaviour_consistency for grades in graded]),
        "causal_quality_mean": _mean([grades.causal_quality for grades in graded]),
        "distinct_traces": len({label.trace for label in kept}),
        "words_mean": _mean([float(len(label.trace.split())) for label in kept]),
    }


def as_text(figures: dict[str, Any]) -> str:
    """Return the figures as a Markdown page."""
    lines = [
        "# Yield of labels",
        "",
        f"{figures['kept']} of {figures['labels']} labels are kept ({100.0 * figures['yield']:.1f} %); "
        f"{figures['distinct_traces']} distinct traces of {figures['words_mean']:.1f} words on average. Mean grades: behaviour "
        f"consistency {figures['behaviour_consistency_mean']:.2f}, causal quality {figures['causal_quality_mean']:.2f}.",
        "",
        "| reason | labels | share |",
        "|---|---|---|",
    ]
    total = max(1, figures["labels"])
    lines += [f"| {name} | {count} | {100.0 * count / total:.1f} % |" for name, count in figures["by_reason"].items()]
    for title in ("by_scenario", "by_longitudinal", "by_lateral", "by_kind"):
        lines += ["", f"| {title.removeprefix('by_')} | labels | kept |", "|---|---|---|"]
        lines += [f"| {name} | {row['labels']} | {row['kept']} |" for name, row in figures[title].items()]
    lines += ["", "| verdict | labels |", "|---|---|"]
    lines += [f"| {name} | {count} |" for name, count in figures["verdicts"].items()]
    return "\n".join(lines) + "\n"


def as_html(figures: dict[str, Any]) -> str:
    """Return the figures as a fragment of HTML: a bar per reason."""
    total = max(1, figures["labels"])
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{count}</td><td><div style='background:#4a7;height:0.8em;"
        f"width:{300.0 * count / total:.0f}px'></div></td></tr>"
        for name, count in figures["by_reason"].items()
    )
    return (
        f"<h2>Labels</h2><p>{figures['kept']} of {figures['labels']} kept "
        f"({100.0 * figures['yield']:.1f} %).</p><table>{rows}</table>"
    )


def write_yield(folder: Path, version: str, labels: Sequence[CocLabel]) -> dict[str, Any]:
    """Write VERSION.yield.json and VERSION.yield.md into a folder; return the figures."""
    figures = yield_of(labels)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{version}.yield.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (folder / f"{version}.yield.md").write_text(as_text(figures), encoding="utf-8")
    return figures


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items(), key=lambda row: (-row[1], row[0])))


def _shares(labels: Sequence[CocLabel], of: Any) -> dict[str, dict[str, int]]:
    counted = _counted(of(label) for label in labels)
    kept = Counter(of(label) for label in labels if not label.drop_reason)
    return {name: {"labels": count, "kept": kept[name]} for name, count in counted.items()}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
