"""The mkz_2020 drives as recorded in CARLA: straight-line speeds, braking, coasting, steering."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.world import World

sys.path.insert(0, str(Path(__file__).parent))
from dynamics_table import THROTTLES, TICK_S, compare, simulated

CAR = "vehicle.lincoln.mkz_2020"
CURVE = ((0.0, 1.0), (20.0, 0.9), (60.0, 0.8), (120.0, 0.7))


@pytest.mark.parametrize("throttle", THROTTLES)
def test_recorded_drive_is_reproduced(flat_world: World, shared_data: Path, throttle: float) -> None:
    real, ours, rms = compare(flat_world, shared_data, throttle)
    assert rms < 0.05
    for kmh in (50, 100):
        if (recorded_s := real.time_to(kmh)) is not None:
            assert ours.time_to(kmh) == pytest.approx(recorded_s, rel=0.10)
    assert ours.stopping_time_s == pytest.approx(real.stopping_time_s, rel=0.10)


@pytest.mark.parametrize(
    ("throttle", "times_s"),
    [(0.7, {30: 2.90, 50: 5.10, 80: 11.1, 100: 16.95}), (0.9, {30: 1.80, 50: 2.95, 80: 6.20, 100: 9.35})],
)
def test_throttles_that_were_not_fitted(flat_world: World, throttle: float, times_s: dict[int, float]) -> None:
    ours = simulated(flat_world, throttle, 500, 500, start=10)
    for kmh, seconds in times_s.items():
        assert ours.time_to(kmh) == pytest.approx(seconds, rel=0.12)


def test_a_low_throttle_only_creeps(flat_world: World) -> None:
    assert simulated(flat_world, 0.4, 3000, 3000).speed_mps.max() * 3.6 < 15.0
    assert simulated(flat_world, 0.2, 400, 400).speed_mps.max() * 3.6 < 3.0


def test_braking_from_120_kmh(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0)
    row = flat_world.row(car.id)
    while flat_world.actors.velocity_mps[row, 0] * 3.6 < 120.0:
        flat_world.step(TICK_S)
    flat_world.apply_vehicle_control(car.id, 0.0, 0.0, 1.0)
    start, ticks = flat_world.transform(car.id).x, 0
    last = [flat_world.actors.velocity_mps[row, 0]]
    while last[-1] > 0.0:
        flat_world.step(TICK_S)
        last.append(flat_world.actors.velocity_mps[row, 0])
        ticks += 1
    assert ticks * TICK_S == pytest.approx(3.95, rel=0.1)
    assert flat_world.transform(car.id).x - start == pytest.approx(76.0, rel=0.1)
    slow = [(a - b) / TICK_S for a, b in zip(last[:-1], last[1:], strict=True) if a * 3.6 < 17.0 and b > 0.5]
    assert np.mean(slow) == pytest.approx(26.4, abs=5.0)


def test_coasting_brakes_with_the_engine(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    row = flat_world.row(car.id)
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0)
    while flat_world.actors.velocity_mps[row, 0] < 14.5:
        flat_world.step(TICK_S)
    flat_world.apply_vehicle_control(car.id, 0.0, 0.0, 0.0)
    slowing: dict[int, list[float]] = {}
    for _ in range(400):
        before = flat_world.actors.velocity_mps[row, 0]
        flat_world.step(TICK_S)
        gear = int(flat_world.vehicles.gear[0])
        slowing.setdefault(gear, []).append((before - flat_world.actors.velocity_mps[row, 0]) / TICK_S)
    assert 1.5 < np.median(slowing[3]) < 5.0
    assert 2.5 < np.median([a for a in slowing[2] if a > 0.5]) < 8.0
    assert flat_world.actors.velocity_mps[row, 0] < 0.3, "a car in gear does not roll on for ever"


def test_first_motion_takes_half_a_second_after_the_spawn(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
    flat_world.apply_vehicle_control(car.id, 1.0, 0.0, 0.0)
    ticks = 0
    while flat_world.actors.velocity_mps[flat_world.row(car.id), 0] < 0.05:
        flat_world.step(TICK_S)
        ticks += 1
    assert ticks * TICK_S == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("speed", [2.0, 5.0, 8.0, 11.0, 14.0, 18.0])
@pytest.mark.parametrize("steer", [-0.1, 0.2])
def test_steering_gain(flat_world: World, speed: float, steer: float) -> None:
    car = flat_world.spawn(CAR, {}, Transform(500.0, 8.0, 0.0))
    row, physics = flat_world.row(car.id), flat_world.physics_control(car.id)
    flat_world.apply_vehicle_control(car.id, 0.0, steer, 0.0)
    flat_world.set_target_velocity(car.id, (speed, 0.0, 0.0))
    for _ in range(12):
        flat_world.step(TICK_S)
    measured = float(np.linalg.norm(flat_world.actors.velocity_mps[row, :2]))
    yaw_rate = math.radians(flat_world.actors.angular_velocity_dps[row, 2])
    commanded = math.radians(steer * 70.0) * np.interp(measured * 3.6, *zip(*CURVE, strict=True))
    gain = math.atan(physics.wheelbase_m * yaw_rate / measured) / commanded
    assert gain == pytest.approx(0.97 - 0.012 * measured, abs=0.07)


def test_steering_lag(flat_world: World) -> None:
    car = flat_world.spawn(CAR, {}, Transform(500.0, 8.0, 0.0))
    rates = []
    for tick in range(30):
        flat_world.apply_vehicle_control(car.id, 0.0, 0.1 if tick >= 10 else 0.0, 0.0)
        yaw = math.radians(flat_world.transform(car.id).yaw)
        flat_world.set_target_velocity(car.id, (8.0 * math.cos(yaw), 8.0 * math.sin(yaw), 0.0))
        flat_world.step(TICK_S)
        rates.append(flat_world.actors.angular_velocity_dps[flat_world.row(car.id), 2])
    share = np.array(rates[10:]) / rates[-1]
    assert 0.2 < share[0] < 0.55 and 0.45 < share[1] < 0.85 and share[3] > 0.85


@pytest.mark.parametrize("throttle", [0.45, 0.5, 0.55, 0.6, 0.7, 0.85, 1.0])
def test_the_gearbox_does_not_hunt_for_ever(flat_world: World, throttle: float) -> None:
    """Whatever the speed at which the throttle goes down, the car passes 20 km/h."""
    for start_mps in (0.0, 3.0, 4.8, 5.2):
        car = flat_world.spawn(CAR, {}, Transform(50.0, 5.0, 0.0))
        flat_world.apply_vehicle_control(car.id, throttle, 0.0, 0.0)
        flat_world.set_target_velocity(car.id, (start_mps, 0.0, 0.0))
        row = flat_world.row(car.id)
        fastest = 0.0
        for _ in range(400):
            flat_world.step(TICK_S)
            fastest = max(fastest, float(flat_world.actors.velocity_mps[row, 0]))
        assert fastest * 3.6 > 20.0 or throttle < 0.5
        flat_world.destroy(car.id)
