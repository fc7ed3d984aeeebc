"""Real towns and one of ours."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from alpamayo_sim.roads.road_map import RoadMap, load_road_map

REAL_TOWNS = ("Town01", "Town02", "Town04", "Town10HD")


@pytest.fixture(scope="session")
def real_town(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], RoadMap]:
    """Loads a real CARLA town by name, each once."""
    cache_dir = tmp_path_factory.mktemp("maps")
    loaded: dict[str, RoadMap] = {}

    def load(name: str) -> RoadMap:
        if name not in loaded:
            loaded[name] = load_road_map(shared_data / "maps" / f"{name}.xodr", cache_dir=cache_dir)
        return loaded[name]

    return load


@pytest.fixture(scope="session", params=REAL_TOWNS)
def town(request: pytest.FixtureRequest, real_town: Callable[[str], RoadMap]) -> RoadMap:
    """Each of the real towns in turn."""
    return real_town(request.param)


@pytest.fixture(scope="session")
def gridvale() -> RoadMap:
    """Our own grid town, which every checkout has."""
    return load_road_map("Gridvale")
