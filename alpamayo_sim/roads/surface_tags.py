"""CARLA's semantic tags of the ground."""

from __future__ import annotations

from alpamayo_sim.roads.surface import Surface

ROADS, SIDEWALKS, TERRAIN, BRIDGE = 1, 2, 10, 26
TAG_OF_SURFACE = {
    Surface.ROAD: ROADS,
    Surface.SHOULDER: ROADS,
    Surface.BIKE: ROADS,
    Surface.SIDEWALK: SIDEWALKS,
    Surface.KERB: SIDEWALKS,
    Surface.MEDIAN: TERRAIN,
    Surface.GRASS: TERRAIN,
    Surface.CONCRETE: BRIDGE,
}
"""CityObjectLabel of each surface, for lidars and for cameras."""
