"""`sensor.camera.dvs`: the events of a camera whose pixels report changes of brightness.

After CARLA's `DVSCamera.cpp`: brightness is taken to change steadily between two pictures, and a pixel reports each time that it
has gone up or down by a threshold since its last report.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.camera_kind import CameraKind
from alpamayo_sim.render.lens import through_lens
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.sensors.camera import Camera
from alpamayo_sim.sensors.sensor import floats

EVENT = np.dtype([("x", "<u2"), ("y", "<u2"), ("t", "<i8"), ("pol", "?")])
"""Pixel, nanoseconds of simulated time, and whether it has become brighter; 13 bytes."""
LUMA_BGR = np.array([0.114, 0.587, 0.2989], dtype=np.float32)
TOLERANCE = 1.0e-6
LEAST_THRESHOLD = 0.01
LONGEST_NS = 1 << 62
MOST_EVENTS = 1 << 22
"""Of one message; pixels with the most changes lose their last ones."""


class EventCamera(Camera):
    """A colour camera that remembers its last picture."""

    def __init__(self, attributes: Mapping[str, str], seed: int) -> None:
        """Read the attributes; ValueError for those that make no sense. `seed` is for the thresholds' noise."""
        super().__init__(CameraKind.RGB, attributes)
        self._threshold = floats(attributes, "positive_threshold", "negative_threshold")
        self._sigma = floats(attributes, "sigma_positive_threshold", "sigma_negative_threshold")
        self._refractory_ns = min(int(attributes["refractory_period_ns"]), LONGEST_NS)
        self._use_log = attributes["use_log"].lower() in ("true", "1")
        (self._log_eps,) = floats(attributes, "log_eps")
        if not all(np.isfinite(v) and v >= LEAST_THRESHOLD for v in self._threshold):
            raise ValueError(f"thresholds of {self._threshold}; expected at least {LEAST_THRESHOLD}")
        if not (all(np.isfinite(v) and v >= 0.0 for v in self._sigma) and 0.0 < self._log_eps < np.inf):
            raise ValueError("the thresholds' noise may not be negative, and log_eps must be above 0")
        self._rng = np.random.default_rng((seed, 2))
        self._now_ns = 0
        self._then_ns = 0
        self._before: NDArray[np.float32] | None = None
        self._reference = np.zeros((0, 0), np.float32)
        self._last_event_ns = np.zeros((0, 0), np.int64)

    def view(self, pose: Transform, frame: SceneFrame) -> CameraView:
        """Return the picture to take now."""
        self._now_ns = round(frame.time_s * 1.0e9)
        return super().view(pose, frame)

    def body(self, image: NDArray[Any]) -> tuple[bytes | memoryview, ...]:
        """Return header and events by time; nothing when there are none, as after the first picture."""
        events = self.events(image if self.lens.is_pinhole else through_lens(image, self.lens_sources))
        return (self.image_header, events.view(np.uint8).data) if len(events) else ()

    def events(self, image: NDArray[Any]) -> NDArray[np.void]:
        """Return the events [E] since the last picture, given the present one [height, width, 4], BGRA."""
        grey = image[..., :3].astype(np.float32) @ LUMA_BGR
        if self._use_log:
            grey = np.log(self._log_eps + grey / 255.0, dtype=np.float32)
        before, start_ns = self._before, self._then_ns
        self._before, self._then_ns = grey, self._now_ns
        if before is None:
            self._reference, self._last_event_ns = grey.copy(), np.zeros(grey.shape, np.int64)
            return np.zeros(0, EVENT)
        change = grey - before
        rows, columns = np.nonzero(np.abs(change) > TOLERANCE)
        change, origin = change[rows, columns].astype(np.float64), before[rows, columns].astype(np.float64)
        rises = change > 0.0
        step = np.where(rises, *self._thresholds(len(rows))) * np.sign(change)
        reference = self._reference[rows, columns].astype(np.float64)
        # Steps count from the last report; one that lies behind the last picture ends the search, as in CARLA.
        first = (reference + step - origin) / change
        count = np.floor((origin + change - reference) / step).astype(np.int64)
        count = np.where((first > 0.0) & (first <= 1.0), np.maximum(count, 1), 0)
        count = np.minimum(count, _most_each(count))
        self._reference[rows, columns] = reference + count * step
        pixel = np.repeat(np.arange(len(rows)), count)
        number = np.arange(len(pixel)) - np.repeat(np.cumsum(count) - count, count) + 1
        share = (reference[pixel] + number * step[pixel] - origin[pixel]) / change[pixel]
        time_ns = start_ns + (np.clip(share, 0.0, 1.0) * (self._now_ns - start_ns)).astype(np.int64)
        kept = self._ready(rows, columns, pixel, number, time_ns)
        events = np.zeros(int(kept.sum()), EVENT)
        events["x"], events["y"] = columns[pixel[kept]], rows[pixel[kept]]
        events["t"], events["pol"] = time_ns[kept], rises[pixel[kept]]
        return events[np.argsort(events["t"], kind="stable")]

    def _thresholds(self, count: int) -> tuple[Any, Any]:
        """Return thresholds for getting brighter and darker, each with its noise."""
        return tuple(  # pyright: ignore[reportReturnType]
            np.maximum(LEAST_THRESHOLD, mean + self._rng.normal(0.0, sigma, count)) if sigma > 0.0 else mean
            for mean, sigma in zip(self._threshold, self._sigma, strict=True)
        )

    def _ready(
        self,
        rows: NDArray[np.integer],
        columns: NDArray[np.integer],
        pixel: NDArray[np.integer],
        number: NDArray[np.integer],
        time_ns: NDArray[np.integer],
    ) -> NDArray[np.bool_]:
        """Return which events [E] a pixel that rests after each one still reports."""
        kept = np.ones(len(pixel), dtype=np.bool_)
        last = self._last_event_ns[rows, columns]
        for turn in range(1, int(number.max(initial=0)) + 1 if self._refractory_ns > 0 else 0):
            now = np.flatnonzero(number == turn)
            rested = (last[pixel[now]] == 0) | (time_ns[now] - last[pixel[now]] >= self._refractory_ns)
            kept[now] = rested
            last[pixel[now[rested]]] = time_ns[now[rested]]
        self._last_event_ns[rows, columns] = last
        return kept


def _most_each(count: NDArray[np.integer]) -> int:
    """Return how many events a pixel may have, so that all together are not more than `MOST_EVENTS`."""
    most = int(count.max(initial=0))
    while most > 1 and int(np.minimum(count, most).sum()) > MOST_EVENTS:
        most //= 2
    return most
