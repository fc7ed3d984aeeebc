"""Bridges: the mesh has one storey, and where roads lie above one another it is the one with the sidewalk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from alpamayo_sim.roads.lanes import LaneTable, LaneType

STOREY_M = 2.5
"""Difference in height from which two roads are not the same place to a walker."""
NEAR_M = 10.0
"""How far from a sidewalk, seen from above, another storey's road is in its way."""
OWN_M = 20.0
"""How far a road may be from a sidewalk of its own height to belong to it."""


def beside_sidewalks(lanes: LaneTable) -> NDArray[np.bool_]:
    """Return [N] whether each sample is on the sidewalks' storey: false for roads over or under one that is not theirs."""
    sidewalk = lanes.lane_type[lanes.lane_index] == LaneType.SIDEWALK
    if not sidewalk.any() or float(np.ptp(lanes.xyz[:, 2])) < STOREY_M:
        return np.ones(len(lanes.xyz), dtype=np.bool_)
    places = lanes.xyz[sidewalk]
    from_above, nearest = (np.asarray(found) for found in KDTree(places[:, :2]).query(lanes.xyz[:, :2]))
    other = (from_above < NEAR_M) & (np.abs(places[nearest, 2] - lanes.xyz[:, 2]) > STOREY_M)
    # Heights count so much that a sidewalk of another storey is out of reach.
    scale = np.array([1.0, 1.0, OWN_M / STOREY_M])
    own = np.asarray(KDTree(places * scale).query(lanes.xyz * scale)[0]) < OWN_M
    return sidewalk | ~other | own
