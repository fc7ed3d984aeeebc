"""Giving an actor another id, as CARLA's replayer creates actors under the ids that they were recorded with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.tables import Table
from alpamayo_sim.world.world import World


def renumber(world: World, actor_id: int, new_id: int) -> ActorInfo:
    """Give a live actor without children the free id `new_id` and return its new info; rows stay in ascending order of ids.

    Raises ValueError for an id that is taken, or that is no id.
    """
    if new_id == actor_id:
        return world.info(actor_id)
    if not 0 < new_id < 1 << 32 or new_id in world.infos:
        raise ValueError(f"actor {actor_id} can not become {new_id}")
    info = replace(world.info(actor_id), id=new_id)
    world.actors.ids[world.row(actor_id)] = new_id
    del world.infos[actor_id]
    world.infos[new_id] = info
    for mapping in (
        world.row_of, world.vehicle_of, world.walker_of, world.physics_of, world.ackermann, world.friction_triggers.boxes,
    ):  # fmt: skip
        _rename(mapping, actor_id, new_id)
    _sort_rows(world)
    world.next_id = max(world.next_id, new_id + 1)
    return info


def _rename(mapping: dict[int, Any], actor_id: int, new_id: int) -> None:
    if actor_id in mapping:
        mapping[new_id] = mapping.pop(actor_id)


def _sort_rows(world: World) -> None:
    """Bring all tables into ascending order of ids, and every reference to a row with them."""
    order = np.argsort(world.actors.ids, kind="stable")
    if (order[1:] > order[:-1]).all():
        return
    row_now = np.empty(len(order), np.int64)
    row_now[order] = np.arange(len(order))
    actors = world.actors.records = world.actors.records[order]
    attached = actors["parent_row"] >= 0
    actors["parent_row"][attached] = row_now[actors["parent_row"][attached]]
    world.row_of.update({actor_id: row for row, actor_id in enumerate(actors["ids"].tolist())})
    tables: tuple[tuple[tuple[Table, ...], dict[int, int]], ...] = (
        ((world.vehicles, world.constants), world.vehicle_of),
        ((world.walkers,), world.walker_of),
        ((world.lights,), world.light_of),
    )
    for (table, *beside), index_of in tables:
        table.records["row"] = row_now[table.records["row"]]
        table_order = np.argsort(table.records["row"], kind="stable")
        for each in (table, *beside):
            each.records = each.records[table_order]
        ids = actors["ids"][table.records["row"]].tolist()
        index_of.update({actor_id: index for index, actor_id in enumerate(ids)})
    world.infos = {actor_id: world.infos[actor_id] for actor_id in sorted(world.infos)}
