"""Places of the suite `abilities`: three of every type, apart from each other, as the generator finds them."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_scenarios.placement import __main__ as generator
from alpamayo_scenarios.placement.search import Placement, farthest_first
from alpamayo_scenarios.placement.table import COUNTRY_TYPES, RECIPES
from alpamayo_scenarios.placement.ways import LONG_M, ways
from alpamayo_scenarios.suite import load_suite
from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.towns.generate import build_network

APART_M, FAR_APART_M = 15.0, 100.0
ONE_TOWN = ("HighwayExit", "InterurbanActorFlow", "InterurbanAdvancedActorFlow")
"""Types that only the town of motorway and rural roads has room for."""


def distance_m(one: Transform, other: Transform) -> float:
    return math.hypot(one.x - other.x, one.y - other.y)


def test_three_places_of_every_type_under_stable_ids() -> None:
    routes = {int(route.route_id): route for route in load_suite("abilities").routes}
    assert sorted(routes) == list(range(1000, 1000 + 3 * len(RECIPES)))
    for number, kind in enumerate(RECIPES):
        places = [routes[1000 + 3 * number + i] for i in range(3)]
        assert [place.scenarios[0].type for place in places] == [kind] * 3
        towns = {place.town for place in places}
        assert len(towns) > 1 or kind in ONE_TOWN
        assert ("Longmoor" in towns) <= (kind in COUNTRY_TYPES)
        for a, b in itertools.combinations(places, 2):
            if a.town == b.town:
                least = FAR_APART_M if a.town == "Longmoor" else APART_M
                assert distance_m(a.scenarios[0].trigger, b.scenarios[0].trigger) > least, (a.route_id, b.route_id)


@given(st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=1, max_size=9))
def test_farthest_first_begins_with_the_first_and_goes_far(points: list[tuple[float, float]]) -> None:
    places = [Placement("A", "B", (), Transform(x, y, 0.0, 0.0, 0.0, 0.0), {}) for x, y in points]
    chosen = farthest_first(places)
    assert chosen[0] is places[0] and sorted(map(id, chosen)) == sorted(map(id, places))
    if len(places) > 1:
        assert distance_m(chosen[1].trigger, chosen[0].trigger) == max(
            distance_m(place.trigger, places[0].trigger) for place in places
        )


def test_what_ways_say_of_limits_and_of_what_lies_behind() -> None:
    road_map = load_road_map("Longmoor")
    found = list(ways(road_map, LONG_M))
    names = {"Moor Motorway Middle": 90.0, "Farm Loop": 60.0, "Heath Road": 80.0, "Church Road": 50.0}
    roads = {street.name: street.id for street in build_network("Longmoor").town.streets}
    for name, limit in names.items():
        way = next(way for way in found if way.segment(0).key[0] == roads[name])
        assert way.limit_kmh(way.waypoint(0)) == limit
    middle = [way for way in found if way.segment(0).key[0] == roads["Moor Motorway Middle"]]
    assert {way.straight_behind(0, 30.0) for way in middle} == {True, False}, "at its begin there is a junction"
    loop = [way for way in found if way.segment(0).key[0] == roads["Farm Loop"]]
    assert {way.straight_behind(0, 30.0) for way in loop} == {True, False}, "and here it bends"
    assert max(way.length_m for way in found) > 400.0


@pytest.mark.full
def test_the_generator_writes_the_shipped_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["placement", "--out", str(tmp_path)])
    assert generator.main() == 0
    for name in ("abilities.xml", "smoke.xml"):
        assert (tmp_path / name).read_bytes() == (generator.SUITES / name).read_bytes()
