"""The report: one file, no network, nothing in it that a model's text could run."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.episode_recorder import EpisodeRecorder
from alpamayo_sim.record.report import write_report
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

EPISODE = "route-1_seed-3"


class Page(HTMLParser):
    """Collects tags with their attributes, and the text of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self._in_script = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)
        else:
            self.text += data


@pytest.fixture(scope="module")
def html(finished_run: RunFolder) -> str:
    return write_report(finished_run).read_text(encoding="utf-8")


def test_it_needs_nothing_from_a_network(html: str) -> None:
    page = Page(html)
    sources = [v for _, attrs in page.tags for name, v in attrs.items() if name in ("src", "href", "poster", "srcset")]
    assert f"videos/{EPISODE}.mp4" in sources
    assert all(v is not None and (v.startswith(("#", "data:")) or v == f"videos/{EPISODE}.mp4") for v in sources)
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org/2000/svg)", html)
    assert "default-src 'none'" in html


def test_text_of_a_model_is_text(html: str) -> None:
    page = Page(html)
    assert len(page.scripts) == 2
    data = json.loads(page.scripts[0])
    assert data[EPISODE]["thoughts"][0]["text"].startswith("Stop </script><script>alert(1)")
    assert "alert(1)" not in page.text
    assert "&lt;ClearNoon&gt;" in html


def test_it_says_what_and_where(html: str) -> None:
    page = Page(html)
    for expected in ("driving score", "Gridvale", "collision vehicle", "the embedded server", "not CARLA", "0.9.16"):
        assert expected in page.text, expected
    assert sum(attrs.get("class") == "infraction" for _, attrs in page.tags) >= 1
    assert any(tag == "svg" for tag, _ in page.tags)


def test_the_timeline_reaches_the_page(html: str, ticks: list[TickRecord]) -> None:
    data = json.loads(Page(html).scripts[0])[EPISODE]
    assert len(data["time_s"]) == len(data["speed_kmh"]) == 80
    assert [event["kind"] for event in data["events"]].count("collision_vehicle") == 1


def test_a_chosen_video_goes_inside(finished_run: RunFolder, html: str) -> None:
    with_video = write_report(finished_run, embed=[EPISODE]).read_text(encoding="utf-8")
    assert "data:video/mp4;base64," in with_video
    assert "videos/" not in with_video
    assert len(with_video) > len(html) + finished_run.video_file(EPISODE).stat().st_size
    write_report(finished_run)


def test_a_run_without_episodes_has_a_report(run: RunFolder) -> None:
    assert "No episode is complete yet" in write_report(run).read_text(encoding="utf-8")


def test_an_episode_without_ticks_video_or_summary_has_a_place(
    run: RunFolder, road_map: RoadMap, route: Route, tmp_path: Path
) -> None:
    identity = EpisodeIdentity("e-0", "Gridvale", "r", "vla", 0, "CARLA 0.9.16 at 127.0.0.1:2000")
    with EpisodeRecorder(run, identity, road_map, route) as recorder:
        recorder.close(EpisodeMetrics(road_map, route).result(identity, status="policy_failure(exception)"))
    html = write_report(run).read_text(encoding="utf-8")
    assert "policy_failure(exception)" in html
    assert "CARLA 0.9.16 at 127.0.0.1:2000" in html
    assert "<video" not in html
    assert "embedded server" not in Page(html).text
