"""The bounding volume tree by which Detour finds the polygons near a point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.navmesh.detour_format import BV_NODE

QUANTUM_M = 0.1
"""Step of the boxes' coordinates; 65,535 of them are the largest tile."""


def bv_tree(low: NDArray[np.integer], high: NDArray[np.integer]) -> NDArray[np.void]:
    """Return the 2 P - 1 nodes of the tree over P >= 1 boxes [P, 3], in the order in which Detour walks it."""
    nodes = np.zeros(2 * len(low) - 1, dtype=BV_NODE)
    count = 0

    def add(members: NDArray[np.integer]) -> None:
        nonlocal count
        node = nodes[count]
        count += 1
        first = count - 1
        if len(members) == 1:
            node["bmin"], node["bmax"], node["index"] = low[members[0]], high[members[0]], members[0]
            return
        node["bmin"], node["bmax"] = low[members].min(axis=0), high[members].max(axis=0)
        axis = int(np.argmax(node["bmax"].astype(np.int64) - node["bmin"]))
        ordered = members[np.argsort(low[members, axis], kind="stable")]
        half = len(ordered) // 2
        add(ordered[:half])
        add(ordered[half:])
        node["index"] = -(count - first)

    add(np.arange(len(low)))
    return nodes
