"""The leaderboard's result file: written, read back, and refused when it is broken."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from result_records import scored_record

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.profile import scoring_profile
from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.aggregate import result_file
from alpamayo_sim.metrics.results.file import read_result_file, result_files_in, result_text, write_result_file
from alpamayo_sim.metrics.results.schema import ResultFile
from alpamayo_training.cli import main


def two_routes(profile: str, total: int | None = None) -> ResultFile:
    records = [
        scored_record(profile, {"red_light": ["ran"]}, number=0),
        scored_record(
            profile, {"outside_route_lanes": [words.outside_lanes_message(20.0, 4.0)]}, number=1, completion=50
        ),
    ]
    return result_file(records, scoring_profile(profile), total_routes=total, sensors=["carla_camera"])


def test_version_2_has_the_leaderboards_keys_in_its_order() -> None:
    plain = json.loads(result_text(two_routes("leaderboard-2.1")))
    assert list(plain) == ["_checkpoint", "entry_status", "eligible", "sensors", "values", "labels"]
    assert list(plain["_checkpoint"]) == ["global_record", "progress", "records"]
    record = plain["_checkpoint"]["records"][0]
    assert list(record) == ["index", "route_id", "status", "num_infractions", "infractions", "scores", "meta"]
    assert list(record["infractions"]) == list(words.LISTS_2)
    assert len(plain["values"]) == len(plain["labels"]) == 15
    whole = plain["_checkpoint"]["global_record"]
    assert list(whole) == [
        "index", "route_id", "status", "infractions", "scores_mean", "scores_std_dev", "meta",
    ]  # fmt: skip
    assert whole["status"] == "Failed"
    assert whole["meta"]["exceptions"] == [["RouteScenario_1_rep0", 1, "Failed - Agent timed out"]]
    assert whole["scores_mean"]["score_composed"] == pytest.approx((100 / 1.4 + 48.0) / 2, abs=1e-6)
    assert whole["infractions"]["outside_route_lanes"] == 0.02
    assert whole["infractions"]["red_light"] == round(1 / (1.0 + 0.505), 3)
    assert (plain["entry_status"], plain["eligible"]) == ("Finished", True)


def test_version_1_has_its_own_schema() -> None:
    plain = json.loads(result_text(two_routes("leaderboard-1.0")))
    assert len(plain["values"]) == len(plain["labels"]) == 12
    whole = plain["_checkpoint"]["global_record"]
    assert whole["scores"]["score_composed"] == pytest.approx((70.0 + 48.0) / 2)
    assert whole["infractions"]["outside_route_lanes"] == pytest.approx(1 / 0.505)
    assert "num_infractions" not in plain["_checkpoint"]["records"][0]
    assert plain["entry_status"] == "Finished with agent errors"


def test_missing_routes_count_zero() -> None:
    file = two_routes("leaderboard-2.0", total=4)
    assert file.checkpoint.global_record["scores_mean"]["score_composed"] == pytest.approx((70.0 + 48.0) / 4)
    assert (file.entry_status, file.eligible, file.checkpoint.progress) == ("Invalid", False, [2, 4])


@pytest.mark.parametrize("profile", ["leaderboard-1.0", "leaderboard-2.0", "leaderboard-2.1", "bench2drive"])
def test_what_was_written_is_read_back(profile: str, tmp_path: Path) -> None:
    file = two_routes(profile)
    write_result_file(tmp_path / "results.json", file)
    again = read_result_file(tmp_path / "results.json")
    assert again.records == file.records
    assert result_text(again) == (tmp_path / "results.json").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["results.json"]


def test_two_records_of_one_route_are_refused() -> None:
    record = scored_record("leaderboard-2.1")
    with pytest.raises(InputError, match="RouteScenario_0_rep0"):
        result_file([record, record], scoring_profile("leaderboard-2.1"))


def broken(change: str) -> str:
    plain = json.loads(result_text(two_routes("leaderboard-2.1")))
    record = plain["_checkpoint"]["records"][1]
    match change:
        case "cut off":
            return json.dumps(plain)[:-200]
        case "empty":
            return ""
        case "a list":
            return "[1, 2]"
        case "deep":
            return "[" * 100_000
        case "score above 100":
            record["scores"]["score_route"] = 101.0
        case "score NaN":
            record["scores"]["score_penalty"] = math.nan
        case "unknown list":
            record["infractions"]["rudeness"] = []
        case "missing list":
            del record["infractions"]["red_light"]
        case "messages are a number":
            record["infractions"]["red_light"] = 3
        case "unknown status":
            record["status"] = "Great"
        case "no records":
            plain["_checkpoint"]["records"] = []
        case "one route twice":
            record["route_id"] = "RouteScenario_0_rep0"
        case _:
            raise AssertionError(change)
    return json.dumps(plain)


@pytest.mark.parametrize(
    "change",
    [
        "cut off", "empty", "a list", "deep", "score above 100", "score NaN", "unknown list", "missing list",
        "messages are a number", "unknown status", "no records", "one route twice",
    ],
)  # fmt: skip
def test_a_broken_file_ends_the_command_with_2(change: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.json"
    path.write_text(broken(change))
    assert main(["score", str(path)]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ") and "Traceback" not in told.err
    assert "expected" in told.err or "needs" in told.err or "valid" in told.err or "has one record" in told.err


@pytest.mark.parametrize("arguments", [["nowhere.json"], ["x.json", "--profile", "leaderboard-9"], ["x", "--out", "y"]])
def test_wrong_arguments_end_the_command_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", *arguments]) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_folder_of_parts_is_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = scoring_profile("bench2drive")
    for number in range(3):
        record = scored_record("bench2drive", {"stop_infraction": ["ran"] * number}, number=number)
        write_result_file(tmp_path / f"part_{number}.json", result_file([record], profile))
    (tmp_path / "merged.json").write_text("{}")
    assert len(result_files_in(tmp_path)) == 3
    out = tmp_path / "all" / ".." / "merged_all.json"
    (tmp_path / "all").mkdir()
    assert main(["score", str(tmp_path), "--profile", "bench2drive", "--out", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)["bench2drive"]
    assert told["driving_score"] == pytest.approx((100 + 80 + 64) / 3, abs=1e-5)
    assert told["success_rate_percent"] == pytest.approx(100 / 3)
    assert told["driving_score_low"] <= told["driving_score"] <= told["driving_score_high"]
    assert len(read_result_file(out).records) == 3
