"""What counterfactual replay said of a set of labels, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from alpamayo_scenarios.counterfactual.comparison import Difference

VERIFIED, REFUTED, UNTESTABLE = "verified", "refuted", "untestable"


@dataclass(frozen=True)
class CauseVerdict:
    """What became of one named cause."""

    name: str
    kind: str
    """Of its test; "" where there is none."""
    verdict: str
    reason: str = ""
    """Why it is untestable, or with whom together it is a cause."""
    difference: Difference | None = None
    is_joint: bool = False
    """Whether it shows only once the other named causes are gone: each alone would have been enough."""
    branch: str = ""
    """Key of the drive that decided."""


@dataclass(frozen=True)
class LabelVerdict:
    """What became of one label."""

    episode_index: int
    frame_index: int
    decision: str
    """Scenario or, for other scenarios, the decisions."""
    verdict: str
    causes: tuple[CauseVerdict, ...]
    control: str = ""
    """unchanged, changed, or "" where there was nobody unnamed in sight (or no drive of it)."""
    control_difference: Difference | None = None
    control_actor: str = ""
    control_branch: str = ""
    control_was_heeded: bool = False
    """Whether the driver itself names the unnamed actor among those it goes by, within the 6 s: the label then misses one."""
    second: str = ""
    """verified or refuted by the second kind of intervention; "" where it was not asked."""
    second_difference: Difference | None = None


@dataclass(frozen=True)
class Reproduction:
    """How far replays are the recorded episodes."""

    episodes: int
    bit_equal: int
    """Episodes whose ego pose is the recorded one at every frame, to the precision of the record."""
    largest_m: dict[int, float] = field(default_factory=dict[int, float])
    """Largest distance from the recorded place, by episode, of those that differ."""
    branches: int = 0
    branches_repeated: int = 0
    """Branches that did not come to the keyframe as the factual drive did at first."""
    branches_never: int = 0
    """Of those, never."""


def figures(verdicts: Iterable[LabelVerdict], reproduction: Reproduction, cost: Mapping[str, float]) -> dict[str, Any]:
    """Return the report as plain values."""
    labels = list(verdicts)
    by_decision: dict[str, Counter[str]] = {}
    by_kind: dict[str, Counter[str]] = {}
    reasons: Counter[str] = Counter()
    for label in labels:
        by_decision.setdefault(label.decision, Counter())[label.verdict] += 1
        for cause in label.causes:
            by_kind.setdefault(cause.kind or "none", Counter())[cause.verdict] += 1
            if cause.verdict == UNTESTABLE:
                reasons[cause.reason] += 1
    total = Counter(label.verdict for label in labels)
    testable = total[VERIFIED] + total[REFUTED]
    controls = [label for label in labels if label.control]
    unheeded = [label for label in controls if not label.control_was_heeded]
    seconds = [label for label in labels if label.second]
    return {
        "labels": len(labels),
        "verified": total[VERIFIED],
        "refuted": total[REFUTED],
        "untestable": total[UNTESTABLE],
        "verified_share_of_testable": _share(total[VERIFIED], testable),
        "untestable_share": _share(total[UNTESTABLE], len(labels)),
        "joint_causes": sum(cause.is_joint for label in labels for cause in label.causes),
        "controls": len(controls),
        "controls_unchanged_share": _share(sum(label.control == "unchanged" for label in controls), len(controls)),
        "controls_not_heeded_by_the_driver": len(unheeded),
        "controls_not_heeded_unchanged_share": _share(
            sum(label.control == "unchanged" for label in unheeded), len(unheeded)
        ),
        "reverified": len(seconds),
        "reverified_share": _share(sum(label.second == VERIFIED for label in seconds), len(seconds)),
        "by_decision": {name: dict(counts) for name, counts in sorted(by_decision.items())},
        "by_cause_test": {name: dict(counts) for name, counts in sorted(by_kind.items())},
        "untestable_reasons": dict(reasons.most_common()),
        "changed_by": dict(
            Counter(
                name
                for label in labels
                for cause in label.causes
                if cause.difference is not None and cause.verdict == VERIFIED
                for name in cause.difference.by
            )
        ),
        "episodes": reproduction.episodes,
        "episodes_bit_equal": reproduction.bit_equal,
        "episodes_bit_equal_share": _share(reproduction.bit_equal, reproduction.episodes),
        "branches": reproduction.branches,
        "branches_repeated": reproduction.branches_repeated,
        "branches_never_reproduced": reproduction.branches_never,
        **{name: round(value, 3) for name, value in cost.items()},
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
