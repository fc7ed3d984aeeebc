"""Mean and spread of accelerations and curvatures in a data set: what actions are normalised with."""

from __future__ import annotations

import json
import math
import os
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError

Array = NDArray[np.float64]
_SMALLEST_STD = 1e-9


@dataclass(frozen=True)
class ActionStatistics:
    """Acceleration in m/s^2 and curvature in 1/m: normalised = (value - mean) / std."""

    accel_mean: float
    accel_std: float
    curvature_mean: float
    curvature_std: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in astuple(self)):
            raise InputError(f"action statistics are finite numbers; found {asdict(self)}")
        if self.accel_std < _SMALLEST_STD or self.curvature_std < _SMALLEST_STD:
            raise InputError(
                f"spreads of actions are positive; found {self.accel_std:g} m/s^2 and {self.curvature_std:g} 1/m "
                "(data without any turning or braking cannot be normalised)"
            )

    @classmethod
    def fit(cls, acceleration_mps2: Array, curvature_per_m: Array) -> ActionStatistics:
        """Return mean and population standard deviation of a data set's actions, any shape; InputError for none."""
        if acceleration_mps2.size == 0 or acceleration_mps2.shape != curvature_per_m.shape:
            raise InputError(
                "actions are as many accelerations as curvatures, at least one; found "
                f"{list(acceleration_mps2.shape)} and {list(curvature_per_m.shape)}"
            )
        return cls(
            float(acceleration_mps2.mean()),
            float(acceleration_mps2.std()),
            float(curvature_per_m.mean()),
            float(curvature_per_m.std()),
        )

    def normalise(self, acceleration_mps2: Array, curvature_per_m: Array) -> Array:
        """Return normalised actions [..., 2], acceleration before curvature."""
        return np.stack(
            [
                (acceleration_mps2 - self.accel_mean) / self.accel_std,
                (curvature_per_m - self.curvature_mean) / self.curvature_std,
            ],
            axis=-1,
        )

    def denormalise(self, actions: NDArray[np.floating]) -> tuple[Array, Array]:
        """Return accelerations and curvatures [...] of normalised actions [..., 2]; the inverse of `normalise`."""
        wide = np.asarray(actions, dtype=np.float64)
        return wide[..., 0] * self.accel_std + self.accel_mean, wide[..., 1] * self.curvature_std + self.curvature_mean

    def save(self, path: Path) -> None:
        """Write the numbers as JSON, whole or not at all."""
        draft = path.with_name(f".{path.name}.new")
        draft.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")
        os.replace(draft, path)

    @classmethod
    def load(cls, path: Path) -> ActionStatistics:
        """Return the statistics of a file that `save` wrote; InputError for anything else."""
        names = [field.name for field in fields(cls)]
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls(**{name: float(found[name]) for name in names})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} is no file of action statistics, JSON with {', '.join(names)}: {error}"
            ) from error


PUBLISHED_STATISTICS = ActionStatistics(
    accel_mean=0.02902694707164455,
    accel_std=0.6810426736454882,
    curvature_mean=0.0002692167976330542,
    curvature_std=0.026148280660833106,
)
"""Of Alpamayo 1, 1.5 and 2: driving by people. In simulators accelerations spread several times as wide."""
