"""The kinds of things that stand beside roads, and their boxes as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


class StaticKind(IntEnum):
    """What a static box is; finer than CARLA's semantic tag."""

    BUILDING = 0
    TREE = 1
    LAMP = 2
    LIGHT_POLE = 3
    SIGN_POLE = 4
    GUARD_RAIL = 5
    HEDGE = 6
    PARKED_CAR = 7
    BUS_STOP = 8
    BENCH = 9
    BIN = 10


CITY_OBJECT_LABEL = {
    StaticKind.BUILDING: 3,
    StaticKind.TREE: 9,
    StaticKind.LAMP: 6,
    StaticKind.LIGHT_POLE: 6,
    StaticKind.SIGN_POLE: 6,
    StaticKind.GUARD_RAIL: 28,
    StaticKind.HEDGE: 9,
    StaticKind.PARKED_CAR: 14,
    StaticKind.BUS_STOP: 20,
    StaticKind.BENCH: 20,
    StaticKind.BIN: 20,
}
"""CARLA's semantic tags (0.9.14 and later) of the kinds."""


SWITCHED_OFF = 1
"""`StaticBoxes.source` of a street lamp that a client has switched off."""


@dataclass(frozen=True)
class StaticBoxes:
    """N upright boxes that nothing drives through, CARLA world frame, metres and degrees.

    `center` [N, 3] middle of the box, `extent` [N, 3] half sizes, `yaw_deg` [N], `label` [N] CARLA's semantic tag, `kind` [N]
    StaticKind, `source` [N] index of the light or sign that a pole carries, or of the parking lane that a car stands in,
    SWITCHED_OFF for a lamp that does not shine at night (-1 otherwise).
    """

    center: Floats
    extent: Floats
    yaw_deg: Floats
    label: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    source: NDArray[np.integer]

    def __len__(self) -> int:
        return len(self.center)

    def where(self, keep: NDArray[np.bool_]) -> StaticBoxes:
        """Return the chosen boxes."""
        return StaticBoxes(
            self.center[keep], self.extent[keep], self.yaw_deg[keep], self.label[keep], self.kind[keep], self.source[keep]
        )  # fmt: skip


@dataclass(frozen=True)
class StaticGroup:
    """M boxes of one kind by their feet: `foot` [M, 3] middle of the underside, `extent` [M, 3], `yaw_deg` [M], `source` [M]."""

    kind: StaticKind
    foot: Floats
    extent: Floats
    yaw_deg: Floats
    source: NDArray[np.integer] | None = None

    def where(self, keep: NDArray[np.bool_]) -> StaticGroup:
        """Return the chosen boxes."""
        source = None if self.source is None else self.source[keep]
        return StaticGroup(self.kind, self.foot[keep], self.extent[keep], self.yaw_deg[keep], source)


@dataclass(frozen=True)
class Shown:
    """Which things of a map are there: `statics` [N] boxes, `heads` [H] of `light_heads`, `plates` [S] of the map's signs;
    and which of the boxes are lamps that are switched off, `dark` [N].
    """

    statics: NDArray[np.bool_]
    heads: NDArray[np.bool_]
    plates: NDArray[np.bool_]
    dark: NDArray[np.bool_]
