"""What a sample is labelled with, and when a label does not count."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class LightState(IntEnum):
    """State of the traffic light that faces the ego; NONE where no light concerns its lane."""

    NONE = 0
    RED = 1
    YELLOW = 2
    GREEN = 3


class Condition(IntEnum):
    """What numbers are reported by."""

    DAY = 0
    RAIN = 1
    NIGHT = 2


UNCLEAR = -1
"""The truth is in between, such as a pedestrian on the line or a car where the lane has branched: not counted."""
HIDDEN = -2
"""The thing is there, but out of every camera's view or behind something: not counted."""

LIGHT_REACH_M = 60.0
"""Heads farther away than this are not counted."""
LEAD_REACH_M = 40.0
LEAD_NONE_BEYOND_M = 48.0
PEDESTRIAN_REACH_M = 30.0
PEDESTRIAN_NONE_BEYOND_M = 36.0
STOP_SIGN_REACH_M = 20.0
STOP_SIGN_NONE_BEYOND_M = 26.0


Point = tuple[float, float, float]
NOWHERE: Point = (math.nan, math.nan, math.nan)
THINGS = ("light", "lead", "pedestrian", "stop_sign")
"""What is somewhere in the pictures: `<thing>_at_rig` says where."""


@dataclass(frozen=True)
class Labels:
    """The truth about one sample. Classes are 0, 1 (or a LightState), UNCLEAR or HIDDEN; distances are NaN without a thing."""

    light: int
    """LightState of the light that concerns the ego's lane."""
    light_distance_m: float
    """From the front camera to the nearest visible head of that light."""
    light_line_m: float
    """From the front bumper to the end of the lane before the junction, negative behind it; NaN without a light."""
    lead: int
    """Whether a vehicle drives ahead in the ego's lane, within 40 m."""
    lead_distance_m: float
    """Gap along the lane, bumper to bumper."""
    lateral_counts: int
    """1 where the lane has markings or kerbs to see and the ego is not in a junction, UNCLEAR elsewhere."""
    lateral_offset_m: float
    """Of the vehicle's origin from the middle of its lane, positive to the left."""
    heading_error_rad: float
    """Of the vehicle against its lane, positive to the left."""
    pedestrian: int
    """Whether somebody is in the ego's lane within 30 m of the front bumper."""
    pedestrian_distance_m: float
    pedestrian_visible_share: float
    """Share of five points on the nearest such pedestrian that the front camera sees."""
    stop_sign: int
    """Whether a stop sign for the ego's lane stands within 20 m of the front camera."""
    stop_sign_distance_m: float
    light_at_rig: Point = NOWHERE
    """Middle of the light's nearest visible head, rig frame; NaN where `light` says none. So with the next three."""
    lead_at_rig: Point = NOWHERE
    pedestrian_at_rig: Point = NOWHERE
    stop_sign_at_rig: Point = NOWHERE

    def row(self, town: int, weather: int, condition: Condition) -> NDArray[np.void]:
        """Return these labels as one row of LABEL_DTYPE."""
        return np.array([(*astuple(self), town, weather, int(condition))], dtype=LABEL_DTYPE)[0]


_CLASSES = ("light", "lead", "lateral_counts", "pedestrian", "stop_sign")


def _column(name: str) -> tuple[str, str] | tuple[str, str, tuple[int]]:
    if name.endswith("_at_rig"):
        return name, "f4", (3,)
    return name, "i1" if name in _CLASSES else "f4"


LABEL_DTYPE = np.dtype(
    [_column(name) for name in Labels.__dataclass_fields__] + [("town", "u1"), ("weather", "u1"), ("condition", "u1")]
)
"""A row of labels; `town` and `weather` are indices into the names that the set's description holds."""
