"""The leaderboard's result file as validated models: what is read from anybody's file, and what is written.

Field order is the order of the leaderboard's own files. Unknown keys of a record (tools add some) are kept.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from alpamayo_sim.metrics.results import vocabulary as words

_Finite = Annotated[float, Field(allow_inf_nan=False)]
_NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
_Messages = Annotated[list[Annotated[str, Field(max_length=10_000)]], Field(max_length=100_000)]

_FULL = 100.0 + 1e-6
"""100 percent, as sums of rounded shares may come out."""


class RouteScores(BaseModel):
    """The three scores of one route."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    score_route: Annotated[float, Field(ge=0.0, le=_FULL, allow_inf_nan=False)]
    """Route completion, percent."""
    score_penalty: Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
    score_composed: Annotated[float, Field(ge=0.0, le=_FULL, allow_inf_nan=False)]
    """Driving score."""


class RouteMeta(BaseModel):
    """Length and durations of one route."""

    model_config = ConfigDict(frozen=True, extra="allow")

    route_length: _NotNegative = 0.0
    """Metres."""
    duration_game: _Finite = 0.0
    """Simulation seconds; -1 where the evaluator did not know."""
    duration_system: _Finite = 0.0
    """Wall-clock seconds."""


class RouteRecord(BaseModel):
    """What became of one route."""

    model_config = ConfigDict(frozen=True, extra="allow")

    index: int | None = None
    """Position in the run; missing in Bench2Drive's merged files."""
    route_id: Annotated[str, Field(min_length=1, max_length=1000)]
    """`RouteScenario_<id>_rep<k>`."""
    scenario_name: str | None = None
    """Bench2Drive only, as are the next three."""
    weather_id: Any = None
    """None, which is written too, for a weather that is not in Bench2Drive's list."""
    save_name: str | None = None
    town_name: str | None = None
    status: str
    num_infractions: int | None = None
    """Missing in leaderboard 1.0."""
    infractions: dict[str, _Messages]
    scores: RouteScores
    meta: RouteMeta = RouteMeta()

    @field_validator("status")
    @classmethod
    def _known_status(cls, status: str) -> str:
        if status not in words.STATUSES and not status.startswith(words.FAILED):
            raise ValueError(f"unknown status {status!r}; the leaderboard writes {', '.join(sorted(words.STATUSES))}")
        return status

    @field_validator("infractions")
    @classmethod
    def _known_lists(cls, infractions: dict[str, list[str]]) -> dict[str, list[str]]:
        unknown = sorted(infractions.keys() - words.LISTS_2.keys())
        if unknown:
            raise ValueError(f"unknown infraction lists {unknown}; the leaderboard's are {', '.join(words.LISTS_2)}")
        missing = sorted(set(words.LISTS_1) - infractions.keys())
        if missing:
            raise ValueError(f"missing infraction lists {missing}")
        return infractions

    @property
    def completed(self) -> bool:
        """Whether the end of the route was reached."""
        return self.status in (words.COMPLETED, words.PERFECT)

    def to_json(self, *, is_version_1: bool = False) -> dict[str, Any]:
        """Return the record as the leaderboard's file has it, without the fields that the version does not know."""
        plain = self.model_dump(mode="json")
        optional = {"index", "scenario_name", "weather_id", "save_name", "town_name", "num_infractions"}
        if self.scenario_name is not None:
            optional.remove("weather_id")
        plain = {key: value for key, value in plain.items() if not (key in optional and value is None)}
        if is_version_1:
            plain.pop("num_infractions", None)
        return plain


class Checkpoint(BaseModel):
    """The part of a result file that a run resumes from."""

    model_config = ConfigDict(frozen=True, extra="allow")

    global_record: dict[str, Any] = {}
    progress: list[int] = []
    records: Annotated[list[RouteRecord], Field(max_length=100_000)]

    @field_validator("progress")
    @classmethod
    def _pair(cls, progress: list[int]) -> list[int]:
        if progress and (len(progress) != 2 or min(progress) < 0):
            raise ValueError(f"expected [done, total]; found {progress}")
        return progress


class ResultFile(BaseModel):
    """A whole result file of the leaderboard 1.0 or 2.x, of Bench2Drive, or Bench2Drive's merged one."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)

    checkpoint: Checkpoint = Field(validation_alias="_checkpoint")
    entry_status: str = ""
    eligible: bool | str = False
    sensors: list[str] = []
    values: list[str] = []
    labels: list[str] = []

    @property
    def records(self) -> list[RouteRecord]:
        """The records of the routes, those still in progress left out."""
        return [record for record in self.checkpoint.records if record.status != words.STARTED]

    @property
    def total_routes(self) -> int:
        """How many routes the run was to have; the number of records where the file does not say."""
        progress = self.checkpoint.progress
        return max(progress[1] if progress else 0, len(self.records))
