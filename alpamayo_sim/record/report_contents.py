"""What the report knows of a run: its episodes with their records, what was planned, and what infrastructure took away."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_result import EpisodeResult
from alpamayo_sim.metrics.results.from_episode import record_ids, route_record
from alpamayo_sim.metrics.results.schema import RouteRecord
from alpamayo_sim.record.episode_recorder import result_from_json
from alpamayo_sim.record.run_folder import RunFolder, read_json_lines

BENCH_RESULTS = "results.json"
BENCH_FAILURES = "infrastructure.jsonl"


@dataclass(frozen=True)
class Entry:
    """One episode of a run."""

    result: EpisodeResult
    record: RouteRecord | None
    """The episode in the leaderboard's words; None for one that infrastructure ended."""
    scenario_types: tuple[str, ...]
    """Types of the route's scenarios; the first one names the route in Bench2Drive's figures."""
    repetition: int
    is_valid: bool
    """False for a route that was completed although its scenario never happened: it is not passed and scores 0."""
    details: Mapping[str, Any]
    """What the episode's own description says beside its identity."""

    @property
    def scenario_type(self) -> str:
        """The scenario type that names the route; empty for a route without one."""
        return self.scenario_types[0] if self.scenario_types else ""

    @property
    def is_scored(self) -> bool:
        """Whether the episode counts."""
        return self.record is not None

    @property
    def success(self) -> bool:
        """Whether the route was passed."""
        return self.is_valid and self.is_scored and self.result.success

    @property
    def driving_score(self) -> float:
        """The driving score; 0 for an invalid route."""
        return self.result.driving_score if self.is_valid else 0.0

    @property
    def verdict(self) -> str:
        """`passed`, `flawed` (completed with infractions), `failed`, `invalid`, or `lost` to infrastructure."""
        if not self.is_scored:
            return "lost"
        if not self.is_valid:
            return "invalid"
        if self.result.success:
            return "passed"
        return "flawed" if self.result.outcome == "completed" and self.result.status == "ok" else "failed"


@dataclass(frozen=True)
class LostEpisode:
    """An attempt that infrastructure ended; it never counts."""

    episode_id: str
    kind: str
    reason: str
    retried: bool


@dataclass(frozen=True)
class Contents:
    """Everything of a run that the report shows, but for the courses of its episodes."""

    run: RunFolder
    entries: tuple[Entry, ...]
    lost: tuple[LostEpisode, ...]
    skipped: tuple[tuple[str, str, str], ...]
    """Routes of the suite that were not to be driven: id, town, reason."""
    settings: Mapping[str, Any]
    """Settings of a benchmark run; empty for others."""
    planned_total: int
    """Episodes that the run was to have."""

    @property
    def scored(self) -> list[Entry]:
        """The episodes that count."""
        return [entry for entry in self.entries if entry.is_scored]

    @property
    def seed(self) -> int:
        """Seed of the run's intervals: the benchmark's, else 0."""
        return int(self.settings.get("seed", 0))


def read_contents(run: RunFolder) -> Contents:
    """Return what a run folder holds, in the order of the benchmark's plan, else of the episodes' names.

    Raises InputError where a file of it is missing or is not what the program writes.
    """
    try:
        return _contents(run)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{run.path} cannot be shown: a file of it is missing or is not as this program writes it "
            f"({type(error).__name__}: {error})"
        ) from error


def _contents(run: RunFolder) -> Contents:
    bench = _bench_results(run)
    rows: dict[str, Mapping[str, Any]] = {row["task_id"]: row for row in bench.get("routes", ())}
    ids = run.complete_episodes()
    ordered = [i for i in rows if i in set(ids)] + [i for i in ids if i not in rows]
    drafts = [_read(run, episode_id, rows.get(episode_id, {})) for episode_id in ordered]
    valid = [result for result, _, is_valid in drafts if result.is_scored and is_valid]
    invalid = [result for result, _, is_valid in drafts if result.is_scored and not is_valid]
    named = {
        id(result): name for group in (valid, invalid) for result, name in zip(group, record_ids(group), strict=True)
    }
    entries: list[Entry] = []
    for result, details, is_valid in drafts:
        row = rows.get(result.identity.episode_id, {})
        record = route_record(result, named[id(result)]) if result.is_scored else None
        entries.append(Entry(result, record, _types(details, row), _repetition(details, row), is_valid, details))
    return Contents(
        run=run,
        entries=tuple(entries),
        lost=tuple(_lost(run)),
        skipped=tuple((s["route_id"], s["town"], s["reason"]) for s in bench.get("skipped", ())),
        settings=bench.get("settings", {}),
        planned_total=max(len(rows), len(entries)),
    )


def read_result(run: RunFolder, episode_id: str) -> EpisodeResult:
    """Return the result of a complete episode."""
    text = (run.episode_folder(episode_id) / "result.json").read_text(encoding="utf-8")
    return result_from_json(json.loads(text))


def _read(run: RunFolder, episode_id: str, row: Mapping[str, Any]) -> tuple[EpisodeResult, dict[str, Any], bool]:
    result = read_result(run, episode_id)
    text = (run.episode_folder(episode_id) / "episode.json").read_text(encoding="utf-8")
    return result, json.loads(text)["details"], not str(row.get("status", "")).startswith("invalid")


def _types(details: Mapping[str, Any], row: Mapping[str, Any]) -> tuple[str, ...]:
    if row:
        return tuple(row["scenario_types"])
    return tuple(name for name in str(details.get("scenarios", "")).split(", ") if name)


def _repetition(details: Mapping[str, Any], row: Mapping[str, Any]) -> int:
    return int(row.get("repetition", details.get("repetition", 0)))


def _bench_results(run: RunFolder) -> dict[str, Any]:
    """What a benchmark has written at its end; empty for other runs and for one that has not come to its end."""
    file = run.path / BENCH_RESULTS
    value = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return value if value.get("format") == "alpamayo-bench" else {}


def _lost(run: RunFolder) -> list[LostEpisode]:
    """Attempts that infrastructure ended: as a benchmark notes them, else as the recorder does."""
    failures = read_json_lines(run.path / BENCH_FAILURES)
    found = [LostEpisode(f["task_id"], f["kind"], f["reason"], not f["given_up"]) for f in failures]
    if found:
        return found
    events = _abandoned(read_json_lines(run.path / "events.jsonl"))
    complete = set(run.complete_episodes())
    return [LostEpisode(e["episode_id"], "abandoned", e["reason"], e["episode_id"] in complete) for e in events]


def _abandoned(events: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [event for event in events if event["event"] == "episode_abandoned"]
