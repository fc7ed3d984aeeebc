"""Labels of driving with chains of causation: a decision, what it was made for with evidence, and a trace in words."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alpamayo_sim.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

LONGITUDINAL_DECISIONS = (
    "set_speed_tracking",
    "lead_obstacle_following",
    "speed_adaptation",
    "gap_searching",
    "acceleration_for_passing",
    "yield",
    "stop_for_static_constraint",
)
"""The closed set of Alpamayo's paper (arXiv 2511.00088), Table 1; "none" besides."""
LATERAL_DECISIONS = (
    "lane_keeping",
    "merge_split",
    "out_of_lane_nudge",
    "in_lane_nudge",
    "lane_change",
    "pull_over",
    "turn",
    "lateral_maneuver_abort",
)
NO_DECISION = "none"
COMPONENT_KINDS = (
    "critical_object",
    "traffic_light",
    "yield_stop_control",
    "road_event",
    "lane",
    "routing_intent",
    "odd_constraint",
)
"""Table 2 of the paper."""
REACTIVE_SCENARIOS = (
    "slow_for_lead",
    "stop_for_lead",
    "stop_for_control",
    "resume_at_control",
    "lane_change",
    "yield_to_vulnerable",
    "cut_in",
    "speed_bump",
    "nudge",
    "bypass_construction",
    "risky_driving",
)
"""Table 3 of the paper: what the ego reacts to; a control is a traffic light or a sign."""
PROACTIVE_SCENARIOS = (
    "curvy_road",
    "lane_change_preparation",
    "nudge_preparation",
    "passing_intersection",
    "no_yield_to_vulnerable",
)
OTHER_SCENARIO = "other"
KINDS = ("reactive", "proactive")
VERDICTS = ("", "verified", "refuted", "untestable")
HISTORY_FRAMES, FUTURE_FRAMES = 20, 60
"""2 s before the keyframe and 6 s after it, at 10 Hz."""
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Segment:
    """A stretch of driving under one meta-action."""

    action: str
    begin_frame: int
    """The episode's first frame under it."""
    end_frame: int
    """The first frame that is not."""


@dataclass(frozen=True)
class Component:
    """Something that the decision depends on, or that matters without being its cause."""

    kind: str
    """One of COMPONENT_KINDS."""
    name: str
    """As the trace names it: "lead vehicle", "red traffic light", "right curve"."""
    actor_id: int = 0
    """CARLA's id in the recorded episode; 0 for what is no actor. A replay may give other ids."""
    evidence: str = ""
    """What shows it, as a sentence."""
    figures: dict[str, float] = field(default_factory=dict[str, float])
    """What shows it, as numbers; units in the names."""
    frame_index: int = -1
    """The frame of the evidence, no later than the keyframe and at most 2 s before it."""
    visible_px: int = 0
    """Pixels of it in the camera that shows it best around that frame; 0 for what is no object."""
    is_cause: bool = True
    """False for what is mentioned or seen but did not make the decision."""


@dataclass(frozen=True)
class FilterResult:
    """What one rule says of a trace."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class CriticGrades:
    """What a critic says of a trace, 0 (wrong) to 5 (right)."""

    behaviour_consistency: float
    causal_quality: float
    critic: str
    """Its name and version."""
    remarks: str = ""


@dataclass(frozen=True)
class CocLabel:
    """The reasoning for one keyframe of one episode."""

    episode_index: int
    frame_index: int
    """The keyframe: about 0.5 s before the ego acts (reactive), or the middle of the range (proactive)."""
    kind: str
    """One of KINDS."""
    scenario: str
    """One of REACTIVE_SCENARIOS, PROACTIVE_SCENARIOS or OTHER_SCENARIO."""
    longitudinal: str
    """One of LONGITUDINAL_DECISIONS or NO_DECISION."""
    lateral: str
    """One of LATERAL_DECISIONS or NO_DECISION."""
    trace: str
    """One or two sentences; "" where the teacher failed."""
    components: tuple[Component, ...] = ()
    meta_longitudinal: tuple[Segment, ...] = ()
    """Of the 2 s before and the 6 s after the keyframe, cut to them."""
    meta_lateral: tuple[Segment, ...] = ()
    meta_lane: tuple[Segment, ...] = ()
    """By the lane layer; empty where the lanes are not known."""
    range_begin_frame: int = -1
    """Of a proactive keyframe: the first frame that the trace holds for; the keyframe itself for reactive ones."""
    range_end_frame: int = -1
    """The first frame after the range."""
    teacher: str = ""
    teacher_version: str = ""
    filters: tuple[FilterResult, ...] = ()
    critic: CriticGrades | None = None
    verdict: str = ""
    """One of VERDICTS, by counterfactual replay; "" before it."""
    verdict_detail: str = ""
    drop_reason: str = ""
    """Why the label is not to be trained on; "" if it is."""

    @property
    def causes(self) -> tuple[Component, ...]:
        """What the decision is said to be made for."""
        return tuple(component for component in self.components if component.is_cause)


def labels_path(dataset: Path, version: str) -> Path:
    """Return where a dataset's labels of a version lie."""
    return dataset / "labels" / "coc" / f"{version}.parquet"


def write_labels(path: Path, labels: Iterable[CocLabel], metadata: dict[str, str] | None = None) -> None:
    """Write labels, sorted by episode and frame, as one parquet file, which comes to its place complete or not at all.

    `metadata` goes into the file's schema. Errors: InputError if pyarrow is not installed.
    """
    parquet = _parquet()
    rows = [_row(label) for label in sorted(labels, key=lambda label: (label.episode_index, label.frame_index))]
    about = {"alpamayo_coc_format": str(FORMAT_VERSION), **(metadata or {})}
    import pyarrow as pa

    table = pa.Table.from_pylist(rows, schema=_schema().with_metadata(about))
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + f".{os.getpid()}.part")
    parquet.write_table(table, part, compression="zstd")
    part.replace(path)


def read_labels(path: Path) -> tuple[CocLabel, ...]:
    """Return the labels of a file.

    Errors: InputError if it is not there, not of this format, or pyarrow is not installed.
    """
    parquet = _parquet()
    if not path.is_file():
        raise InputError(f"no labels at {path}; make them with `alpamayo label`")
    table = parquet.read_table(path)
    found = (table.schema.metadata or {}).get(b"alpamayo_coc_format", b"none").decode()
    if found != str(FORMAT_VERSION):
        raise InputError(
            f"expected labels of format {FORMAT_VERSION} in {path}; found {found}; label the dataset again"
        )
    return tuple(_label(row) for row in table.to_pylist())


def read_metadata(path: Path) -> dict[str, str]:
    """Return what was written beside the labels of a file."""
    schema = _parquet().read_schema(path)
    return {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}


def _parquet() -> Any:
    try:
        import pyarrow.parquet as parquet
    except ImportError as error:
        raise InputError("labels are parquet files; install pyarrow: pip install 'alpamayo-sim[train]'") from error
    return parquet


def _schema() -> pa.Schema:
    import pyarrow as pa

    segments = pa.list_(pa.struct([("action", pa.string()), ("begin_frame", pa.int32()), ("end_frame", pa.int32())]))
    component = pa.struct(
        [
            ("kind", pa.string()),
            ("name", pa.string()),
            ("actor_id", pa.int64()),
            ("evidence", pa.string()),
            ("figures", pa.string()),
            ("frame_index", pa.int32()),
            ("visible_px", pa.int32()),
            ("is_cause", pa.bool_()),
        ]
    )
    result = pa.struct([("name", pa.string()), ("passed", pa.bool_()), ("detail", pa.string())])
    critic = pa.struct(
        [
            ("behaviour_consistency", pa.float64()),
            ("causal_quality", pa.float64()),
            ("critic", pa.string()),
            ("remarks", pa.string()),
        ]
    )
    columns: list[tuple[str, Any]] = [
        ("episode_index", pa.int32()),
        ("frame_index", pa.int32()),
        ("kind", pa.string()),
        ("scenario", pa.string()),
        ("longitudinal", pa.string()),
        ("lateral", pa.string()),
        ("trace", pa.string()),
        ("components", pa.list_(component)),
        ("meta_longitudinal", segments),
        ("meta_lateral", segments),
        ("meta_lane", segments),
        ("range_begin_frame", pa.int32()),
        ("range_end_frame", pa.int32()),
        ("teacher", pa.string()),
        ("teacher_version", pa.string()),
        ("filters", pa.list_(result)),
        ("critic", critic),
        ("verdict", pa.string()),
        ("verdict_detail", pa.string()),
        ("drop_reason", pa.string()),
    ]
    return pa.schema(columns)


def _row(label: CocLabel) -> dict[str, Any]:
    row = asdict(label)
    row["components"] = [{**one, "figures": json.dumps(one["figures"], sort_keys=True)} for one in row["components"]]
    return row


def _label(row: dict[str, Any]) -> CocLabel:
    parts: dict[str, Any] = {
        "components": tuple(Component(**{**one, "figures": json.loads(one["figures"])}) for one in row["components"]),
        "meta_longitudinal": tuple(Segment(**one) for one in row["meta_longitudinal"]),
        "meta_lateral": tuple(Segment(**one) for one in row["meta_lateral"]),
        "meta_lane": tuple(Segment(**one) for one in row["meta_lane"]),
        "filters": tuple(FilterResult(**one) for one in row["filters"]),
        "critic": None if row["critic"] is None else CriticGrades(**row["critic"]),
    }
    return CocLabel(**{**row, **parts})
