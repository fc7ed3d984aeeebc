"""From the contacts of a step to what collision sensors report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.world.events import Collision

if TYPE_CHECKING:
    from alpamayo_sim.world.world_state import WorldState

LABEL_NAMES = {
    1: "road", 2: "sidewalk", 3: "building", 4: "wall", 5: "fence", 6: "pole", 7: "trafficlight", 8: "trafficsign",
    9: "vegetation", 10: "terrain", 14: "vehicle", 20: "static", 21: "dynamic", 25: "ground", 26: "bridge", 28: "guardrail",
}  # fmt: skip


def static_type_ids(labels: NDArray[np.int64]) -> list[str]:
    """Return `static.<tag>` for each CityObjectLabel."""
    return [f"static.{LABEL_NAMES.get(label, 'unknown')}" for label in labels.tolist()]


def step_collisions(
    world: WorldState, touching: NDArray[np.int64], impulses: NDArray[np.float64], static_types: list[str]
) -> tuple[Collision, ...]:
    """Return the collisions of a step, one per actor and other, in order of their ids; impulses of one pair are summed."""
    if len(touching) == 0:
        return ()
    sums: dict[tuple[int, int, str], NDArray[np.float64]] = {}
    ids = world.actors.ids
    for (a, b), impulse in zip(touching.tolist(), impulses, strict=True):
        first = int(ids[a])
        if b < 0:
            key = (first, 0, static_types[-1 - b])
            sums[key] = sums.get(key, np.zeros(3)) + impulse
            continue
        second = int(ids[b])
        for me, other, sign in ((first, second, 1.0), (second, first, -1.0)):
            key = (me, other, world.infos[other].type_id)
            sums[key] = sums.get(key, np.zeros(3)) + sign * impulse
    return tuple(
        Collision(me, other, type_id, (float(total[0]), float(total[1]), float(total[2])))
        for (me, other, type_id), total in sorted(sums.items(), key=lambda item: item[0])
    )
