"""What was seen lately, at the 10 Hz of a driving model, from a simulation of any step: frames, poses."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.observation import STEP_S

Sample = TypeVar("Sample")
TIME_TOLERANCE_S = 1e-3
"""CARLA adds up float32 steps; a sample within this of the time asked for was taken then."""


class SampleBuffer(Generic[Sample]):
    """Timed samples of one source, such as a camera; hands out the last ones 0.1 s apart, oldest first, never others."""

    def __init__(self, name: str, span_s: float) -> None:
        """Keep samples of the last `span_s` seconds; `name` is what errors call the source."""
        self._name = name
        self._span_s = span_s
        self._samples: deque[tuple[float, Sample]] = deque()

    def add(self, time_s: float, sample: Sample) -> None:
        """Take a sample of simulation time `time_s`; InputError if it is not later than the last one."""
        if self._samples and time_s <= self._samples[-1][0]:
            raise InputError(
                f"{self._name}: samples come in the order of their times; found {time_s:g} s after {self._samples[-1][0]:g} s"
            )
        self._samples.append((time_s, sample))
        while self._samples[0][0] < time_s - self._span_s - TIME_TOLERANCE_S:
            self._samples.popleft()

    def clear(self) -> None:
        """Forget everything, as at the start of an episode."""
        self._samples.clear()

    def latest(self, count: int, t0_s: float) -> tuple[list[float], list[Sample]]:
        """Return times and samples at t0 - (count - 1) 0.1 s, ..., t0, oldest first.

        InputError that says which time was wanted and what was nearest, where a sample is missing: a sample of another time is
        never given instead.
        """
        times: list[float] = []
        samples: list[Sample] = []
        for back in range(count - 1, -1, -1):
            wanted = t0_s - back * STEP_S
            near = min(self._samples, key=lambda entry: abs(entry[0] - wanted), default=None)
            if near is None or abs(near[0] - wanted) > TIME_TOLERANCE_S:
                found = "nothing" if near is None else f"{near[0]:.3f} s as the nearest"
                raise InputError(
                    f"{self._name}: expected a sample every {STEP_S} s up to t0={t0_s:.3f} s, so one at {wanted:.3f} s; "
                    f"found {found}"
                )
            times.append(near[0])
            samples.append(near[1])
        return times, samples
