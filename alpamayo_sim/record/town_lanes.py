"""The lanes of the towns that a run was driven in, each piece once, however many routes pass it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alpamayo_sim.errors import InputError
from alpamayo_sim.record.packed_course import PLACE_M, differences
from alpamayo_sim.record.route_map import lane_pieces
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.town_lookup import available_towns

_WHOLE_TOWN_PIECES = 6000
"""A town of more pieces is shown where it was driven only: CARLA's large maps have tens of thousands."""


class TownLanes:
    """The pieces of one town's lanes by number.

    With `whole` and where the town's map is at hand and not too large, all of it; else what lies around the routes that were
    driven.
    """

    def __init__(self, town: str, *, whole: bool) -> None:
        self.town = town
        self._numbers: dict[str, int] = {}
        self._pieces: list[Mapping[str, Any]] = []
        self._whole = _whole_town(town) if whole else {}

    def numbers(self, surroundings: Mapping[str, Any]) -> list[int]:
        """Return the numbers of the pieces around a route, taking in those that are new."""
        if self._whole and not all(_key(piece) in self._whole for piece in surroundings["lanes"]):
            self._whole = {}
        return sorted({self._number(piece) for piece in surroundings["lanes"]})

    def _number(self, piece: Mapping[str, Any]) -> int:
        number = self._numbers.setdefault(_key(piece), len(self._pieces))
        if number == len(self._pieces):
            self._pieces.append(piece)
        return number

    def to_json(self) -> dict[str, Any]:
        """Return the pieces as the page has them, [kind, x, y] in steps of `PLACE_M`, and the town's bounds in metres."""
        for piece in self._whole.values():
            self._number(piece)
        if not self._pieces:
            return {"pieces": [], "bounds": [0.0, 0.0, 1.0, 1.0]}
        corners = np.concatenate([np.array(piece["points"]) for piece in self._pieces])
        low, high = corners.min(axis=0) - 5.0, corners.max(axis=0) + 5.0
        return {"pieces": [_plain(piece) for piece in self._pieces], "bounds": np.round([*low, *high], 1).tolist()}


def _whole_town(town: str) -> dict[str, Mapping[str, Any]]:
    """All pieces of a town that we have a map of; none if it has too many."""
    if town not in available_towns():
        return {}
    try:
        road_map = load_road_map(town)
    except InputError:
        return {}
    pieces = lane_pieces(road_map, np.ones(len(road_map.lanes.xyz), dtype=bool))
    return {_key(piece): piece for piece in pieces} if len(pieces) <= _WHOLE_TOWN_PIECES else {}


def _key(piece: Mapping[str, Any]) -> str:
    return json.dumps([piece["kind"], piece["points"]])


def _plain(piece: Mapping[str, Any]) -> list[Any]:
    points: Sequence[Sequence[float]] = piece["points"]
    return [piece["kind"], *(differences([point[k] for point in points], PLACE_M) for k in (0, 1))]
