"""A suite of scenarios to collect demonstrations on, none of them where `abilities` and `smoke` test."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import carla
import numpy as np

from alpamayo_scenarios.library.registry import SCENARIO_TYPES
from alpamayo_scenarios.placement.route_xml import write_routes
from alpamayo_scenarios.placement.search import Placement, TownSearch
from alpamayo_scenarios.placement.table import LONG_WAYS, RECIPES
from alpamayo_scenarios.suite import load_suite
from alpamayo_sim.metrics.results.file import write_atomically
from alpamayo_training.learnability.weathers import draw_weather

TESTED_IN = ("abilities", "smoke")
TRAINING_TOWNS = ("Gridvale", "Oldwick", "Longmoor")
"""Rampfield is in no training set."""
AWAY_M = 25.0
"""So far from any place where the same type is tested."""


@dataclass(frozen=True)
class TownTask:
    """One town to search."""

    town: str
    """A name of ours or the path of an OpenDRIVE file."""
    seed: int
    per_type: int


def write_suite(folder: Path, name: str, placements: Sequence[Placement], seed: int) -> Path:
    """Write `name`.xml and `name`.yaml into the folder and return the YAML file; the order of routes is drawn from the seed."""
    order = np.random.default_rng((seed, 3)).permutation(len(placements))
    write_routes(folder / f"{name}.xml", {k: placements[int(i)] for k, i in enumerate(order)}, seed, _two_weathers)
    path = folder / f"{name}.yaml"
    write_atomically(
        path,
        f"title: Scenarios to learn on, in {len({p.town for p in placements})} towns\n"
        f"routes: {name}.xml\nprofile: bench2drive\nbackground: true\nscenarios_required: true\n",
    )
    return path


def search(tasks: Sequence[TownTask], jobs: int) -> Iterator[list[Placement]]:
    """Give out the places found in each town, in the order of the tasks; each town is searched in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(jobs, len(tasks)), maxtasksperchild=1) as pool:
        yield from pool.imap(search_town, tasks)


def search_town(task: TownTask) -> list[Placement]:
    """Return up to `per_type` places of every type in one town, on a server of its own."""
    found: list[Placement] = []
    with TownSearch(task.town, task.seed) as town:
        tested = _tested_places(town.town)
        for kind, recipe in RECIPES.items():
            if kind not in SCENARIO_TYPES:
                continue
            taken = tested.get(kind, [])
            more = len(taken)
            places = town.find(kind, recipe, task.per_type + more, long_ways=kind in LONG_WAYS)
            found += [place for place in places if _is_away(place, taken)][: task.per_type]
    return found


def _tested_places(town: str) -> dict[str, list[tuple[float, float]]]:
    places: dict[str, list[tuple[float, float]]] = {}
    for suite in TESTED_IN:
        for route in load_suite(suite).routes:
            if route.town == town:
                for scenario in route.scenarios:
                    at = scenario.trigger
                    places.setdefault(scenario.type, []).append((at.x, at.y))
    return places


def _is_away(place: Placement, taken: Sequence[tuple[float, float]]) -> bool:
    return all(np.hypot(place.trigger.x - x, place.trigger.y - y) > AWAY_M for x, y in taken)


def _two_weathers(rng: np.random.Generator) -> list[carla.WeatherParameters]:
    """A drawn weather at the start, and at the end the same with another light."""
    return [draw_weather(rng), draw_weather(rng)]
