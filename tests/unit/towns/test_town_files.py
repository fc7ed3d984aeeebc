from __future__ import annotations

import pytest

from alpamayo_sim.roads.road_map import available_towns, load_road_map
from alpamayo_sim.roads.towns import town_path
from alpamayo_sim.roads.towns.generate import BUILDERS, generate


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_regeneration_gives_the_shipped_bytes(name: str) -> None:
    shipped = town_path(name).read_bytes()
    assert generate(name).encode("utf-8") == shipped
    assert len(shipped) < 2_000_000


def test_every_builder_is_shipped_and_listed() -> None:
    assert set(BUILDERS) <= set(available_towns())
    with pytest.raises(KeyError):
        town_path("Nowhere")


@pytest.mark.parametrize("name", sorted(BUILDERS))
def test_towns_load_with_spawn_points_and_a_place_on_earth(name: str) -> None:
    road_map = load_road_map(name)
    assert len(road_map.spawn_points) >= 100
    lat, lon = road_map.geo_reference
    assert abs(lat) > 1.0 and abs(lon) > 0.05
    size = road_map.lanes.xyz[:, :2].max(axis=0) - road_map.lanes.xyz[:, :2].min(axis=0)
    assert size.min() > 300.0 and size.max() < (1400.0 if name == "Longmoor" else 850.0)
