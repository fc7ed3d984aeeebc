"""What one call draws: cameras of one world at one tick, and everything that they see, as plain arrays.

A batch is made without OpenGL (`preparation`) and drawn with it (`painter`), in the same process or in another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.camera_kind import CameraKind, Paper

CAMERA_FLOATS = 36
"""Of one camera's block, see `CameraBlock` in `shaders/common.glsl`."""
MOST_CAMERAS = 16
"""In one batch: every driver has as many viewports."""


class Pass(IntEnum):
    """The parts of a picture in the order in which they are drawn."""

    OBJECTS = 0
    FACADES = 1
    GROUND = 2
    KERBS = 3
    SKY = 4
    MARKINGS = 5
    QUADS = 6
    """Shadows and pools of headlight on the ground."""
    GLOWS = 7
    RAIN = 8


@dataclass(frozen=True)
class WindowKey:
    """Which piece of baked light a camera needs: cell of the map, azimuth and height of the sun, in whole steps."""

    cell_x: int
    cell_y: int
    azimuth: int
    height: int


@dataclass(frozen=True)
class Group:
    """Cameras in a row that share light, baked light and programs, so that each pass is one call for all of them."""

    kind: CameraKind
    light: bytes
    """The uniform block `Light`."""
    window: WindowKey | None
    """None for cameras that see no light."""
    night: bool
    """Headlights may be on."""
    wet: bool
    mirrored: bool
    """Lamps have images in the wet ground."""
    spans: NDArray[np.integer]
    """[passes, 2] first command and number of commands of each `Pass`."""


@dataclass(frozen=True)
class Motion:
    """Where K cameras and R rows of a batch were in the cameras' last pictures."""

    clip: NDArray[np.float32]
    """[K, 16] matrices from the world to clip space, column by column."""
    rows: NDArray[np.float32]
    """[R, 16] the first three and the fifth vector of a row: matrix and state."""


@dataclass(frozen=True)
class Batch:
    """K cameras of one world at one tick, in the order of their groups."""

    order: tuple[int, ...]
    """[K] number of each camera among those that were asked for."""
    sizes: NDArray[np.integer]
    """[K, 2] width and height of each picture."""
    cameras: NDArray[np.float32]
    """[K, 36] camera blocks; the painter fills in where the pictures lie."""
    rows: NDArray[np.float32]
    """[R, 23] what is drawn instance by instance; the last column is the camera's number in the batch."""
    commands: NDArray[np.uint32]
    """[C, 5] index count, instances, first index, base vertex, base instance; where there are no indices vertex count, instances,
    first vertex, base instance, 0. The base instance is a row, or the camera's number for what is not drawn row by row.
    """
    groups: tuple[Group, ...]
    motion: Motion | None = None
    """For flow cameras alone."""

    @property
    def paper(self) -> Paper:
        """What the pictures are drawn on."""
        return Paper.of(self.groups[0].kind)
