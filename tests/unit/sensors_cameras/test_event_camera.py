"""Events are those that CARLA's loop over the pixels finds."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.sensors import event_camera
from alpamayo_sim.sensors.event_camera import EventCamera
from alpamayo_sim.world.blueprints import catalogue

SIZE = {"image_size_x": "7", "image_size_y": "5"}
TICK_NS = 50_000_000
ROUNDING_NS = 20_000
"""The loop adds up to 70 steps of a tick in float32, each rounded by up to 2.4e-7, and we in float64: 1.7e-5 of a change of
brightness of at least 0.1 a tick, or 8,400 ns a tick and less than twice that over a test's five."""
Events = list[tuple[int, int, int, bool]]


def _camera(**attributes: str) -> EventCamera:
    return EventCamera(catalogue()["sensor.camera.dvs"].values({}) | SIZE | attributes, 3)


def _take(camera: EventCamera, image: np.ndarray, tick: int) -> np.ndarray:
    camera.view(Transform(0.0, 0.0, 0.0), replace(SceneFrame(), time_s=tick * 0.05))
    return camera.events(image)


def _picture(grey: np.ndarray) -> np.ndarray:
    return np.repeat(grey.astype(np.uint8)[..., None], 4, axis=2)


class Loop:
    """The loop of `DVSCamera.cpp` for thresholds without noise."""

    def __init__(self, rise: float, fall: float, refractory_ns: int) -> None:
        self.rise, self.fall, self.refractory_ns = rise, fall, refractory_ns
        self.before: np.ndarray | None = None

    def events(self, image: np.ndarray, now_ns: int) -> Events:
        grey = image[..., 2] * 0.2989 + image[..., 1] * 0.587 + image[..., 0] * 0.114
        level = np.log(0.001 + grey / 255.0).astype(np.float32)
        found: Events = []
        if self.before is None:
            self.before, self.reference, self.then_ns = level, level.copy(), now_ns
            self.last_ns = np.zeros(level.shape, np.int64)
            return found
        for y, x in np.ndindex(level.shape):
            new, old, cross = float(level[y, x]), float(self.before[y, x]), float(self.reference[y, x])
            if abs(old - new) <= 1e-6:
                continue
            sign = 1.0 if new >= old else -1.0
            step = self.rise if sign > 0 else self.fall
            while True:
                cross += sign * step
                if not ((sign > 0 and old < cross <= new) or (sign < 0 and new <= cross < old)):
                    break
                t = self.then_ns + int((cross - old) * (now_ns - self.then_ns) / (new - old))
                if self.last_ns[y, x] == 0 or t - self.last_ns[y, x] >= self.refractory_ns:
                    found.append((x, y, t, sign > 0))
                    self.last_ns[y, x] = t
                self.reference[y, x] = cross
        self.before, self.then_ns = level, now_ns
        return found


@settings(max_examples=40)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([0.31, 0.1, 1.7]), st.sampled_from([0.29, 0.12]),
    st.sampled_from([0, 4_000_000, 60_000_000]),
)  # fmt: skip
def test_events_are_those_of_the_loop(seed: int, rise: float, fall: float, refractory_ns: int) -> None:
    camera = _camera(
        positive_threshold=str(rise), negative_threshold=str(fall), refractory_period_ns=str(refractory_ns)
    )
    loop = Loop(rise, fall, refractory_ns)
    rng = np.random.default_rng(seed)
    compared = 0
    for tick in range(1, 6):
        image = rng.integers(0, 256, (5, 7, 4), dtype=np.uint8)
        found, expected = _take(camera, image, tick), loop.events(image, tick * TICK_NS)
        by_pixel: dict[tuple[int, int, bool], list[int]] = {}
        for x, y, t, up in expected:
            by_pixel.setdefault((x, y, up), []).append(t)
        mine: dict[tuple[int, int, bool], list[int]] = {}
        for x, y, t, up in found.tolist():
            mine.setdefault((x, y, up), []).append(t)
        assert (np.diff(found["t"]) >= 0).all()
        # Steps that end on the very last level round either way, so a pixel may differ by one event in a while.
        same = {key for key in by_pixel if len(by_pixel[key]) == len(mine.get(key, []))}
        assert len(same) >= len(by_pixel | mine) - 2
        for key in same:
            np.testing.assert_allclose(mine[key], by_pixel[key], rtol=0.0, atol=ROUNDING_NS)
        compared += len(same)
    assert compared > 0


def test_a_pixel_that_gets_brighter_reports_each_step_in_time() -> None:
    camera = _camera(positive_threshold="0.5")
    grey = np.full((5, 7), 40)
    assert len(_take(camera, _picture(grey), 1)) == 0, "the first picture tells nothing"
    grey[2, 3] = 200
    events = _take(camera, _picture(grey), 2)
    steps = int(math.log((0.001 + 200 / 255) / (0.001 + 40 / 255)) / 0.5)
    assert len(events) == steps == 3 and (events["x"] == 3).all() and (events["y"] == 2).all() and events["pol"].all()
    assert TICK_NS < events["t"][0] < events["t"][-1] <= 2 * TICK_NS
    np.testing.assert_allclose(np.diff(events["t"]), np.diff(events["t"])[0], rtol=1e-3)
    grey[2, 3] = 60
    assert not _take(camera, _picture(grey), 3)["pol"].any()
    assert len(_take(camera, _picture(grey), 4)) == 0, "nothing changes"


def test_plain_brightness_and_noise_of_thresholds() -> None:
    grey = np.full((5, 7), 10)
    plain = _camera(use_log="false", positive_threshold="20")
    noisy = _camera(use_log="false", positive_threshold="20", sigma_positive_threshold="6")
    for camera in (plain, noisy):
        _take(camera, _picture(grey), 1)
    even, uneven = (_take(camera, _picture(grey + 102), 2) for camera in (plain, noisy))
    assert len(even) == 5 * 35
    assert len(set(even["t"].tolist())) == 5 and len(set(uneven["t"].tolist())) > 100


def test_the_number_of_events_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_camera, "MOST_EVENTS", 500)
    camera = _camera(use_log="false", positive_threshold="0.01", negative_threshold="0.01")
    _take(camera, _picture(np.zeros((5, 7))), 1)
    assert 0 < len(_take(camera, _picture(np.full((5, 7), 250)), 2)) <= 500


@pytest.mark.parametrize(
    "wrong",
    [{"positive_threshold": "0"}, {"negative_threshold": "nan"}, {"sigma_positive_threshold": "-1"}, {"log_eps": "0"}],
)
def test_nonsense_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        _camera(**wrong)
