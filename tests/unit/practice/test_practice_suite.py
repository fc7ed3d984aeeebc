"""The suite to learn on: real places, away from where agents are tested."""

from __future__ import annotations

from pathlib import Path

import carla
import numpy as np
import pytest

from alpamayo_scenarios.placement.table import RECIPES
from alpamayo_scenarios.suite import load_suite
from alpamayo_training.practice import suite as practice
from alpamayo_training.practice.suite import AWAY_M, TownTask, search_town, write_suite

KINDS = ("ParkedObstacle", "VanillaSignalizedTurnEncounterRedLight", "DynamicObjectCrossing")


def test_places_are_away_from_the_tested_ones_and_make_a_suite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(practice, "RECIPES", {kind: RECIPES[kind] for kind in KINDS})
    found = search_town(TownTask("Gridvale", seed=7, per_type=2))
    assert {place.type for place in found} == set(KINDS) and len(found) == 2 * len(KINDS)
    tested = [
        (scenario.type, scenario.trigger)
        for name in ("abilities", "smoke")
        for route in load_suite(name).routes
        if route.town == "Gridvale"
        for scenario in route.scenarios
    ]
    assert any(kind in KINDS for kind, _ in tested), "nothing is tested here, so that nothing was kept away from"
    for place in found:
        same = [at for kind, at in tested if kind == place.type]
        assert all(np.hypot(at.x - place.trigger.x, at.y - place.trigger.y) > AWAY_M for at in same)
    loaded = load_suite(str(write_suite(tmp_path, "practice", found, seed=7)))
    assert sorted(kinds[0] for kinds in loaded.types.values()) == sorted(place.type for place in found)
    assert loaded.background and loaded.scenarios_required


def test_towns_of_long_blocks_are_real_maps_drawn_from_their_seed() -> None:
    pytest.importorskip("scenariogeneration")
    from alpamayo_training.learnability.practice_towns import practice_town

    texts = [practice_town("Avenues", np.random.default_rng([7, 0]), long_streets=True) for _ in range(2)]
    assert texts[0] == texts[1]
    longest = max(
        waypoint.next_until_lane_end(1.0)[-1].s - waypoint.s
        for waypoint, _ in carla.Map("Avenues", texts[0]).get_topology()
        if not waypoint.is_junction and waypoint.lane_id < 0
    )
    assert longest > 150.0
