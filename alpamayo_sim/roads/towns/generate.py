"""Builds the towns and writes their OpenDRIVE files."""

from __future__ import annotations

from collections.abc import Callable

from alpamayo_sim.roads.towns import gridvale, longmoor, oldwick, rampfield
from alpamayo_sim.roads.towns.furniture import furnish
from alpamayo_sim.roads.towns.network import Town
from alpamayo_sim.roads.towns.opendrive import to_opendrive
from alpamayo_sim.roads.towns.road import RoadNetwork, lay_out

BUILDERS: dict[str, Callable[[], Town]] = {
    "Gridvale": gridvale.build,
    "Longmoor": longmoor.build,
    "Oldwick": oldwick.build,
    "Rampfield": rampfield.build,
}


def build_network(name: str) -> RoadNetwork:
    """The furnished road network of a town of ours. KeyError for an unknown name."""
    town = BUILDERS[name]()
    town.settle()
    network = lay_out(town)
    furnish(network)
    return network


def generate(name: str) -> str:
    """The OpenDRIVE text of a town of ours; the same text every time."""
    return to_opendrive(build_network(name))
