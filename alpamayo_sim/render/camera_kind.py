"""What a camera's pixels tell."""

from __future__ import annotations

from enum import IntEnum


class CameraKind(IntEnum):
    """The cameras of CARLA; all but the flow camera have four bytes a pixel, in the order B, G, R, A."""

    RGB = 0
    DEPTH = 1
    """Metres along the camera's x axis, 24 bits over 1000 m, lowest byte in R."""
    SEMANTIC = 2
    """CARLA's semantic tag in R."""
    INSTANCE = 3
    """The tag in R, the low and the high byte of the thing's number in G and B."""
    NORMALS = 4
    """x, y and z of the surface's normal in the world, -1 to 1, in R, G and B; 128 in all three where there is no surface."""
    FLOW = 5
    """Two float32 a pixel: motion since the camera's last picture in units of half the picture, to the right and up."""


class Paper(IntEnum):
    """What pictures are drawn on; a batch has one."""

    COLOUR = 0
    """Four bytes a pixel, softened at edges where multisampling is on."""
    EXACT = 1
    """Four bytes a pixel that are never mixed."""
    FLOAT = 2
    """Two float32 a pixel."""

    @classmethod
    def of(cls, kind: CameraKind) -> Paper:
        """Return what a camera draws on."""
        return cls.COLOUR if kind is CameraKind.RGB else cls.FLOAT if kind is CameraKind.FLOW else cls.EXACT


LABELLED = (CameraKind.SEMANTIC, CameraKind.INSTANCE)
"""Kinds that see paint on the road."""
DEPTH_RANGE_M = 1000.0
DEPTH_STEPS = (1 << 24) - 1
DEPTH_STEPS_LESS = 5
"""CARLA's material takes these off each depth, so that rounding never carries over 24 bits: the sky is at 999.9997 m."""
SKY_TAG, ROAD_LINE_TAG, BUILDING_TAG, RIDER_TAG = 11, 24, 3, 13
