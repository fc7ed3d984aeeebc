"""Verdicts, results on disk, the comparison of two, and the reports."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.conformance.catalogue import CHECKS, FAMILIES
from alpamayo_sim.conformance.check import Check, Measured, Outcome, Verdict, agree, verdict_of
from alpamayo_sim.conformance.diff import differences, notes
from alpamayo_sim.conformance.report import html_report, markdown_report
from alpamayo_sim.conformance.results import ServerIdentity, count_verdicts, read_comparable, results_json
from alpamayo_sim.errors import InputError

IDENTITY = ServerIdentity("embedded", "0.9.16", "0.9.16", "Gridvale", "full")
VALUES = (
    Measured("time", 2.5, "s", 2.45, 0.2),
    Measured("answers <all>", 3, expected=3),
    Measured("text | of it", "a refusal", expected="a refusal"),
    Measured("height", 1.2, "m", diff_tolerance=0.3),
)


def check(name: str) -> Check:
    return Check(f"family.{name}", f"Title of {name}", "It does.", "a source", lambda context: iter(()))


def outcome(name: str, *values: Measured, verdict: Verdict | None = None, reason: str = "") -> Outcome:
    return Outcome(check(name), verdict or verdict_of(values), reason, values, 0.25)


def document(*outcomes: Outcome, complete: bool = True, started: str = "2026-01-01T00:00:00") -> dict[str, Any]:
    return dict(json.loads(results_json(IDENTITY, outcomes, complete=complete, started=started)))


def test_verdicts_follow_the_values() -> None:
    assert verdict_of(VALUES) is Verdict.PASS
    assert verdict_of(VALUES[3:]) is Verdict.INFO
    assert verdict_of((*VALUES, Measured("gear", 2, expected=3))) is Verdict.FAIL
    assert verdict_of((Measured("gear", None, expected=3),)) is Verdict.FAIL
    assert verdict_of((Measured("speed", float("nan"), "m/s", 0.0, 1.0),)) is Verdict.FAIL


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(0.0, 1e3))
def test_agreement_is_symmetric_and_within_the_tolerance(one: float, other: float, tolerance: float) -> None:
    assert agree(one, other, tolerance) == agree(other, one, tolerance)
    assert agree(one, one, 0.0)
    assert agree(one, other, tolerance) or abs(one - other) > tolerance


@pytest.mark.parametrize(("one", "other"), [(True, 1), ("1", 1), (None, 0), (None, ""), (False, None)])
def test_values_of_different_kinds_never_agree(one: Any, other: Any) -> None:
    assert not agree(one, other, 1e9) and not agree(other, one, 1e9)


def test_what_is_no_plain_value_is_refused() -> None:
    with pytest.raises(TypeError, match="listening"):
        Measured("listening", print)  # type: ignore[arg-type]


def test_the_comparable_part_has_no_times_and_is_the_same_again() -> None:
    one = document(outcome("a", *VALUES))
    other = document(outcome("a", *VALUES), started="2027-05-05T05:05:05")
    assert one["comparable"] == other["comparable"] and one["environment"] != other["environment"]
    assert "wall_time_s" not in json.dumps(one["comparable"]) and "2026" not in json.dumps(one["comparable"])
    assert differences(one["comparable"], other["comparable"]) == []


@pytest.mark.parametrize(
    ("name", "value", "differs"),
    [
        ("time", 2.69, False),
        ("time", 2.71, True),
        ("answers <all>", 4, True),
        ("text | of it", "another", True),
        ("height", 1.49, False),
        ("height", 1.51, True),
    ],
)
def test_values_beyond_their_tolerance_differ(name: str, value: Any, differs: bool) -> None:
    one = document(outcome("a", *VALUES))["comparable"]
    other = copy.deepcopy(one)
    for measured in other["checks"][0]["measured"]:
        if measured["name"] == name:
            measured["value"] = value
    found = differences(one, other)
    assert bool(found) is differs
    if differs:
        assert found[0].check_id == "family.a" and name in str(found[0]) and str(value) in str(found[0])


def test_verdicts_missing_checks_and_missing_values_differ() -> None:
    one = document(outcome("a", *VALUES), outcome("b", *VALUES), outcome("c", *VALUES))["comparable"]
    failed = outcome("a", *VALUES, verdict=Verdict.FAIL, reason="it took longer than 60 s")
    other = document(failed, outcome("b", *VALUES[:3]), outcome("d"))["comparable"]
    assert [str(d) for d in differences(one, other)] == [
        "family.a: verdict pass and fail",
        "family.b: height only in the first",
        "family.c: only in the first",
        "family.d: only in the second",
    ]


def test_another_map_is_noted() -> None:
    one = document(outcome("a"))["comparable"]
    assert notes(one, {**one, "map": "Town01"}) == ["map: Gridvale and Town01"]
    assert notes(one, one) == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema": "other/1"}', '{"comparable": {}}'])
def test_files_that_are_no_results_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "conformance.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"conformance\.json"):
        read_comparable(path)


def test_reports_show_everything_and_refer_to_nothing() -> None:
    failed = outcome("b", Measured("gear", 2, expected=3), reason="gear is 2, expected 3")
    skipped = outcome("c", verdict=Verdict.SKIPPED, reason="the town has no traffic lights")
    outcomes = [outcome("a", *VALUES), failed, skipped]
    assert count_verdicts(outcomes) == {"pass": 1, "fail": 1, "skipped": 1, "info": 0}
    html, markdown = (
        html_report(IDENTITY, outcomes, "Not complete"),
        markdown_report(IDENTITY, outcomes, "Not complete"),
    )
    for text in (html, markdown):
        for word in ("Gridvale", "gear is 2, expected 3", "no traffic lights", "not known", "Not complete", "2.45"):
            assert word in text
    assert "answers &lt;all&gt;" in html and "<all>" not in html
    assert "text \\| of it" in markdown
    assert "http" not in html and "src=" not in html and "href" not in html


def test_the_catalogue_is_sound() -> None:
    ids = [entry.id for entry in CHECKS]
    assert len(set(ids)) == len(ids) >= 100
    assert all(entry.title and entry.carla and entry.source for entry in CHECKS)
    assert [family.name for family in FAMILIES] == list(dict.fromkeys(entry.family for entry in CHECKS))
    loads = [entry.loads_world for entry in CHECKS]
    assert loads == sorted(loads), "what loads worlds comes last"
