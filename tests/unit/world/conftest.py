"""A flat straight road, and worlds on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alpamayo_sim.roads.road_map import RoadMap, road_map_from_text
from alpamayo_sim.roads.statics import StaticBoxes
from alpamayo_sim.world.world import World

ROAD_LENGTH_M = 6000.0
LANES = "".join(
    f'<lane id="{-i}" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/></lane>'
    for i in range(1, 6)
)
FLAT_ROAD = f"""<?xml version="1.0"?>
<OpenDRIVE><header revMajor="1" revMinor="4" name="flat" version="1"/>
<road name="flat" length="{ROAD_LENGTH_M}" id="1" junction="-1">
<planView><geometry s="0" x="0" y="0" hdg="0" length="{ROAD_LENGTH_M}"><line/></geometry></planView>
<elevationProfile><elevation s="0" a="0" b="0" c="0" d="0"/></elevationProfile>
<lanes><laneSection s="0"><center><lane id="0" type="none" level="false"/></center><right>{LANES}</right>
</laneSection></lanes></road></OpenDRIVE>"""


@pytest.fixture(scope="session")
def flat_map() -> RoadMap:
    return road_map_from_text("flat", FLAT_ROAD)


@pytest.fixture
def flat_world(flat_map: RoadMap) -> World:
    return World(flat_map, None)


@pytest.fixture
def walled_world(flat_map: RoadMap) -> Callable[[float], World]:
    """Return a maker of worlds with a building (CityObjectLabel 3) whose face stands at the given x, across the road."""

    def make(face_x_m: float) -> World:
        statics = StaticBoxes(
            center=np.array([[face_x_m + 5.0, 5.0, 5.0]]),
            extent=np.array([[5.0, 40.0, 5.0]]),
            yaw_deg=np.zeros(1),
            label=np.array([3], np.uint8),
            kind=np.zeros(1, np.uint8),
            source=np.full(1, -1, np.int32),
        )
        return World(flat_map, statics)

    return make
