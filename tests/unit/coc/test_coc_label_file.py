"""Labels on disk: complete, versioned, atomic."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpamayo_sim.errors import InputError
from alpamayo_training.coc.label import (
    CocLabel,
    Component,
    CriticGrades,
    FilterResult,
    Segment,
    labels_path,
    read_labels,
    read_metadata,
    write_labels,
)
from alpamayo_training.coc.yield_report import as_html, as_text, write_yield, yield_of

FULL = CocLabel(
    episode_index=3,
    frame_index=41,
    kind="reactive",
    scenario="slow_for_lead",
    longitudinal="lead_obstacle_following",
    lateral="lane_keeping",
    trace="Slow down because the lead vehicle is braking.",
    components=(
        Component("critical_object", "lead vehicle", 95, "braking at 12 m.", {"gap_m": 12.25}, 40, 812),
        Component("traffic_light", "red traffic light", 20, frame_index=41, visible_px=33, is_cause=False),
    ),
    meta_longitudinal=(Segment("maintain_speed", 21, 46), Segment("strong_decelerate", 46, 101)),
    meta_lateral=(Segment("go_straight", 21, 101),),
    meta_lane=(Segment("keep_lane", 21, 101),),
    range_begin_frame=41,
    range_end_frame=42,
    teacher="rules",
    teacher_version="1",
    filters=(FilterResult("longitudinal", True), FilterResult("things", False, "no pedestrian")),
    critic=CriticGrades(4.5, 3.1, "rules 1", "a remark"),
    verdict="verified",
    verdict_detail="stops 4 m later",
    drop_reason="filter_things",
)
PLAIN = CocLabel(0, 25, "proactive", "curvy_road", "none", "none", "Keep the lane.")


def test_labels_come_back_as_they_were_in_order(tmp_path: Path) -> None:
    path = labels_path(tmp_path, "first")
    write_labels(path, [FULL, PLAIN], {"teacher": "rules 1"})
    assert read_labels(path) == (PLAIN, FULL)
    assert read_metadata(path)["teacher"] == "rules 1"
    assert [component.name for component in read_labels(path)[1].causes] == ["lead vehicle"]
    assert [file.name for file in path.parent.iterdir()] == ["first.parquet"]


def test_no_labels_is_a_version_too(tmp_path: Path) -> None:
    write_labels(tmp_path / "none.parquet", [])
    assert read_labels(tmp_path / "none.parquet") == ()


def test_what_is_no_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="alpamayo label"):
        read_labels(tmp_path / "absent.parquet")
    import pyarrow as pa
    import pyarrow.parquet as parquet

    parquet.write_table(pa.table({"a": [1]}), tmp_path / "other.parquet")
    with pytest.raises(InputError, match="format 1"):
        read_labels(tmp_path / "other.parquet")


def test_the_yield_is_counted_by_reason(tmp_path: Path) -> None:
    figures = yield_of([FULL, PLAIN, PLAIN])
    assert figures["by_reason"] == {"kept": 2, "filter_things": 1}
    assert figures["failed_rules"] == {"things": 1}
    assert figures["by_scenario"]["slow_for_lead"] == {"labels": 1, "kept": 0}
    assert figures["verdicts"] == {"not tested": 2, "verified": 1}
    assert "| filter_things | 1 | 33.3 % |" in as_text(figures)
    assert "filter_things" in as_html(figures)
    write_yield(tmp_path, "first", [FULL])
    assert {file.name for file in tmp_path.iterdir()} == {"first.yield.json", "first.yield.md"}
