"""Kinds of walkable ground with the numbers that LibCarla's `carla/nav/Navigation.h` gives them."""

from __future__ import annotations

from enum import IntEnum

AGENT_HEIGHT_M = 1.8
AGENT_RADIUS_M = 0.3
"""The mesh ends this far from ground that nobody walks on, since crowds move the middles of their walkers on it."""
AGENT_CLIMB_M = 0.4


class Area(IntEnum):
    """CARLA's `NavAreas`: what a polygon's ground is, by which routes weigh it."""

    SIDEWALK = 1
    CROSSWALK = 2
    ROAD = 3
    """Ten times as dear as the others, and closed to walkers that do not cross roads."""
    GRASS = 4


FLAG = {Area.SIDEWALK: 0x02, Area.CROSSWALK: 0x04, Area.ROAD: 0x08, Area.GRASS: 0x10}
"""CARLA's `SamplePolyFlags`: what filters admit."""
