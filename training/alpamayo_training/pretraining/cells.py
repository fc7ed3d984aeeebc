"""What is known of a cell: a square of 16 pixels of one camera, one patch of the vision tower.

A cell's labels are bytes, one a channel, so that hundreds of thousands of views fit into memory. Signed quantities are stored
with 128 added and 0 means that nothing is known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CELL_PX = 16
CHANNELS = (
    "group", "present_low", "present_high", "log_depth", "center_x", "center_y", "flow_x", "flow_y", "velocity_x",
    "velocity_y", "light", "light_own", "brake", "indicator", "in_lane", "lane", "lane_offset", "stop_sign",
)  # fmt: skip
CHANNEL = {name: index for index, name in enumerate(CHANNELS)}
UNKNOWN = 255
"""A class that does not count."""

GROUPS = (
    "other", "road", "ground", "road_line", "building", "pole", "traffic_light", "sign", "vegetation", "sky", "person",
    "car", "truck", "two_wheeler",
)  # fmt: skip
"""Semantic classes, CARLA's tags taken together."""
GROUND_GROUPS = (GROUPS.index("road"), GROUPS.index("road_line"))
_TAGS = {
    "road": (1, 26, 27), "ground": (2, 10, 25), "road_line": (24,), "building": (3, 4, 5, 28), "pole": (6,),
    "traffic_light": (7,), "sign": (8,), "vegetation": (9,), "sky": (11,), "person": (12,), "car": (14,),
    "truck": (15, 16, 17), "two_wheeler": (13, 18, 19),
}  # fmt: skip
RARE = ("road_line", "pole", "traffic_light", "sign", "person", "two_wheeler")
RARE_PX, COMMON_PX = 2, 10
"""Pixels of a group in a cell from which on it is present."""

LIGHT_NONE, LIGHT_RED, LIGHT_YELLOW, LIGHT_GREEN = range(4)
LANE_NO_GROUND, LANE_OWN, LANE_BEHIND_BRANCH, LANE_OTHER = range(4)
IN_LANE_NONE, IN_LANE_PERSON, IN_LANE_LEAD = range(3)
LAMP_UNKNOWN, BRAKE_OFF, BRAKE_ON = range(3)
INDICATOR_OFF, INDICATOR_LEFT, INDICATOR_RIGHT, INDICATOR_BOTH = 1, 2, 3, 4
STOP_NONE, STOP_OTHER, STOP_OWN = range(3)

NEAREST_M, FARTHEST_M = 1.0, 250.0
CENTER_STEP_PX, OFFSET_STEP_M, VELOCITY_STEP_MPS = 2.0, 0.1, 0.125
FLOW_STEPS = 26.0
"""Flow is stored as 26 log(1 + pixels): 0.04 px near zero, up to 130 px."""


def group_of_tag() -> NDArray[np.uint8]:
    """Return the group [256] of every tag of CARLA's."""
    table = np.zeros(256, dtype=np.uint8)
    for name, tags in _TAGS.items():
        table[list(tags)] = GROUPS.index(name)
    return table


def least_pixels() -> NDArray[np.int32]:
    """Return how many pixels [groups] make a group present in a cell."""
    return np.array([RARE_PX if name in RARE else COMMON_PX for name in GROUPS], dtype=np.int32)


def signed(values: NDArray[np.floating], step: float) -> NDArray[np.uint8]:
    """Return values as bytes in units of `step`, what is too large at the end of the scale; NaN becomes 0."""
    scaled = np.clip(np.round(values / step), -127.0, 127.0) + 128.0
    return np.where(np.isfinite(values), scaled, 0.0).astype(np.uint8)


def log_flow(pixels: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return flow in steps of its logarithmic scale."""
    return np.sign(pixels) * np.log1p(np.abs(pixels)) * FLOW_STEPS


def log_depth(depth_m: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return depths as bytes: 0 at NEAREST_M, 255 at FARTHEST_M and beyond, by their logarithm."""
    share = np.log(np.clip(depth_m, NEAREST_M, FARTHEST_M) / NEAREST_M) / np.log(FARTHEST_M / NEAREST_M)
    return np.round(share * 255.0).astype(np.uint8)
