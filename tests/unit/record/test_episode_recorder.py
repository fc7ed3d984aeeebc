"""An episode on disk: complete with its marker, or not there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.episode_recorder import EpisodeRecorder
from alpamayo_sim.record.report_contents import read_result
from alpamayo_sim.record.run_folder import RunFolder, read_json_lines
from alpamayo_sim.record.tick_log import read_ticks
from alpamayo_sim.record.timeline import read_timeline
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

EPISODE = "route-1_seed-3"


def frames_of(video: Path) -> list[av.VideoFrame]:
    with av.open(str(video)) as container:
        return list(container.decode(video=0))


def test_a_finished_episode_is_all_there(finished_run: RunFolder, ticks: list[TickRecord]) -> None:
    assert finished_run.complete_episodes() == [EPISODE]
    folder = finished_run.episode_folder(EPISODE)
    assert len(list(read_ticks(folder))) == len(ticks)
    result = read_result(finished_run, EPISODE)
    assert result.collisions_total == 1
    assert result.identity.server == "embedded"
    events = [line["event"] for line in read_json_lines(finished_run.path / "events.jsonl")]
    assert events[0] == "episode_started"
    assert "infraction" in events
    assert events[-1] == "episode_finished"
    (metrics,) = read_json_lines(finished_run.path / "metrics.jsonl")
    assert metrics["episode_id"] == EPISODE
    assert finished_run.summary["collisions_total"] == 1
    assert not list(finished_run.path.rglob("*.partial"))


def test_the_video_runs_at_the_speed_of_the_simulation(finished_run: RunFolder) -> None:
    frames = frames_of(finished_run.video_file(EPISODE))
    assert len(frames) == 80
    assert (frames[0].width, frames[0].height) == (960, 540)
    assert frames[-1].time == pytest.approx(7.9)
    assert frames[0].format.name == "yuv420p"


def test_the_timeline_has_ten_samples_a_second(finished_run: RunFolder, ticks: list[TickRecord]) -> None:
    timeline = read_timeline(finished_run.episode_folder(EPISODE))
    assert len(timeline["time_s"]) == 80
    assert timeline["speed_kmh"][10] == pytest.approx(3.6 * ticks[20].speed_mps, abs=0.01)
    assert len(timeline["thoughts"]) == 1
    thinned = read_timeline(finished_run.episode_folder(EPISODE), max_samples=30)
    assert len(thinned["time_s"]) <= 30


def test_the_camera_stands_beside_the_birds_eye_view(
    run: RunFolder, road_map: RoadMap, route: Route, ticks: list[TickRecord], identity: EpisodeIdentity
) -> None:
    """The camera delivers at every second tick, from the second one on, in a shape that is not 16:9."""
    image = np.full((200, 200, 3), (200, 40, 40), np.uint8)
    with EpisodeRecorder(run, identity, road_map, route) as recorder:
        for k, tick in enumerate(ticks[:30]):
            recorder.write(replace(tick, front_image=image if k % 2 else None))
        recorder.close(EpisodeMetrics(road_map, route).result(identity))
    frames = frames_of(run.video_file(EPISODE))
    assert (len(frames), frames[0].width, frames[0].height) == (15, 1920, 540)
    picture = frames[-1].to_ndarray(format="rgb24")
    assert np.abs(picture[270, 480].astype(int) - (200, 40, 40)).max() < 25
    assert picture[270, 60].max() < 40


def test_without_video_there_is_none(
    run: RunFolder, road_map: RoadMap, route: Route, ticks: list[TickRecord], identity: EpisodeIdentity
) -> None:
    with EpisodeRecorder(run, identity, road_map, route, video=False) as recorder:
        recorder.write(ticks[0])
        recorder.close(EpisodeMetrics(road_map, route).result(identity))
    assert run.is_complete(EPISODE)
    assert list((run.path / "videos").iterdir()) == []


def test_an_episode_that_breaks_leaves_nothing_but_an_event(
    run: RunFolder, road_map: RoadMap, route: Route, ticks: list[TickRecord], identity: EpisodeIdentity
) -> None:
    with pytest.raises(ZeroDivisionError), EpisodeRecorder(run, identity, road_map, route) as recorder:
        for tick in ticks[:20]:
            recorder.write(tick)
        raise ZeroDivisionError("boom")
    assert not run.is_complete(EPISODE)
    assert list((run.path / "episodes").iterdir()) == []
    assert list((run.path / "videos").iterdir()) == []
    last = read_json_lines(run.path / "events.jsonl")[-1]
    assert (last["event"], last["reason"]) == ("episode_abandoned", "ZeroDivisionError: boom")


def test_an_episode_that_was_cut_off_is_replaced_and_a_complete_one_is_kept(
    run: RunFolder, road_map: RoadMap, route: Route, ticks: list[TickRecord], identity: EpisodeIdentity
) -> None:
    cut_off = run.episode_folder(EPISODE)
    cut_off.mkdir()
    (cut_off / "ticks.jsonl.gz").write_bytes(b"\x1f\x8b half a file")
    (run.path / "videos" / f".{EPISODE}.mp4.partial").write_bytes(b"half")
    with EpisodeRecorder(run, identity, road_map, route, video=False) as recorder:
        recorder.write(ticks[0])
        recorder.close(EpisodeMetrics(road_map, route).result(identity))
    assert len(list(read_ticks(cut_off))) == 1
    assert list((run.path / "videos").iterdir()) == []
    with pytest.raises(InputError, match="complete already"):
        EpisodeRecorder(run, identity, road_map, route)
    assert run.is_complete(EPISODE)


def test_the_map_beside_the_episode_holds_the_route(finished_run: RunFolder, route: Route) -> None:
    surroundings = json.loads((finished_run.episode_folder(EPISODE) / "map.json").read_text())
    assert surroundings["route"][0] == pytest.approx(route.points[0, :2].tolist(), abs=0.02)
    assert surroundings["route"][-1] == pytest.approx(route.points[-1, :2].tolist(), abs=0.02)
    assert {"driving", "sidewalk"} <= {lane["kind"] for lane in surroundings["lanes"]}
