"""Practice towns: random grids from the generator of our own towns, so that a probe learns streets and not three places.

Lane widths, markings, kerbs, corners, blocks and the control of junctions are drawn; everything follows from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.towns.alignment import wrap_angle
from alpamayo_sim.roads.towns.cross_section import (
    NO_MARK,
    WHITE_BROKEN,
    WHITE_SOLID,
    YELLOW_BROKEN,
    YELLOW_DOUBLE,
    YELLOW_SOLID,
    Mark,
    Profile,
    driving_half,
    two_way,
)
from alpamayo_sim.roads.towns.furniture import TRAFFIC_LIGHT, furnish
from alpamayo_sim.roads.towns.network import Node, Town
from alpamayo_sim.roads.towns.opendrive import to_opendrive
from alpamayo_sim.roads.towns.road import RoadNetwork, lay_out

_CONTROLS = ("signals", "all_way_stop", "stop")
_SHARES = (0.6, 0.25, 0.15)
_CENTERS = (YELLOW_BROKEN, YELLOW_SOLID, YELLOW_DOUBLE, WHITE_BROKEN, WHITE_SOLID)
_SPEEDS_KMH = (30, 40, 50, 60)
_TRIES = 20
NEAR_SIDE_SHARE = 0.4
WIDE_TOWNS_SHARE = 0.45
"""Of the towns: avenues of two or three lanes a direction, so that a junction is long enough to stand in."""
SAME_WAY_RAD = 0.4


def write_towns(folder: Path, count: int, seed: int, *, long_streets: bool = False) -> list[Path]:
    """Write so many practice towns (`Practice<seed>_<number>.xodr`, or `Avenues...` with long streets); return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for number in range(count):
        path = folder / f"{'Avenues' if long_streets else 'Practice'}{seed}_{number}.xodr"
        rng = np.random.default_rng([seed, number])
        path.write_text(practice_town(path.stem, rng, long_streets=long_streets))
        paths.append(path)
    return paths


def practice_town(name: str, rng: np.random.Generator, *, long_streets: bool = False) -> str:
    """Return the OpenDRIVE text of a town drawn from `rng`; a drawing whose streets do not fit is drawn anew.

    With `long_streets` its blocks are 200 to 300 m long, with bends and parking bays: room for scenarios.
    """
    draw = _draw_long if long_streets else _draw
    for _ in range(_TRIES):
        town = draw(name, rng)
        try:
            town.settle()
            network = lay_out(town)
            furnish(network)
            _move_lights(network, rng)
            return to_opendrive(network)
        except (ValueError, ZeroDivisionError):
            continue
    raise InputError(f"no practice town could be laid out in {_TRIES} tries; choose another seed")


def _draw(name: str, rng: np.random.Generator) -> Town:
    wide = bool(rng.random() < WIDE_TOWNS_SHARE)
    columns, rows = (3, 3) if wide else (int(rng.integers(3, 5)), int(rng.integers(3, 5)))
    spacing_m, corner_m = ((125.0, 175.0), (7.0, 15.0)) if wide else ((85.0, 140.0), (3.5, 9.0))
    return _grid(name, rng, _Plan(columns, rows, spacing_m, corner_m, wide))


def _draw_long(name: str, rng: np.random.Generator) -> Town:
    wide = bool(rng.random() < WIDE_TOWNS_SHARE)
    columns, rows = (2, 3) if rng.random() < 0.5 else (3, 2)
    plan = _Plan(columns, rows, (200.0, 300.0), (6.0, 14.0) if wide else (4.0, 9.0), wide, bend_m=70.0, bays=0.6)
    return _grid(name, rng, plan)


@dataclass(frozen=True)
class _Plan:
    """What a town's drawing goes by."""

    columns: int
    rows: int
    spacing_m: tuple[float, float]
    corner_m: tuple[float, float]
    wide: bool
    bend_m: float = 8.0
    """How far a street's middle may lie beside the straight line."""
    bays: float = 0.35
    """Share of the streets of one lane a direction that have parking bays."""


def _grid(name: str, rng: np.random.Generator, plan: _Plan) -> Town:
    town = Town(name, geo_reference=(48.0, 8.0))
    columns, rows, spacing_m, corner_m, wide = plan.columns, plan.rows, plan.spacing_m, plan.corner_m, plan.wide
    xs = np.cumsum(rng.uniform(*spacing_m, columns))
    ys = np.cumsum(rng.uniform(*spacing_m, rows))
    nodes: dict[tuple[int, int], Node] = {}
    for column in range(columns):
        for row in range(rows):
            x, y = xs[column] + rng.uniform(-9.0, 9.0), ys[row] + rng.uniform(-9.0, 9.0)
            control = str(rng.choice(_CONTROLS, p=_SHARES))
            nodes[column, row] = town.node(
                f"{name} {column}/{row}", float(x), float(y), control=control,
                corner_radius_m=float(rng.uniform(*corner_m)), crosswalks=bool(rng.random() < 0.75),
            )  # fmt: skip
    across = [_profile(rng, wide=wide, bays=plan.bays) for _ in range(rows)]
    along = [_profile(rng, wide=wide, bays=plan.bays) for _ in range(columns)]
    off_m = plan.bend_m
    for (column, row), node in nodes.items():
        give_way = bool(rng.random() < 0.5)
        for step, profile, yields in (((1, 0), across[row], give_way), ((0, 1), along[column], not give_way)):
            end = nodes.get((column + step[0], row + step[1]))
            if end is None:
                continue
            middle = (
                (node.x + end.x) / 2.0 + rng.uniform(-off_m, off_m),
                (node.y + end.y) / 2.0 + rng.uniform(-off_m, off_m),
            )
            bent = rng.random() < 0.4
            town.street(
                f"{name} {column}/{row} {step}", node, end, profile, int(rng.choice(_SPEEDS_KMH)),
                via=[middle] if bent else (), radius_m=60.0, give_way="both" if yields else "",
            )  # fmt: skip
    return town


def _move_lights(network: RoadNetwork, rng: np.random.Generator) -> None:
    """Move some lights to the near side of their junctions, where the streets go straight on, as in CARLA's smaller towns."""
    for connections in network.junction_roads.values():
        for road, connection in connections:
            for k, sign in enumerate(road.signs):
                own = (
                    sign.type == TRAFFIC_LIGHT and connection.turn == "straight" and abs(sign.facing_rad) < SAME_WAY_RAD
                )
                if own and rng.random() < NEAR_SIDE_SHARE:
                    at = min(float(rng.uniform(0.5, 6.0)), sign.s_m)
                    heading = road.alignment.pose_at(sign.s_m).heading + sign.facing_rad
                    turned = wrap_angle(heading - road.alignment.pose_at(at).heading)
                    road.signs[k] = replace(sign, s_m=at, facing_rad=turned)


def _profile(rng: np.random.Generator, *, wide: bool, bays: float) -> Profile:
    lanes = int(rng.choice((1, 2, 3), p=(0.15, 0.5, 0.35) if wide else (0.65, 0.35, 0.0)))
    half = driving_half(
        lanes,
        lane_width_m=round(float(rng.uniform(2.9, 4.1)), 2),
        parking_m=2.2 if lanes == 1 and rng.random() < bays else 0.0,
        gutter_m=round(float(rng.uniform(0.2, 1.0)), 2),
        sidewalk_m=round(float(rng.uniform(1.8, 4.0)), 2),
    )
    edge = NO_MARK if rng.random() < 0.4 else WHITE_SOLID
    outer = max(k for k, strip in enumerate(half) if strip.kind == "driving")
    half = tuple(replace(strip, mark=edge) if k == outer else strip for k, strip in enumerate(half))
    profile = two_way(half)
    center: Mark = _CENTERS[int(rng.integers(len(_CENTERS)))]
    return replace(profile, center=center, center_approach=None if rng.random() < 0.5 else profile.center_approach)
