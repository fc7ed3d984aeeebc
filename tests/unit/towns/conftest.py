"""The shipped towns as carla.Map and as XML."""

from __future__ import annotations

import carla
import pytest
from lxml import etree
from town_under_test import TownUnderTest

from alpamayo_sim.roads.towns import town_names, town_path

TOWNS = ("Gridvale", "Longmoor", "Oldwick", "Rampfield")


@pytest.fixture(scope="session", params=TOWNS)
def town(request: pytest.FixtureRequest) -> TownUnderTest:
    assert request.param in town_names()
    text = town_path(request.param).read_text(encoding="utf-8")
    return TownUnderTest(request.param, text, carla.Map(request.param, text), etree.fromstring(text.encode()))
