"""Who takes turns with whom: the lights of a junction form a group, its controllers show green one after another."""

from __future__ import annotations

from collections.abc import Sequence

from alpamayo_sim.roads.opendrive import OpenDrive

Groups = tuple[tuple[tuple[int, ...], ...], ...]


def light_groups(
    opendrive: OpenDrive, signal_ids: Sequence[str], junction_ids: Sequence[int], approach_roads: Sequence[int]
) -> Groups:
    """Return per group its controllers in their order, each a tuple of indices into `signal_ids`.

    Every light is in exactly one controller. A group is a junction with the controllers it names (CARLA,
    `TrafficLightManager`). Lights of a junction that no controller names take turns with the rest of the junction, one
    stage per approach road, so that no two roads show green at once. (CARLA gives each such light a cycle of its own.)
    A light away from junctions is alone.
    """
    index_of = {signal_id: index for index, signal_id in enumerate(signal_ids)}
    free = set(range(len(signal_ids)))

    def claim(controller_id: str) -> tuple[int, ...]:
        controller = opendrive.controllers.get(controller_id)
        wanted = [] if controller is None else [index_of[s] for s in controller.signal_ids if s in index_of]
        claimed = tuple(index for index in wanted if index in free)
        free.difference_update(claimed)
        return claimed

    stages: dict[int, list[tuple[int, ...]]] = {
        junction.junction_id: [stage for stage in map(claim, junction.controller_ids) if stage]
        for junction in opendrive.junctions.values()
    }
    lone = [(stage,) for stage in map(claim, opendrive.controllers) if stage]
    by_approach: dict[tuple[int, int], list[int]] = {}
    for index in sorted(free):
        if junction_ids[index] in stages:
            by_approach.setdefault((junction_ids[index], approach_roads[index]), []).append(index)
        else:
            lone.append(((index,),))
    for (junction_id, _), members in by_approach.items():
        stages[junction_id].append(tuple(members))
    return (*(tuple(group) for group in stages.values() if group), *lone)
