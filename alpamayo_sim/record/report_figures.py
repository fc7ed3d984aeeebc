"""The figures of a run's report: scores with intervals under every profile, abilities, scenario types, infractions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from alpamayo_sim.metrics.bootstrap import Interval, bootstrap_mean
from alpamayo_sim.metrics.infraction import InfractionKind
from alpamayo_sim.metrics.profile import PROFILES, ScoringProfile
from alpamayo_sim.metrics.results import bench2drive
from alpamayo_sim.metrics.results.rescore import rescore
from alpamayo_sim.metrics.results.schema import RouteRecord
from alpamayo_sim.record.report_contents import Contents, Entry

SCENARIO_PHASES = ("planned", "triggered", "finished", "timed_out", "not_triggered", "skipped")


@dataclass(frozen=True)
class ProfileRow:
    """A run under one scoring profile."""

    name: str
    is_own: bool
    """Whether the run was judged by this profile while it was driven."""
    driving_score: Interval
    success_percent: Interval
    penalty: float


@dataclass(frozen=True)
class Ability:
    """One of Bench2Drive's abilities."""

    name: str
    percent: float | None
    routes: int


@dataclass(frozen=True)
class TypeRow:
    """Routes of one scenario type."""

    name: str
    abilities: tuple[str, ...]
    episodes: int
    passed: int
    driving_score: float
    infractions: int


@dataclass(frozen=True)
class KindRow:
    """Infractions of one kind."""

    kind: str
    count: int
    episodes: int
    per_km: float | None


def interval(entries: Sequence[Entry], value: Callable[[Entry], float], seed: int) -> Interval | None:
    """Return the mean over routes of a value of scored episodes with its 95 % interval; None without any."""
    by_route: dict[tuple[str, str], list[float]] = {}
    for entry in entries:
        identity = entry.result.identity
        by_route.setdefault((identity.town, identity.route_id), []).append(value(entry))
    if not by_route:
        return None
    return bootstrap_mean(list(by_route.values()), rng=np.random.default_rng(seed))


def rescored(entry: Entry, profile: ScoringProfile) -> RouteRecord:
    """Return the record of a scored episode under a profile."""
    assert entry.record is not None
    return rescore(entry.record, profile)


def rescored_score(entry: Entry, profile: ScoringProfile) -> float:
    """Return an episode's driving score under a profile; 0 for an invalid route."""
    return rescored(entry, profile).scores.score_composed if entry.is_valid else 0.0


def profile_rows(contents: Contents) -> list[ProfileRow]:
    """Return the run under every profile, computed again from the infractions; empty without a scored episode."""
    scored = contents.scored
    own = {entry.result.profile for entry in scored}
    rows: list[ProfileRow] = []
    for profile in PROFILES.values() if scored else ():
        records = [rescored(entry, profile) for entry in scored]
        by_entry = dict(zip(map(id, scored), records, strict=True))

        def score(entry: Entry, by_entry: Mapping[int, RouteRecord] = by_entry) -> float:
            return by_entry[id(entry)].scores.score_composed if entry.is_valid else 0.0

        def success(entry: Entry, by_entry: Mapping[int, RouteRecord] = by_entry) -> float:
            return 100.0 * (entry.is_valid and bench2drive.is_success(by_entry[id(entry)]))

        scores = interval(scored, score, contents.seed)
        successes = interval(scored, success, contents.seed)
        assert scores is not None and successes is not None
        penalty = sum(record.scores.score_penalty for record in records) / len(records)
        rows.append(ProfileRow(profile.name, profile.name in own, scores, successes, penalty))
    return rows


def efficiency(contents: Contents) -> float | None:
    """Return Bench2Drive's driving efficiency in percent; None where no route was judged for it."""
    return bench2drive.efficiency(
        [entry.record for entry in contents.scored if entry.record is not None and entry.is_valid]
    )


def abilities(contents: Contents) -> list[Ability]:
    """Return the five abilities, empty where no route tests one; invalid routes are not passed and count."""
    scored = [entry for entry in contents.scored if entry.scenario_types]
    valid = [entry for entry in scored if entry.is_valid]
    types: dict[str, str] = {}
    passed_percent: dict[str, float] = {}
    records: list[RouteRecord] = []
    for entry in valid:
        assert entry.record is not None
        key = bench2drive.route_key(entry.record)
        records.append(entry.record)
        types[key] = entry.scenario_type
        percent = entry.details.get("first_junction_passed_percent")
        if percent is not None:
            passed_percent[key] = float(percent)
    scores = bench2drive.abilities(records, types, passed_percent)
    rows: list[Ability] = []
    for name, kinds in bench2drive.ABILITIES.items():
        invalid = sum(not entry.is_valid and entry.scenario_type in kinds for entry in scored)
        total = scores.routes[name] + invalid
        share = scores.shares[name]
        passed = 0.0 if share is None else share * scores.routes[name]
        rows.append(Ability(name, 100.0 * passed / total if total else None, total))
    return rows if any(row.routes for row in rows) else []


def type_rows(contents: Contents) -> list[TypeRow]:
    """Return the figures of every scenario type, by name."""
    by_type: dict[str, list[Entry]] = {}
    for entry in contents.scored:
        if entry.scenario_types:
            by_type.setdefault(entry.scenario_type, []).append(entry)
    return [
        TypeRow(
            name=name,
            abilities=tuple(ability for ability, types in bench2drive.ABILITIES.items() if name in types),
            episodes=len(members),
            passed=sum(entry.success for entry in members),
            driving_score=sum(entry.driving_score for entry in members) / len(members),
            infractions=sum(entry.result.infractions_total for entry in members),
        )
        for name, members in sorted(by_type.items())
    ]


def kind_rows(contents: Contents) -> list[KindRow]:
    """Return the kinds of infraction that occurred, the most frequent first; minimum speed counts only where it is slow."""
    scored = contents.scored
    driven_km = sum(entry.result.distance_m for entry in scored) / 1000.0
    rows: list[KindRow] = []
    for kind in InfractionKind:
        counts = [
            sum(i.kind is kind and is_offence(i.kind, i.percentage) for i in e.result.infractions) for e in scored
        ]
        if any(counts):
            per_km = sum(counts) / driven_km if driven_km > 0.0 else None
            rows.append(KindRow(kind.value, sum(counts), sum(map(bool, counts)), per_km))
    return sorted(rows, key=lambda row: -row.count)


def is_offence(kind: InfractionKind, percentage: float) -> bool:
    """Whether an entry of the list is one: Bench2Drive also lists stretches that were driven fast enough."""
    return kind is not InfractionKind.MIN_SPEED or percentage < 100.0


def scenario_counts(entries: Iterable[Entry]) -> dict[str, int]:
    """Return how many scenarios reached each phase; empty for routes without scenarios."""
    listed = list(entries)
    counts = {
        phase: int(sum(entry.result.values.get(f"scenarios_{phase}_total", 0.0) for entry in listed))
        for phase in SCENARIO_PHASES
    }
    return counts if any(counts.values()) else {}


def plain_rows(value: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, text) rows."""
    rows: list[tuple[str, str]] = []
    for name, item in value.items():
        if isinstance(item, Mapping):
            rows.extend(plain_rows(item, f"{prefix}{name}."))
        else:
            text = ", ".join(str(part) for part in item) if isinstance(item, (list, tuple)) else str(item)
            rows.append((f"{prefix}{name}", text))
    return rows
