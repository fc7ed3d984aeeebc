"""Mean, spread and range of a dataset's columns, as LeRobot keeps them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


class ColumnStatistics:
    """Adds up rows [n, width] of one column; what is not a number is left out."""

    def __init__(self, width: int) -> None:
        self._count = np.zeros(width)
        self._sum, self._square = np.zeros(width), np.zeros(width)
        self._least, self._most = np.full(width, np.inf), np.full(width, -np.inf)
        self._rows = 0

    def add(self, rows: Array) -> dict[str, list[float]]:
        """Take rows and return their own statistics."""
        own = ColumnStatistics(len(self._count))
        for one in (self, own):
            one._add(rows)
        return own.result()

    def _add(self, rows: Array) -> None:
        known = np.isfinite(rows)
        safe = np.where(known, rows, 0.0)
        self._count += known.sum(0)
        self._sum += safe.sum(0)
        self._square += (safe**2).sum(0)
        self._least = np.minimum(self._least, np.where(known, rows, np.inf).min(0, initial=np.inf))
        self._most = np.maximum(self._most, np.where(known, rows, -np.inf).max(0, initial=-np.inf))
        self._rows += len(rows)

    def result(self) -> dict[str, list[float]]:
        """Return min, max, mean, std and count; zeros where nothing is known."""
        count = np.maximum(1.0, self._count)
        mean = self._sum / count
        spread = np.sqrt(np.maximum(0.0, self._square / count - mean**2))
        known = self._count > 0
        return {
            "min": np.where(known, self._least, 0.0).tolist(),
            "max": np.where(known, self._most, 0.0).tolist(),
            "mean": mean.tolist(),
            "std": spread.tolist(),
            "count": [self._rows],
        }


def picture_result(pictures: list[NDArray[np.uint8]]) -> dict[str, Any]:
    """Return the statistics of pictures [height, width, 3], by channel and from 0 to 1, in shape [3, 1, 1]."""
    column = ColumnStatistics(3)
    for picture in pictures:
        column.add(picture.reshape(-1, 3).astype(np.float64) / 255.0)
    found = column.result()
    return {
        name: [len(pictures)] if name == "count" else [[[value]] for value in values] for name, values in found.items()
    }
