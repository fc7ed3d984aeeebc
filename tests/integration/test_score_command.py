"""Result files that real drives leave, scored as a user does."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command_line import alpamayo, drive

from alpamayo_scenarios.suite import SUITES
from alpamayo_sim.metrics.results.file import read_result_file


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A drive by an agent that sees neither lights nor others."""
    out = tmp_path_factory.mktemp("runs")
    arguments = (
        "--no-video",
        "--agent",
        "route_follower",
        "--profile",
        "leaderboard-2.0",
        "--min-speed",
        "--seed",
        "3",
    )
    result = drive(out, *arguments)
    assert result.returncode in (0, 1), result.stderr
    return next(out.glob("*-drive"))


def test_a_drive_leaves_a_result_file_that_agrees_with_its_summary(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    file = read_result_file(run / "leaderboard.json")
    (record,) = file.records
    assert record.scores.score_composed == pytest.approx(summary["driving_score"], abs=0.01)
    assert len(record.infractions["min_speed_infractions"]) == summary["min_speed_total"]
    assert record.meta.route_length > 100.0
    assert (record.status in ("Completed", "Perfect")) == (summary["episodes_completed"] == 1)
    (episode,) = json.loads((run / "leaderboard_events.json").read_text())["episodes"]
    assert (episode["record"], episode["server"], episode["agent"]) == (record.route_id, "embedded", "route_follower")
    assert len(record.infractions["red_light"]) == summary["red_light_total"]


def test_the_same_file_under_every_profile(run: Path, tmp_path: Path) -> None:
    result = alpamayo("score", run, "--json")
    assert result.returncode == 0, result.stderr
    figures = json.loads(result.stdout)
    summary = json.loads((run / "summary.json").read_text())
    assert figures["leaderboard-2.0"]["driving_score"] == pytest.approx(summary["driving_score"], abs=0.01)
    assert figures.keys() == {"leaderboard-1.0", "leaderboard-2.0", "leaderboard-2.1", "bench2drive", "drives"}
    (drive_figures,) = figures["drives"].values()
    assert 0.0 <= drive_figures["smoothness_corrected_percent"] <= 100.0
    assert 0.0 <= drive_figures["pdms"] <= 1.0
    assert 0.0 < drive_figures["min_ade_0.5s_m"] < 2.0
    out = tmp_path / "rescored.json"
    assert alpamayo("score", run, "--profile", "leaderboard-2.0", "--out", out).returncode == 0
    assert out.read_text() == (run / "leaderboard.json").read_text()


@pytest.mark.parametrize(("completion_percent", "passes"), [(20.0, 0.0), (90.0, 1.0)])
def test_a_route_that_is_lost_behind_its_junction_has_obeyed_its_signs(
    run: Path, tmp_path: Path, completion_percent: float, passes: float
) -> None:
    """Bench2Drive's rule for Traffic_Signs, which needs the route's town; ours are at hand."""
    routes = ElementTree.parse(SUITES / "abilities.xml").getroot()
    (route_id,) = [r.attrib["id"] for r in routes if r.find("scenarios/scenario[@type='T_Junction']") is not None][:1]
    file = json.loads((run / "leaderboard.json").read_text())
    (record,) = file["_checkpoint"]["records"]
    record["route_id"] = f"RouteScenario_{route_id}_rep0"
    record["status"] = "Failed - Agent got blocked"
    record["infractions"] = {kind: [] for kind in record["infractions"]} | {"vehicle_blocked": ["blocked"]}
    record["scores"]["score_route"] = completion_percent
    (tmp_path / "lost.json").write_text(json.dumps(file))
    arguments = ("--profile", "bench2drive", "--routes", SUITES / "abilities.xml", "--json")
    result = alpamayo("score", tmp_path / "lost.json", *arguments)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["bench2drive"]["abilities"]["Traffic_Signs"] == passes
