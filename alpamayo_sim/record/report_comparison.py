"""Two runs over the same routes, episode by episode."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.bootstrap import Interval, bootstrap_mean
from alpamayo_sim.metrics.profile import ScoringProfile, scoring_profile
from alpamayo_sim.record.report_contents import Contents, Entry
from alpamayo_sim.record.report_figures import rescored_score

SAME_SCORE = 0.01
"""Driving scores that differ by no more are equal: files round them."""


@dataclass(frozen=True)
class Pair:
    """One drive of a route in each run; None where a run has none that counts."""

    first: int | None
    """Index into the first run's entries."""
    second: int | None
    score_first: float | None = None
    score_second: float | None = None
    """Driving scores under the comparison's profile."""

    @property
    def change(self) -> float | None:
        """Score of the second minus that of the first; None for a route that one run lacks."""
        if self.score_first is None or self.score_second is None:
            return None
        return self.score_second - self.score_first


@dataclass(frozen=True)
class Difference:
    """One figure of both runs over the paired episodes."""

    label: str
    unit: str
    first: float
    second: float
    change: Interval
    """Second minus first, with a bootstrap interval over routes of the paired differences."""
    more_is_better: bool

    @property
    def verdict(self) -> str:
        """`better` or `worse` where the interval excludes 0, else `unclear`."""
        if self.change.low <= 0.0 <= self.change.high:
            return "unclear"
        return "better" if (self.change.mean > 0.0) == self.more_is_better else "worse"


@dataclass(frozen=True)
class TypeChange:
    """One scenario type in both runs."""

    name: str
    episodes: int
    passed_first: int
    passed_second: int
    change: float
    """Mean difference of the driving scores."""


@dataclass(frozen=True)
class Comparison:
    """The second run against the first."""

    profile: str
    pairs: tuple[Pair, ...]
    differences: tuple[Difference, ...]
    types: tuple[TypeChange, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many pairs are better, the same, worse in the second run, and how many only one run has."""
        changes = [pair.change for pair in self.pairs]
        known = [change for change in changes if change is not None]
        return {
            "better": sum(change > SAME_SCORE for change in known),
            "same": sum(abs(change) <= SAME_SCORE for change in known),
            "worse": sum(change < -SAME_SCORE for change in known),
            "only_one": len(changes) - len(known),
        }


def compare(first: Contents, second: Contents) -> Comparison:
    """Return the comparison of two runs, both scored under the first one's profile.

    A route's repetitions are paired in the order of their numbers. Raises InputError when no route was driven to a result
    in both.
    """
    profiles = {entry.result.profile for entry in first.scored}
    if not profiles:
        raise InputError(f"{first.run.path} holds no episode that counts; there is nothing to compare")
    profile = scoring_profile(sorted(profiles)[0])
    pairs = tuple(_scored_pair(first, second, profile, i, j) for i, j in _paired(first.entries, second.entries))
    both = [
        (first.entries[pair.first], second.entries[pair.second], pair)
        for pair in pairs
        if pair.change is not None and pair.first is not None and pair.second is not None
    ]
    if not both:
        raise InputError(f"{first.run.path} and {second.run.path} have no route in common that both drove to a result")

    def difference(
        label: str, unit: str, value: Callable[[Entry], float], *, more_is_better: bool = True
    ) -> Difference:
        return _difference(label, unit, [(a, value(a), value(b)) for a, b, _ in both], first.seed, more_is_better)

    scores = [(a, pair.score_first or 0.0, pair.score_second or 0.0) for a, _, pair in both]
    return Comparison(
        profile=profile.name,
        pairs=pairs,
        differences=(
            _difference("driving score", "", scores, first.seed, True),
            difference("success rate", " %", lambda entry: 100.0 * entry.success),
            difference("route completion", " %", lambda entry: entry.result.route_completion_percent),
            difference("collisions per episode", "", lambda e: e.result.collisions_total, more_is_better=False),
            difference("infractions per episode", "", lambda e: e.result.infractions_total, more_is_better=False),
            difference("time per episode", " s", lambda e: e.result.duration_s, more_is_better=False),
        ),
        types=tuple(_types(both)),
    )


def _paired(first: Sequence[Entry], second: Sequence[Entry]) -> list[tuple[int | None, int | None]]:
    """Indices of the same drive of the same route in both runs, the first one's order first."""
    by_route: tuple[dict[tuple[str, str], list[int]], dict[tuple[str, str], list[int]]] = ({}, {})
    for entries, routes in zip((first, second), by_route, strict=True):
        order = sorted(range(len(entries)), key=lambda k: (entries[k].repetition, entries[k].result.identity.seed))
        for k in order:
            identity = entries[k].result.identity
            routes.setdefault((identity.town, identity.route_id), []).append(k)
    pairs: list[tuple[int | None, int | None]] = []
    for route in dict.fromkeys([*by_route[0], *by_route[1]]):
        left, right = by_route[0].get(route, []), by_route[1].get(route, [])
        for number in range(max(len(left), len(right))):
            pairs.append((left[number] if number < len(left) else None, right[number] if number < len(right) else None))
    return sorted(pairs, key=lambda pair: (pair[0] is None, pair[0] if pair[0] is not None else pair[1] or 0))


def _scored_pair(first: Contents, second: Contents, profile: ScoringProfile, i: int | None, j: int | None) -> Pair:
    return Pair(i, j, _score(first, profile, i), _score(second, profile, j))


def _score(contents: Contents, profile: ScoringProfile, index: int | None) -> float | None:
    entry = contents.entries[index] if index is not None else None
    return rescored_score(entry, profile) if entry is not None and entry.is_scored else None


def _difference(
    label: str, unit: str, values: Sequence[tuple[Entry, float, float]], seed: int, more_is_better: bool
) -> Difference:
    """One figure from (entry of the first run, its value, the second run's value)."""
    by_route: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for entry, a, b in values:
        identity = entry.result.identity
        firsts, seconds = by_route.setdefault((identity.town, identity.route_id), ([], []))
        firsts.append(a)
        seconds.append(b)
    changes = [[b - a for a, b in zip(*route, strict=True)] for route in by_route.values()]
    change = bootstrap_mean(changes, rng=np.random.default_rng(seed))
    means = [float(np.mean([np.mean(route[k]) for route in by_route.values()])) for k in (0, 1)]
    return Difference(label, unit, means[0], means[1], change, more_is_better)


def _types(both: Sequence[tuple[Entry, Entry, Pair]]) -> list[TypeChange]:
    by_type: dict[str, list[tuple[Entry, Entry, Pair]]] = {}
    for pair in both:
        if pair[0].scenario_type:
            by_type.setdefault(pair[0].scenario_type, []).append(pair)
    return [
        TypeChange(
            name,
            len(members),
            sum(a.success for a, _, _ in members),
            sum(b.success for _, b, _ in members),
            sum(pair.change or 0.0 for _, _, pair in members) / len(members),
        )
        for name, members in sorted(by_type.items())
    ]
