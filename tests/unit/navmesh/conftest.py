"""Our towns, and what they become without sidewalks or crosswalks."""

from __future__ import annotations

import pytest

from alpamayo_sim.roads.navmesh.mesh import NavMesh, build_mesh
from alpamayo_sim.roads.road_map import RoadMap, load_road_map, road_map_from_text

TOWNS = ("Gridvale", "Oldwick", "Rampfield")


@pytest.fixture(scope="session", params=TOWNS)
def town(request: pytest.FixtureRequest) -> RoadMap:
    """One of our towns."""
    return load_road_map(str(request.param))


@pytest.fixture(scope="session")
def town_mesh(town: RoadMap) -> NavMesh:
    """Its navigation mesh."""
    return build_mesh(town)


@pytest.fixture(scope="session")
def gridvale() -> RoadMap:
    """A grid with crosswalks."""
    return load_road_map("Gridvale")


@pytest.fixture(scope="session")
def gridvale_mesh(gridvale: RoadMap) -> NavMesh:
    """Its navigation mesh."""
    return build_mesh(gridvale)


def _changed(road_map: RoadMap, *changes: tuple[str, str]) -> RoadMap:
    xodr = road_map.xodr
    for old, new in changes:
        assert old in xodr
        xodr = xodr.replace(old, new)
    return road_map_from_text("Changed", xodr)


@pytest.fixture(scope="session")
def without_crosswalks(gridvale: RoadMap) -> RoadMap:
    """Gridvale with no crosswalk in its file, like CARLA's Town01."""
    changed = _changed(gridvale, ('"LadderCrosswalk"', '"Patch"'), ('"crosswalk"', '"patch"'))
    assert not changed.crosswalks
    return changed


@pytest.fixture(scope="session", params=["shoulders", "nothing"])
def without_sidewalks(request: pytest.FixtureRequest, gridvale: RoadMap) -> RoadMap:
    """Gridvale without sidewalks, and also without shoulders."""
    changes = [('type="sidewalk"', 'type="none"'), ('"LadderCrosswalk"', '"Patch"'), ('"crosswalk"', '"patch"')]
    if request.param == "nothing":
        changes.append(('type="shoulder"', 'type="none"'))
    return _changed(gridvale, *changes)
