"""How cars drive: accelerating, braking, coasting, shifting, against published traces of CARLA."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import carla

from alpamayo_sim.conformance.check import Family, Measured
from alpamayo_sim.conformance.checks.physics import MKZ_2017, RECORDINGS, speed_mps
from alpamayo_sim.conformance.context import CAR, STEP_S, Context

DRIVING = Family("driving")
_TRACES = "published 20 Hz traces of vehicle.lincoln.mkz_2020 on Town04's straight (carla_garage, PDM-Lite)"
_BRAKE_KMH = (
    9.31711370e-3, 8.20967431e-2, -2.83832427e-3, 5.06587474e-5, -4.90357228e-7, 2.44419284e-9, -4.91381935e-12,
)  # fmt: skip
"""PDM-Lite's fit of full braking: coefficients of v, v^2, ... v^7; speed in km/h to the one 0.05 s later."""


def launch(context: Context, length_m: float, throttle: float, type_id: str = CAR) -> tuple[carla.Vehicle, list[float]]:
    """Return a car that has just begun to move under throttle on a straight, and its speeds (m/s) at every tick so far."""
    vehicle = context.car_on_straight(length_m, 5.0, type_id)
    vehicle.apply_control(carla.VehicleControl(throttle=throttle))
    speeds: list[float] = []
    while (not speeds or speeds[-1] < 0.1) and len(speeds) < 60:
        context.tick()
        speeds.append(speed_mps(vehicle))
    return vehicle, speeds


@DRIVING.check(
    "dead_time",
    "The first throttle after a spawn takes half a second to act",
    carla="The gearbox engages gear 1 first: 10 ticks of 0.05 s.",
    source=_TRACES + "; 0.50 and 0.53 s in CARLA recordings",
)
def _dead_time(context: Context) -> Iterator[Measured]:
    _, speeds = launch(context, 60.0, 1.0)
    yield Measured("time until the car moves", STEP_S * len(speeds), "s", 0.5, 0.16)


def _time_to(context: Context, vehicle: carla.Vehicle, kmh: float, limit: int) -> float:
    return STEP_S * context.tick_until(lambda: 3.6 * speed_mps(vehicle) >= kmh, limit)


@DRIVING.check(
    "acceleration",
    "Full throttle accelerates the Lincoln MKZ 2020 as CARLA's does",
    carla="From rest: 20 km/h after 0.90 s, 50 km/h after 2.45 s, counted from the first motion.",
    source=_TRACES,
)
def _acceleration(context: Context) -> Iterator[Measured]:
    vehicle, _ = launch(context, 45.0, 1.0)
    elapsed = 0.0
    for kmh, expected_s in ((20, 0.90), (30, 1.40), (40, 1.85), (50, 2.45)):
        elapsed += _time_to(context, vehicle, kmh, 120)
        yield Measured(f"0 to {kmh} km/h", elapsed, "s", expected_s, 0.25)


def _time_to_speed(
    context: Context, length_m: float, throttle: float, kmh: int, expected: tuple[float, float], limit: int
) -> Iterator[Measured]:
    """Measure the time from rest to a speed; `expected` is (time in s, tolerance in s), `limit` is in ticks."""
    vehicle, _ = launch(context, length_m, throttle)
    taken_s = _time_to(context, vehicle, kmh, limit)
    with_throttle = f" with throttle {throttle:g}" if throttle < 1.0 else ""
    yield Measured(f"0 to {kmh} km/h{with_throttle}", taken_s, "s", *expected)


DRIVING.check(
    "partial_throttle",
    "Less throttle accelerates less, as CARLA's does",
    carla="With throttle 0.7 from 0 to 50 km/h in 5.10 s.",
    source=_TRACES,
)(lambda context: _time_to_speed(context, 60.0, 0.7, 50, (5.10, 0.51), 200))

DRIVING.check(
    "acceleration_100",
    "Full throttle up to 100 km/h",
    carla="From 0 to 100 km/h in 7.85 s.",
    source=_TRACES,
    quick=False,
)(lambda context: _time_to_speed(context, 200.0, 1.0, 100, (7.85, 0.8), 300))


@DRIVING.check(
    "braking",
    "Full brake stops the car as CARLA's does",
    carla="About 7 to 9 m/s^2, then 26 m/s^2 below 22 km/h; PDM-Lite's fit gives time and distance.",
    source=_TRACES + "; the fit is PDM-Lite's brake forecast",
)
def _braking(context: Context) -> Iterator[Measured]:
    vehicle, _ = launch(context, 60.0, 1.0)
    context.tick_until(lambda: 3.6 * speed_mps(vehicle) >= 50.0, 120)
    start, start_kmh = vehicle.get_location(), 3.6 * speed_mps(vehicle)
    expected_s, expected_m, kmh = 0.0, 0.0, start_kmh
    while kmh > 0.5 and expected_s < 10.0:
        expected_m += kmh / 3.6 * STEP_S
        kmh = max(0.0, sum(c * kmh ** (power + 1) for power, c in enumerate(_BRAKE_KMH)))
        expected_s += STEP_S
    vehicle.apply_control(carla.VehicleControl(brake=1.0))
    elapsed = STEP_S * context.tick_until(lambda: speed_mps(vehicle) < 0.15, 120)
    yield Measured("time to stop from 50 km/h", elapsed, "s", round(expected_s, 3), 0.35)
    distance = vehicle.get_location().distance(start)
    yield Measured("distance to stop from 50 km/h", distance, "m", round(expected_m, 3), 2.5)


@DRIVING.check(
    "coasting",
    "Without throttle the engine brakes",
    carla="In second gear about 3.5 to 6 m/s^2 between 10.5 and 7.3 m/s (Lincoln MKZ 2017).",
    source=RECORDINGS,
)
def _coasting(context: Context) -> Iterator[Measured]:
    vehicle, _ = launch(context, 60.0, 1.0, MKZ_2017)
    context.tick_until(lambda: speed_mps(vehicle) >= 10.8, 120)
    vehicle.apply_control(carla.VehicleControl())
    context.tick_until(lambda: speed_mps(vehicle) <= 10.0, 60)
    start = speed_mps(vehicle)
    ticks = context.tick_until(lambda: speed_mps(vehicle) <= 7.6, 100)
    mean = (start - speed_mps(vehicle)) / max(STEP_S * ticks, STEP_S)
    yield Measured("mean deceleration from 10.0 to 7.6 m/s", mean, "m/s^2", 4.75, 1.75)


@DRIVING.check(
    "gears",
    "The control that comes back tells the gear; reverse drives backwards",
    carla="get_control().gear is the current gear: it climbs with the speed, and is -1 in reverse.",
    source="Carla/Vehicle/WheeledVehicle (GetVehicleCurrentGear); shift speeds from " + _TRACES,
)
def _gears(context: Context) -> Iterator[Measured]:
    vehicle, _ = launch(context, 60.0, 1.0)
    gears: list[int] = []
    while 3.6 * speed_mps(vehicle) < 52.0 and len(gears) < 150:
        context.tick()
        gears.append(vehicle.get_control().gear)
    yield Measured("highest gear up to 52 km/h", max(gears, default=0), expected=4)
    yield Measured("gears never fall while accelerating, neutral aside", _climbs(gears), expected=True)
    vehicle.apply_control(carla.VehicleControl(brake=1.0))
    context.tick_until(lambda: speed_mps(vehicle) < 0.05, 120)
    context.tick(20)
    start, forward = vehicle.get_location(), vehicle.get_transform().get_forward_vector()
    vehicle.apply_control(carla.VehicleControl(throttle=0.6, reverse=True))
    context.tick(40)
    moved = (vehicle.get_location() - start).dot(forward)
    yield Measured("gear in reverse", vehicle.get_control().gear, expected=-1)
    yield Measured("reverse comes back", vehicle.get_control().reverse, expected=True)
    yield Measured("it drives backwards", moved < -1.0, expected=True)
    yield Measured("distance in two seconds of reverse", moved, "m", diff_tolerance=1.0)


def _climbs(gears: list[int]) -> bool:
    engaged = [gear for gear in gears if gear > 0]
    return engaged == sorted(engaged)


@DRIVING.check(
    "telemetry",
    "The telemetry agrees with the state",
    carla="VehicleTelemetryData has speed (m/s), gear, engine speed and four wheels.",
    source="Carla/Vehicle/VehicleTelemetryData.h",
)
def _telemetry(context: Context) -> Iterator[Measured]:
    vehicle, _ = launch(context, 60.0, 0.8)
    context.tick(20)
    untyped: Any = vehicle
    data = untyped.get_telemetry_data()
    yield Measured("telemetry's speed less the state's", data.speed - speed_mps(vehicle), "m/s", 0.0, 0.3)
    yield Measured("throttle", data.throttle, "", 0.8, 0.02)
    yield Measured("wheels", len(data.wheels), expected=4)
    yield Measured("engine speed is plausible", 500.0 < data.engine_rpm < 7500.0, expected=True)


@DRIVING.check(
    "ackermann",
    "The Ackermann controller reaches a target speed",
    carla="A PID controller with speed kp 0.15, kd 0.25 and acceleration kp 0.01, kd 0.01; it does reach 5 m/s.",
    source="Carla/Vehicle/AckermannController; defaults of carla.AckermannControllerSettings",
)
def _ackermann(context: Context) -> Iterator[Measured]:
    vehicle = context.car_on_straight(60.0, 5.0)
    settings = vehicle.get_ackermann_controller_settings()
    for name, default in (("speed_kp", 0.15), ("speed_ki", 0.0), ("speed_kd", 0.25), ("accel_kp", 0.01)):
        yield Measured(f"default {name}", getattr(settings, name), "", default, 1e-4)
    vehicle.apply_ackermann_control(carla.VehicleAckermannControl(speed=5.0, acceleration=3.0))
    context.tick(160)
    yield Measured("speed after 8 s", speed_mps(vehicle), "m/s", 5.0, 1.0)
