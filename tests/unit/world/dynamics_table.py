"""Drives the simulated mkz_2020 through the manoeuvres of the recorded CARLA drives; prints the comparison as a program.

`python tests/unit/world/dynamics_table.py DATA_FOLDER`
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.world import World

TICK_S = 0.05
THROTTLES = (0.5, 0.6, 0.8, 1.0)
KMH = 3.6
STANDING_MPS = 0.03


@dataclass(frozen=True)
class Drive:
    """Speeds (m/s) of one drive at 20 Hz, counted from the last tick at rest, and the tick at which it brakes."""

    speed_mps: NDArray[np.float64]
    brake_tick: int

    def time_to(self, kmh: float) -> float | None:
        """Seconds until `kmh` is reached before braking; None if it is not."""
        reached = np.flatnonzero(self.speed_mps[: self.brake_tick + 1] * KMH >= kmh)
        return float(reached[0]) * TICK_S if len(reached) else None

    @property
    def stopping_time_s(self) -> float:
        """Seconds from the brake command to standstill."""
        return float(np.argmax(self.speed_mps[self.brake_tick :] <= STANDING_MPS)) * TICK_S


def recorded(data: Path, throttle: float) -> Drive:
    """Return the recorded drive with this throttle."""
    with (data / "dynamics" / f"mkz_2020_throttle_{throttle:.1f}.csv").open() as file:
        speed = np.array([float(row["speed_kmh"]) for row in csv.DictReader(file)]) / KMH
    start = int(np.argmin(speed[:30]))
    return Drive(speed[start:], int(np.argmax(speed)) - start)


def simulated(world: World, throttle: float, brake_tick: int, ticks: int, *, start: int = 0) -> Drive:
    """Return the same drive in `world`: `throttle` from rest, then full brake; `start` ticks at rest are cut off."""
    car = world.spawn("vehicle.lincoln.mkz_2020", {}, Transform(20.0, 5.0, 0.0))
    row = world.row(car.id)
    speed = np.zeros(ticks + start + 1)
    world.apply_vehicle_control(car.id, throttle, 0.0, 0.0)
    for tick in range(ticks + start):
        if tick == brake_tick + start:
            world.apply_vehicle_control(car.id, 0.0, 0.0, 1.0)
        world.step(TICK_S)
        speed[tick + 1] = np.linalg.norm(world.actors.velocity_mps[row])
    world.destroy(car.id)
    return Drive(speed[start:], brake_tick)


def rest_ticks(data: Path, throttle: float) -> int:
    """Ticks of the recording before its lowest speed: the throttle is down, the car is not moving yet."""
    with (data / "dynamics" / f"mkz_2020_throttle_{throttle:.1f}.csv").open() as file:
        speed = [float(row["speed_kmh"]) for row in csv.DictReader(file)]
    return int(np.argmin(speed[:30]))


def compare(world: World, data: Path, throttle: float) -> tuple[Drive, Drive, float]:
    """Return the recorded drive, the simulated one, and the speed RMS error as a fraction of the highest recorded speed."""
    real = recorded(data, throttle)
    ticks = len(real.speed_mps) - 1
    ours = simulated(world, throttle, real.brake_tick, ticks + 100, start=rest_ticks(data, throttle))
    error = ours.speed_mps[: ticks + 1] - real.speed_mps
    return real, ours, float(np.sqrt(np.mean(error**2)) / real.speed_mps.max())


def _cell(value: float | None) -> str:
    return f"{value:7.2f}" if value is not None else "      -"


def print_table(world: World, data: Path) -> None:
    """Print recorded / simulated times to speeds, stopping times and RMS errors."""
    speeds = (10, 20, 30, 40, 50, 60, 80, 100, 120)
    print("throttle          " + "".join(f"{f'0-{kmh}':>8}" for kmh in speeds) + "    stop  RMS % of full scale")
    for throttle in THROTTLES:
        real, ours, rms = compare(world, data, throttle)
        for name, drive, tail in (("CARLA", real, ""), ("ours", ours, f"   {100 * rms:.2f}")):
            cells = " ".join(_cell(drive.time_to(kmh)) for kmh in speeds)
            print(f"{throttle:.1f} {name:>12}  {cells} {drive.stopping_time_s:7.2f}{tail}")
    for throttle in (0.4, 0.7, 0.9):
        ours = simulated(world, throttle, 3000, 3000, start=10)
        cells = " ".join(_cell(ours.time_to(kmh)) for kmh in speeds)
        print(f"{throttle:.1f} {'ours':>12}  {cells}   (hold-out) top {ours.speed_mps.max() * KMH:.1f} km/h")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    from conftest import FLAT_ROAD

    from alpamayo_sim.roads.road_map import road_map_from_text

    print_table(World(road_map_from_text("flat", FLAT_ROAD), None), Path(sys.argv[1]))
