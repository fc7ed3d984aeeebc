"""The ego's motion through one drive, tick by tick: what factual and counterfactual are compared by."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.metrics.tick import TickRecord

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class EgoTape:
    """N consecutive ticks of an ego."""

    frame: NDArray[np.int64]
    """[N] carla.WorldSnapshot.frame."""
    time_s: Array
    """[N] since the episode's first tick."""
    pose: Array
    """[N, 6] x, y, z (m), pitch, yaw, roll (degrees), CARLA world frame."""
    speed_mps: Array
    """[N] along the heading, signed."""
    others: NDArray[np.int64]
    """[N] a checksum of the poses of everybody within sight."""

    def __len__(self) -> int:
        return len(self.frame)

    def row_of(self, frame: int) -> int:
        """Return the row of a frame; -1 if the tape does not have it."""
        row = int(np.searchsorted(self.frame, frame))
        return row if row < len(self) and self.frame[row] == frame else -1

    def cut(self, first_frame: int, last_frame: int) -> EgoTape:
        """Return the ticks from a frame to another, both included."""
        rows = (self.frame >= first_frame) & (self.frame <= last_frame)
        return EgoTape(self.frame[rows], self.time_s[rows], self.pose[rows], self.speed_mps[rows], self.others[rows])

    def equals(self, other: EgoTape) -> bool:
        """Whether two tapes are the same to the last bit, the others around the ego included."""
        return all(np.array_equal(mine, theirs) for mine, theirs in zip(self.columns, other.columns, strict=True))

    @property
    def columns(self) -> tuple[NDArray[np.float64] | NDArray[np.int64], ...]:
        """Everything that the tape holds, in the order of its fields."""
        return self.frame, self.time_s, self.pose, self.speed_mps, self.others


class TapeRecorder:
    """Collects an ego's ticks."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, ...]] = []
        self._others: list[int] = []

    def add(self, tick: TickRecord) -> None:
        """Take the next tick."""
        yaw = math.radians(tick.ego.transform.yaw)
        speed = tick.ego.velocity_mps[0] * math.cos(yaw) + tick.ego.velocity_mps[1] * math.sin(yaw)
        self._rows.append((tick.frame, tick.time_s, *tick.ego.transform, speed))
        poses = np.array([(actor.actor_id, *actor.transform) for actor in tick.actors], dtype=np.float64)
        self._others.append(zlib.crc32(poses.tobytes()))

    def tape(self) -> EgoTape:
        """Return what has been collected."""
        table = np.array(self._rows, dtype=np.float64).reshape(-1, 9)
        return EgoTape(
            table[:, 0].astype(np.int64),
            table[:, 1],
            table[:, 2:8],
            table[:, 8],
            np.array(self._others, dtype=np.int64),
        )
