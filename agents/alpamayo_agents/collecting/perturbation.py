"""Disturbances of one episode, drawn from its seed: a start off the lane's middle, bursts of noise on the steering."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from alpamayo_agents.collecting.settings import Disturbance

_STREAM = 0xD15B
LONGEST_EPISODE_S = 1800.0
FIRST_BURST_S = 3.0


@dataclass(frozen=True)
class Burst:
    """Steering that is added to the driver's for a while: half a sine of lateral acceleration."""

    begin_s: float
    """Since the episode's first tick."""
    duration_s: float
    lateral_mps2: float
    """At its height; left positive."""

    def acceleration(self, time_s: float) -> float:
        """Return the lateral acceleration that is added at a time, left positive; 0 outside of the burst."""
        share = (time_s - self.begin_s) / self.duration_s
        return self.lateral_mps2 * math.sin(math.pi * share) if 0.0 <= share < 1.0 else 0.0


@dataclass(frozen=True)
class Perturbation:
    """What disturbs the driver of one episode."""

    start_lateral_m: float = 0.0
    """Left positive."""
    start_heading_rad: float = 0.0
    """Counter-clockwise positive."""
    start_speed_mps: float = 0.0
    bursts: tuple[Burst, ...] = ()

    @property
    def moves_start(self) -> bool:
        """Whether the ego begins elsewhere than the route does, or at a speed."""
        return any((self.start_lateral_m, self.start_heading_rad, self.start_speed_mps))


def draw_perturbation(seed: int, disturbance: Disturbance) -> Perturbation:
    """Return the perturbation of the episode with a seed: always the same for the same disturbance."""
    rng = np.random.default_rng([seed, _STREAM])
    starts, shakes = rng.random() < disturbance.start_share, rng.random() < disturbance.noise_share
    lateral, heading = rng.uniform(-1.0, 1.0, 2)
    speed = rng.random()
    bursts: list[Burst] = []
    time_s = FIRST_BURST_S
    while shakes and time_s < LONGEST_EPISODE_S:
        time_s += float(rng.exponential(disturbance.noise_every_s))
        duration = float(rng.uniform(*disturbance.noise_s))
        size = float(rng.uniform(*disturbance.noise_mps2)) * (1.0 if rng.random() < 0.5 else -1.0)
        bursts.append(Burst(round(time_s, 3), round(duration, 3), round(size, 3)))
        time_s += duration + 1.0
    if not starts:
        return Perturbation(bursts=tuple(bursts))
    return Perturbation(
        start_lateral_m=round(float(lateral) * disturbance.start_lateral_m, 3),
        start_heading_rad=round(float(heading) * math.radians(disturbance.start_heading_deg), 4),
        start_speed_mps=round(float(speed) * disturbance.start_speed_mps, 3),
        bursts=tuple(bursts),
    )
