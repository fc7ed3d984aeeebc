"""The report: one file, no network, nothing in it that a model's text could run, and the figures that the run has."""

from __future__ import annotations

import base64
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from synthetic_bench import DRIVES, HOSTILE_ROUTE

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.record.episode_recorder import EpisodeRecorder
from alpamayo_sim.record.packed_course import unpack
from alpamayo_sim.record.report import failed_episodes, write_comparison, write_report
from alpamayo_sim.record.report_comparison import compare
from alpamayo_sim.record.report_contents import read_contents
from alpamayo_sim.record.report_figures import abilities, interval, kind_rows, profile_rows, type_rows
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

EPISODE = "route-1_seed-3"


class Page(HTMLParser):
    """Collects tags with their attributes, and the text of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.text = ""
        self._script: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._script = str(dict(attrs).get("id", "code")) if tag == "script" else None

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self.scripts[self._script] = self.scripts.get(self._script, "") + data
        else:
            self.text += data

    @property
    def data(self) -> dict:
        return json.loads(self.scripts["data"])


@pytest.fixture(scope="module")
def html(finished_run: RunFolder) -> str:
    return write_report(finished_run).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


@pytest.fixture(scope="module")
def bench_page(bench_run: RunFolder) -> Page:
    return Page(write_report(bench_run).read_text(encoding="utf-8"))


def test_it_needs_nothing_from_a_network(html: str, page: Page) -> None:
    sources = [v for _, attrs in page.tags for name, v in attrs.items() if name in ("src", "href", "poster", "srcset")]
    assert sources and all(v is not None and v.startswith(("#", "data:")) for v in sources)
    assert page.data["runs"][0]["rows"][0]["video"] == f"videos/{EPISODE}.mp4"
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org/2000/svg)", html)
    assert "default-src 'none'" in html


def test_text_of_a_model_is_text(page: Page, bench_page: Page) -> None:
    assert page.scripts.keys() == {"data", "course-0-0", "code"}
    course = unpack(page.scripts["course-0-0"])
    assert course["thoughts"][0]["text"].startswith("Stop </script><script>alert(1)")
    assert ["weather", "<ClearNoon>"] in course["details"]
    assert "alert(1)" not in page.text
    assert bench_page.data["runs"][0]["rows"][5]["route"] == HOSTILE_ROUTE
    assert not any(tag == "img" or name.startswith("on") for tag, attrs in bench_page.tags for name in attrs)
    assert "no answer <b>at all</b>" in bench_page.text


def test_it_says_what_and_where(page: Page) -> None:
    for expected in ("Driving score", "the embedded server", "not CARLA", "0.9.16", "leaderboard-1.0"):
        assert expected in page.text, expected
    row = page.data["runs"][0]["rows"][0]
    assert (row["town"], row["agent"], row["outcome"]) == ("Gridvale", "expert", "stopped")
    assert [infraction[0] for infraction in row["infractions"]] == ["collision_vehicle"]


def test_the_timeline_reaches_the_page(page: Page) -> None:
    course = unpack(page.scripts["course-0-0"])
    assert {len(values) for values in course["columns"].values()} == {80}
    assert len(course["near"]["time_s"]) == 40
    assert len(course["plans"]) == 20


def test_a_chosen_video_goes_inside(finished_run: RunFolder) -> None:
    page = Page(write_report(finished_run, embed=failed_episodes(finished_run)).read_text(encoding="utf-8"))
    assert base64.b64decode(page.scripts["video-0-0"]) == finished_run.video_file(EPISODE).read_bytes()
    assert page.data["runs"][0]["rows"][0]["video"] == ""
    write_report(finished_run)


def test_a_run_without_episodes_has_a_report(run: RunFolder) -> None:
    assert "No episode is complete yet" in write_report(run).read_text(encoding="utf-8")


def test_an_episode_without_ticks_video_or_summary_has_a_place(run: RunFolder, road_map: RoadMap, route: Route) -> None:
    identity = EpisodeIdentity("e-0", "Gridvale", "r", "vla", 0, "CARLA 0.9.16 at 127.0.0.1:2000")
    with EpisodeRecorder(run, identity, road_map, route) as recorder:
        recorder.close(EpisodeMetrics(road_map, route).result(identity, status="policy_failure(exception)"))
    page = Page(write_report(run).read_text(encoding="utf-8"))
    row = page.data["runs"][0]["rows"][0]
    assert row["status"] == "policy_failure(exception)" and not row["has_video"]
    assert "CARLA 0.9.16 at 127.0.0.1:2000" in page.text
    assert "embedded server" not in page.text


def test_the_figures_are_those_of_the_benchmark(bench_run: RunFolder) -> None:
    contents = read_contents(bench_run)
    results = json.loads((bench_run.path / "results.json").read_text())
    score = interval(contents.scored, lambda entry: entry.driving_score, contents.seed)
    assert score is not None
    figures = results["figures"]
    assert [round(v, 3) for v in (score.mean, score.low, score.high)] == [
        figures["driving_score"],
        figures["driving_score_low"],
        figures["driving_score_high"],
    ]
    own = next(row for row in profile_rows(contents) if row.is_own)
    assert own.name == "bench2drive" and own.driving_score == score
    assert own.success_percent.mean == pytest.approx(figures["success_rate_percent"], abs=1e-3)
    for ability in abilities(contents):
        told = results["abilities"][ability.name]
        assert (ability.routes, ability.percent) == (told["routes"], pytest.approx(told["success_percent"], abs=1e-3))
    for row in type_rows(contents):
        told = results["types"][row.name]
        assert row.episodes == told["episodes_scored"]
        assert 100.0 * row.passed / row.episodes == pytest.approx(told["success_percent"], abs=1e-3)
        assert row.driving_score == pytest.approx(told["driving_score"], abs=1e-3)


def test_verdicts_and_what_is_left_out(bench_run: RunFolder, bench_page: Page) -> None:
    contents = read_contents(bench_run)
    verdicts = {e.result.identity.episode_id: e.verdict for e in contents.entries}
    assert list(verdicts.values()) == ["passed", "flawed", "failed", "passed", "invalid", "failed", "flawed"]
    assert contents.planned_total == len(DRIVES) + 1
    assert [(row.kind, row.count, row.episodes) for row in kind_rows(contents)] == [("collision_vehicle", 4, 3)]
    for told in ("1 invalid", "7 of 8 episodes scored", "server_failed", "there is no map of Town12"):
        assert told in bench_page.text, told
    assert failed_episodes(bench_run) == ["e1_rep0", "e2_rep0", "e4_rep0", "e5_rep0", "e6_rep1"]


def test_runs_are_compared_route_by_route(bench_run: RunFolder, second_run: RunFolder) -> None:
    first, second = read_contents(bench_run), read_contents(second_run)
    comparison = compare(first, second)
    assert comparison.counts == {"better": 1, "same": 5, "worse": 1, "only_one": 0}
    changes = {
        first.entries[p.first].result.identity.episode_id: p.change for p in comparison.pairs if p.first is not None
    }
    assert changes["e0_rep0"] == pytest.approx(-40.0, abs=0.01) and changes["e1_rep0"] == pytest.approx(40.0, abs=0.01)
    score = comparison.differences[0]
    assert score.change.mean == pytest.approx((40.0 - 20.0) / 6, abs=0.01)
    assert score.change.low < 0.0 < score.change.high and score.verdict == "unclear"
    assert score.second - score.first == pytest.approx(score.change.mean)
    same = compare(first, first)
    assert all(d.change.low == d.change.high == 0.0 for d in same.differences)


def test_a_comparison_names_both_runs_and_finds_their_videos(bench_run: RunFolder, second_run: RunFolder) -> None:
    path = write_comparison(bench_run, second_run)
    page = Page(path.read_text(encoding="utf-8"))
    assert bench_run.path.name in page.text and second_run.path.name in page.text
    videos = [run["rows"][0]["video"] for run in page.data["runs"]]
    assert all((path.parent / video).is_file() for video in videos)
    assert len(page.data["pairs"]) == len(DRIVES)


def test_runs_that_share_no_route_are_refused(bench_run: RunFolder, finished_run: RunFolder) -> None:
    with pytest.raises(InputError, match="no route in common"):
        write_comparison(bench_run, finished_run)


BROKEN = [
    ("results.json", ""),
    ("results.json", "[1]"),
    ("results.json", '{"format": "alpamayo-bench", "routes": [1]}'),
    ("episodes/e1_rep0/result.json", ""),
    ("episodes/e1_rep0/result.json", "{}"),
    ("episodes/e1_rep0/episode.json", "{}"),
    ("infrastructure.jsonl", "{}\n"),
]


@pytest.mark.parametrize(("name", "text"), BROKEN)
def test_a_broken_run_folder_is_refused(bench_run: RunFolder, name: str, text: str, tmp_path: Path) -> None:
    shutil.copytree(bench_run.path, tmp_path / "run", ignore=shutil.ignore_patterns("*.mp4", "*.gz"))
    (tmp_path / "run" / name).write_text(text)
    with pytest.raises(InputError, match="cannot be shown"):
        write_report(RunFolder.open(tmp_path / "run"))


def test_more_videos_than_a_browser_opens_are_refused(bench_run: RunFolder, tmp_path: Path) -> None:
    shutil.copytree(bench_run.path, tmp_path / "run")
    run = RunFolder.open(tmp_path / "run")
    with run.video_file("e1_rep0").open("wb") as video:
        video.truncate(301_000_000)
    with pytest.raises(InputError, match=r"at most 300\.0 MB"):
        write_report(run, embed=["e0_rep0", "e1_rep0"])
