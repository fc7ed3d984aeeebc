"""Streams that brake for nobody: the ego gets across and in, and touches nobody."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from synthetic_vehicle import ego_model

from alpamayo_agents.conflicts import occupancy
from alpamayo_agents.forecast import TIMES_S, Forecasts
from alpamayo_agents.speed_profile import DriverStyle
from alpamayo_agents.surroundings import Neighbours
from alpamayo_agents.yielding import START_DELAY_S, Patience, YieldDecision, decide

MODEL = ego_model()
HALF = (2.3, 1.0)
STEP_S = 0.05
CROSSING_M = 30.0
STREAM_BEGAN_S = 12.0


@dataclass(frozen=True)
class Stream:
    """Vehicles one behind the other on a straight line at a fixed speed."""

    start: tuple[float, float]
    yaw: float
    speed_mps: float
    arc_m: tuple[float, ...]

    def at(self, time_s: float) -> Neighbours:
        heading = np.array([np.cos(self.yaw), np.sin(self.yaw)])
        along = np.array(self.arc_m) + self.speed_mps * time_s
        count = len(along)
        center = np.concatenate([np.array(self.start) + along[:, None] * heading, np.full((count, 1), 0.8)], axis=1)
        return Neighbours(
            ids=np.arange(count),
            is_walker=np.zeros(count, dtype=bool),
            center=center,
            yaw=np.full(count, self.yaw),
            velocity_mps=np.tile(self.speed_mps * heading, (count, 1)),
            acceleration_mps2=np.zeros(count),
            half_size_m=np.tile(HALF, (count, 1)),
            standing_s=np.zeros(count),
        )


def stream(speed_mps: float, gaps_m: tuple[float, float], *, start: tuple[float, float], yaw: float) -> Stream:
    arcs = -np.cumsum(np.random.default_rng(3).uniform(*gaps_m, size=60))
    return Stream(start, yaw, speed_mps, tuple(arcs))


def path(bend_at_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Return poses every metre: straight along x, from `bend_at_m` on a turn to the left (towards +y) of radius 8 m."""
    stations = np.arange(0.0, 140.0)
    turned = np.clip((stations - bend_at_m) / 8.0, 0.0, np.pi / 2)
    steps = np.stack([np.cos(turned), np.sin(turned)], axis=1)
    return np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)[:-1]]), turned


def decided(others: Neighbours, station: float, speed: float, patience: Patience, bend_at_m: float) -> YieldDecision:
    xy, yaw = path(bend_at_m)
    first = int(station)
    here = xy[first] + (station - first) * np.array([np.cos(yaw[first]), np.sin(yaw[first])])
    window = slice(first, first + 60)
    shifted = xy[window] + (here - xy[first])
    forecast = others.center[:, None, :2] + others.velocity_mps[:, None, :] * TIMES_S[None, :, None]
    hypotheses = Forecasts(
        np.arange(len(others.ids)),
        forecast,
        np.repeat(others.yaw[:, None], len(TIMES_S), axis=1),
        np.zeros(len(others.ids), dtype=bool),
    )
    occupied = occupancy(MODEL, shifted, yaw[window], others, hypotheses)
    off = others.center[:, :2] - here
    ahead = off @ np.array([np.cos(yaw[first]), np.sin(yaw[first])])
    limit = np.where(np.repeat(yaw[window], 2) % (np.pi / 2) > 0.0, 5.0, 11.0)
    return decide(occupied, ahead, speed, limit, DriverStyle(), patience)


def touches(xy: np.ndarray, yaw: float, others: Neighbours) -> bool:
    """Whether the ego's rectangle and somebody's overlap, both taken as rows of points along their middles."""
    length = np.linspace(-MODEL.rear_m, MODEL.front_m, 25)
    ego = xy + length[:, None] * np.array([np.cos(yaw), np.sin(yaw)])
    cos, sin = np.cos(others.yaw), np.sin(others.yaw)
    off = ego[None] - others.center[:, None, :2]
    along = np.abs(off[..., 0] * cos[:, None] + off[..., 1] * sin[:, None])
    across = np.abs(off[..., 1] * cos[:, None] - off[..., 0] * sin[:, None])
    beside = np.abs(np.cos(others.yaw - yaw)) < 0.7
    reach = np.where(beside, HALF[0], HALF[0])[:, None]
    return bool(((along < reach) & (across < HALF[1] + 0.3)).any())


def drives(flow: Stream, bend_at_m: float, until_m: float) -> tuple[float, list[float]]:
    """Return when the ego is past `until_m` and its speeds; it begins at rest, 5 m before the stream."""
    xy, yaw = path(bend_at_m)
    station, speed, waited, hurried, delay = CROSSING_M - HALF[1] - MODEL.front_m - 5.0, 0.0, 0.0, 0.0, START_DELAY_S
    speeds: list[float] = []
    for tick in range(1600):
        time_s = tick * STEP_S
        others = flow.at(STREAM_BEGAN_S + time_s)
        index = int(station)
        here = xy[index] + (station - index) * np.array([np.cos(yaw[index]), np.sin(yaw[index])])
        assert not touches(here, float(yaw[index]), others), f"hit after {time_s:.1f} s at station {station:.1f}"
        if station > until_m:
            return time_s, speeds
        decision = decided(others, station, speed, replace(Patience.after(waited), under_way_s=hurried), bend_at_m)
        hurried = hurried + STEP_S if decision.hurries else 0.0
        wanted = float(decision.profile.speed_mps[0])
        if speed < 0.05 and wanted > 0.0:
            delay -= STEP_S
            wanted = 0.0 if delay > 0.0 else wanted
        elif speed < 0.05:
            delay = START_DELAY_S
        waited = waited + STEP_S if speed < 0.3 else 0.0
        speed = max(0.0, speed + (wanted - speed) * STEP_S / 0.1)
        station += speed * STEP_S
        speeds.append(speed)
    raise AssertionError(f"still at station {station:.1f} m after 80 s")


@pytest.mark.parametrize("speed_mps", [8.0, 10.0, 12.0])
def test_gets_across_a_stream_that_brakes_for_nobody(speed_mps: float) -> None:
    flow = stream(speed_mps, (1.9 * speed_mps, 3.1 * speed_mps), start=(CROSSING_M, 60.0), yaw=-np.pi / 2)
    drives(flow, bend_at_m=1000.0, until_m=CROSSING_M + 12.0)


@pytest.mark.parametrize("speed_mps", [8.0, 10.0])
def test_gets_into_a_stream_that_brakes_for_nobody(speed_mps: float) -> None:
    flow = stream(speed_mps, (2.4 * speed_mps, 4.0 * speed_mps), start=(CROSSING_M + 5.0, -60.0), yaw=np.pi / 2)
    _, speeds = drives(flow, bend_at_m=CROSSING_M - 3.0, until_m=CROSSING_M + 75.0)
    assert speeds[-1] > 0.8 * speed_mps, "goes along with it"


def test_waits_with_a_runway() -> None:
    wall_of_cars = stream(10.0, (8.0, 8.1), start=(CROSSING_M, 60.0), yaw=-np.pi / 2)
    station, speed = CROSSING_M - 24.0, 8.0
    for tick in range(400):
        decision = decided(wall_of_cars.at(STREAM_BEGAN_S + tick * STEP_S), station, speed, Patience(), 1000.0)
        speed = max(0.0, speed + (float(decision.profile.speed_mps[0]) - speed) * 0.5)
        station += speed * STEP_S
    room = CROSSING_M - HALF[1] - MODEL.front_m - station
    assert speed < 0.1
    assert 3.5 < room < 7.5, "to be rolling when it gets there"
