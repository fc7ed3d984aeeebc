"""Bird's-eye view, text panel and video: what is where, and that no input breaks them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_drive import ego_tick, pose_on

from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.tick import ActorState
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.record.birds_eye import BirdsEye, vehicle_kind
from alpamayo_sim.record.road_raster import TERRAIN
from alpamayo_sim.record.text import font, font_for, printable, wrap
from alpamayo_sim.record.text_panel import TextPanel
from alpamayo_sim.record.video import VideoWriter, still
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.route_planner import Route

SIZE, SPAN_M, EGO_AT = 540, 90.0, 0.62
IDENTITY = EpisodeIdentity("e", "Gridvale", "r", "expert", 1, "embedded")


def close_to(image: np.ndarray, color: tuple[int, int, int], tolerance: int = 30) -> np.ndarray:
    return np.abs(image.astype(int) - color).max(axis=2) < tolerance


@pytest.fixture(scope="module")
def view(road_map: RoadMap) -> BirdsEye:
    return BirdsEye(road_map)


def car(actor_id: int, pose: Transform, extent: tuple[float, float, float] = (2.4, 1.0, 0.7)) -> ActorState:
    return ActorState(actor_id, "vehicle.tesla.model3", pose, (0.0, 0.0, 0.0), extent, (0.0, 0.0, 0.7))


@pytest.mark.parametrize("yaw", [0.0, 90.0, -137.0])
def test_the_ego_looks_up_and_the_others_lie_where_they_are(view: BirdsEye, yaw: float) -> None:
    """Far from the roads: a car 20 m ahead and 10 m to the right of an ego with any heading."""
    cos, sin = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    ego = Transform(-3000.0, -3000.0, 0.0, yaw=yaw)
    other = Transform(ego.x + 20.0 * cos - 10.0 * sin, ego.y + 20.0 * sin + 10.0 * cos, 0.0, yaw=yaw)
    image = view.draw(ego_tick(0, ego, 0.0, actors=[car(2, other)]))
    assert image.shape == (SIZE, SIZE, 3)
    scale = SIZE / SPAN_M
    green, blue = close_to(image, (64, 224, 160)), close_to(image, (122, 162, 214))
    rows, columns = np.nonzero(green)
    assert (rows.mean(), columns.mean()) == pytest.approx((SIZE * EGO_AT, SIZE / 2), abs=3.0)
    rows, columns = np.nonzero(blue)
    assert (rows.mean(), columns.mean()) == pytest.approx((SIZE * EGO_AT - 20 * scale, SIZE / 2 + 10 * scale), abs=3.0)
    assert np.ptp(rows) > 1.7 * np.ptp(columns)


def test_the_road_lies_under_the_ego(view: BirdsEye, route: Route) -> None:
    image = view.draw(ego_tick(0, pose_on(route, 30.0), 5.0))
    scale = SIZE / SPAN_M
    row, column = round(SIZE * EGO_AT - 6 * scale), SIZE // 2
    assert not close_to(image[row : row + 1, column : column + 1], TERRAIN, 12).any()


def test_a_light_is_painted_in_its_state(road_map: RoadMap, route: Route, view: BirdsEye) -> None:
    light = next(light for light in road_map.signals.lights if light.lane_boxes)
    box = light.lane_boxes[0]
    pose = Transform(*box.center, yaw=box.yaw_deg)
    counts = {}
    for state, color in ((0, (255, 72, 66)), (1, (255, 196, 48)), (2, (64, 214, 110))):
        image = view.draw(ego_tick(0, pose, 0.0, lights={light.signal_id: state}))
        counts[state] = int(close_to(image, color, 12).sum())
    assert all(count > 30 for count in counts.values()), counts


def test_kinds_of_vehicles() -> None:
    pose = Transform(0.0, 0.0, 0.0)
    assert vehicle_kind(car(1, pose)) == "car"
    assert vehicle_kind(car(1, pose, (5.0, 1.9, 2.0))) == "heavy"
    assert vehicle_kind(car(1, pose, (0.9, 0.4, 0.6))) == "two_wheeler"
    assert vehicle_kind(replace(car(1, pose), type_id="vehicle.ford.ambulance")) == "emergency"


anything = st.text(st.characters(), max_size=300)


@settings(max_examples=150, deadline=None)
@given(anything, st.integers(30, 500), st.integers(1, 6))
def test_any_text_wraps_into_its_box(text: str, width: int, lines: int) -> None:
    face = font(16)
    wrapped = wrap(text, face, width, lines)
    assert len(wrapped) <= lines
    assert all(face.getlength(line) <= width + 1 or len(line) <= 3 for line in wrapped)
    assert printable(printable(text)) == printable(text)


def test_short_words_survive_wrapping() -> None:
    text = "The light ahead is red, so I slow down and stop behind the white van."
    assert " ".join(wrap(text, font(16), 220, 9)) == text
    assert wrap(text, font(16), 220, 1)[0].endswith("…")


@settings(max_examples=25, deadline=None)
@given(anything, anything, st.floats(), st.floats(), st.floats())
def test_the_panel_takes_any_text_and_number(
    reasoning: str, decision: str, speed: float, limit: float, steer: float
) -> None:
    first = ego_tick(0, Transform(0.0, 0.0, 0.0), 0.0)
    plan = Plan(np.zeros((64, 3)), 0.0, first.ego.transform, reasoning, {"longitudinal": decision})
    control = replace(first.control, steer=steer)
    tick = replace(first, plan=plan, speed_mps=speed, speed_limit_mps=limit, control=control)
    panel = TextPanel(replace(IDENTITY, route_id=decision), 300.0)
    assert panel.draw(tick, 12.0, (20.0, 0)).shape == (540, 420, 3)


def test_other_scripts_get_a_font() -> None:
    for text in ("plain", "信号が赤", "Ünïcode…", "🚦"):
        assert font_for(text, 16).getlength(text) >= 0


def test_a_video_is_playable_everywhere(tmp_path: Path) -> None:
    path = tmp_path / "video.partial"
    writer = VideoWriter(path, width=321, height=181)
    for k in range(25):
        writer.write(np.full((181, 321, 3), 10 * k, np.uint8))
    writer.close()
    writer.close()
    data = path.read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        frames = list(container.decode(stream))
    assert (len(frames), frames[0].width, frames[0].height) == (25, 320, 180)
    assert [round(frame.time, 3) for frame in frames] == [round(k / 10, 3) for k in range(25)]
    assert abs(int(frames[20].to_ndarray(format="rgb24").mean()) - 200) < 6
    assert still(path, 0.5).shape == (180, 320, 3)


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    writer = VideoWriter(tmp_path / "v.mp4", width=64, height=64)
    with pytest.raises(InputError, match=r"\[64, 64, 3\]"):
        writer.write(np.zeros((32, 64, 3), np.uint8))
    writer.write(np.zeros((64, 64, 3), np.uint8))
    writer.close()
    with pytest.raises(InputError):
        VideoWriter(tmp_path / "w.mp4", width=1, height=64)
