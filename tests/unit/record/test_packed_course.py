"""Packed courses: what comes out is what went in, to half a step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from synthetic_drive import drive

from alpamayo_sim.record.packed_course import SCALES, course, differences, pack, unpack
from alpamayo_sim.record.route_view import RouteView
from alpamayo_sim.record.run_folder import RunFolder
from alpamayo_sim.record.timeline import TimelineWriter, read_timeline
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route


@given(st.lists(st.floats(-1e5, 1e5), max_size=50), st.sampled_from(sorted(set(SCALES.values()))))
def test_differences_sum_up_to_the_values(values: list[float], step: float) -> None:
    restored = np.cumsum(differences(values, step)) * step
    assert np.abs(restored - np.array(values)).max(initial=0.0) <= 0.5 * step + 1e-6


@given(
    st.dictionaries(
        st.text(alphabet=st.characters(exclude_categories=["Cs"])),
        st.text(alphabet=st.characters(exclude_categories=["Cs"])),
    )
)
def test_packing_keeps_every_text(value: dict[str, str]) -> None:
    assert unpack(pack(value)) == value


def test_a_lone_surrogate_is_replaced() -> None:
    assert unpack(pack({"text": "a\ud800b"})) == {"text": "a?b"}


def test_a_course_is_the_timeline(finished_run: RunFolder) -> None:
    timeline = read_timeline(finished_run.episode_folder("route-1_seed-3"))
    packed = course(timeline, sample_every=2, near_every=2)
    for name, step in SCALES.items():
        restored = np.cumsum(packed["columns"][name]) * step
        expected = np.array(timeline[name][::2])
        if name == "yaw_deg":
            expected = np.unwrap(expected, period=360.0)
        assert np.abs(restored - expected).max() <= 0.5 * step + 1e-6, name


def test_tracks_follow_the_actors(road_map: RoadMap, route: Route, tmp_path: Path) -> None:
    writer, view = TimelineWriter(tmp_path), RouteView(road_map, route)
    for tick in drive(road_map, route, seconds=20.0, others=100):
        view.follow(tick)
        writer.write(tick, view)
    writer.close()
    timeline = read_timeline(tmp_path)
    tracks = course(timeline, sample_every=1, near_every=1)["near"]["tracks"]
    assert len(tracks) >= 3
    seen: dict[int, set[tuple[float, float]]] = {}
    present: dict[int, list[float]] = {}
    for number, moment in enumerate(timeline["near"]):
        present.update({i: pose for i, *pose in moment.get("moved", ())})
        for i in moment.get("gone", ()):
            del present[i]
        seen[number] = {(round(x, 1), round(y, 1)) for x, y, _ in present.values()}
    found: dict[int, set[tuple[float, float]]] = {number: set() for number in seen}
    for _, length, width, first, xs, ys, yaws in tracks:
        assert length > 0 and width > 0 and len(xs) == len(ys) == len(yaws)
        for k, (x, y) in enumerate(zip(np.cumsum(xs) * 0.1, np.cumsum(ys) * 0.1, strict=True)):
            found[first + k].add((round(float(x), 1), round(float(y), 1)))
    assert {n: len(places) for n, places in found.items()} == {n: len(places) for n, places in seen.items()}
    for number in seen:
        ours, theirs = np.array(sorted(found[number])), np.array(sorted(seen[number]))
        assert np.abs(ours - theirs).max(initial=0.0) <= 0.11
