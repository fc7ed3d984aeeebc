"""Fits engine and gearbox of the mkz_2020 to the recorded CARLA drives, and prints them.

`python tests/unit/world/identify_mkz_2020.py DATA_FOLDER [EVALUATIONS]`. It starts from the packaged values and minimises the
speed errors of throttles 0.5, 0.6, 0.8 and 1.0 (RMS over each drive, and times to every 10 km/h); 0.4, 0.7, 0.9, coasting
and mkz_2017 recordings are left for the tests to check.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from dynamics_table import KMH, THROTTLES, TICK_S, Drive, recorded, rest_ticks
from numba import njit
from numpy.typing import NDArray
from scipy.optimize import minimize

from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.constants import vehicle_constants
from alpamayo_sim.world.drivetrain import drive
from alpamayo_sim.world.physics import VehiclePhysics
from alpamayo_sim.world.tables import VehicleTable
from alpamayo_sim.world.vehicle_models import SEDAN_2020

EXTENT = catalogue()["vehicle.lincoln.mkz_2020"].extent
SUBSTEPS = 5


@njit
def straight_drive(vehicle: Any, constants: Any, throttle: float, brake_tick: int, ticks: int) -> NDArray[np.float64]:
    """Return the speeds (m/s) after each tick on flat ground: throttle from rest, full brake from `brake_tick` on."""
    speed = np.zeros(ticks + 1)
    for tick in range(ticks):
        vehicle[0].throttle = throttle if tick < brake_tick else 0.0
        vehicle[0].brake = 0.0 if tick < brake_tick else 1.0
        v = speed[tick]
        for _ in range(SUBSTEPS):
            v = drive(vehicle[0], constants[0], v, 0.0, 0.0, True, TICK_S / SUBSTEPS)
        speed[tick + 1] = v
    return speed


def changed(factors: NDArray[np.float64]) -> VehiclePhysics:
    """Return the packaged physics with torques, ratios of gears 1-4, up ratios of gears 2-5 and dampings scaled."""
    torque, rest = factors[:11], factors[11:]
    gears = list(SEDAN_2020.forward_gears)
    for i in range(4):
        gears[i] = replace(gears[i], ratio=gears[i].ratio * rest[i])
        gears[i + 1] = replace(gears[i + 1], up_ratio=gears[i + 1].up_ratio * rest[4 + i])
    return replace(
        SEDAN_2020,
        torque_curve=tuple((rpm, nm * f) for (rpm, nm), f in zip(SEDAN_2020.torque_curve, torque, strict=True)),
        forward_gears=tuple(gears),
        damping_full_throttle=SEDAN_2020.damping_full_throttle * rest[8],
        damping_zero_throttle_clutch_engaged=SEDAN_2020.damping_zero_throttle_clutch_engaged * rest[9],
    )


def cost(factors: NDArray[np.float64], drives: dict[float, tuple[Drive, int]]) -> float:
    """Return the weighted squared errors of all drives, plus a pull towards the packaged values."""
    if factors.min() <= 0.2:
        return 1e6
    constants = vehicle_constants(changed(factors), EXTENT).reshape(1)
    total = float(np.sum((factors - 1.0) ** 2))
    for throttle, (real, rest) in drives.items():
        ticks = len(real.speed_mps) - 1
        vehicle = np.zeros(1, VehicleTable.dtype)
        speed = straight_drive(vehicle, constants, throttle, real.brake_tick + rest, ticks + rest)[rest:]
        ours = Drive(speed, real.brake_tick)
        rms = float(np.sqrt(np.mean((speed - real.speed_mps) ** 2)) / real.speed_mps.max())
        total += (50.0 * rms) ** 2
        for kmh in range(10, int(real.speed_mps.max() * KMH), 10):
            expected = real.time_to(kmh) or 0.0
            found = ours.time_to(kmh) or 2.0 * expected
            total += 0.2 * (10.0 * (found - expected) / (expected + 0.1)) ** 2
    return total


def main(data: Path, evaluations: int) -> None:
    """Fit and print."""
    drives = {throttle: (recorded(data, throttle), rest_ticks(data, throttle)) for throttle in THROTTLES}
    start = np.ones(21)
    print(f"cost of the packaged values: {cost(start, drives):.2f}")
    options = {"maxfev": evaluations, "adaptive": True}
    fitted = minimize(cost, start, args=(drives,), method="Nelder-Mead", options=options)
    print(f"cost after {fitted.nfev} evaluations: {fitted.fun:.2f}")
    print(changed(fitted.x))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 4000)
