"""How sure a mean over routes and seeds is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpamayo_sim.errors import InputError

_BLOCK = 1 << 22


@dataclass(frozen=True)
class Interval:
    """A mean with the bounds of its confidence interval."""

    mean: float
    low: float
    high: float
    level: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def bootstrap_mean(
    values_by_route: Sequence[Sequence[float]],
    *,
    rng: np.random.Generator,
    level: float = 0.95,
    resamples: int = 10_000,
) -> Interval:
    """Return the mean of routes' means with a percentile bootstrap interval over routes and, within them, seeds.

    `values_by_route` holds the values of every route's repetitions. Each resample draws as many routes as there are,
    with replacement, and for every drawn route as many of its repetitions, with replacement: routes differ more than
    seeds do, and runs of one route are not independent of each other (hierarchical bootstrap). Raises InputError for no
    routes, a route without a value, a value that is not finite, or a level outside (0, 1).
    """
    if not values_by_route or not all(len(values) for values in values_by_route):
        raise InputError("a confidence interval needs at least one route, and a value of each")
    if not all(np.isfinite(values).all() for values in values_by_route):
        raise InputError("a confidence interval needs finite values; found NaN or infinity")
    if not 0.0 < level < 1.0 or resamples < 1:
        raise InputError(f"expected a level between 0 and 1 and 1 or more resamples; found {level} and {resamples}")
    counts = np.array([len(values) for values in values_by_route])
    padded = np.zeros((len(counts), counts.max()))
    for row, values in zip(padded, values_by_route, strict=True):
        row[: len(values)] = values
    mean = float((padded.sum(axis=1) / counts).mean())
    means = np.empty(resamples)
    step = max(1, _BLOCK // padded.size)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        routes = rng.integers(0, len(counts), (size, len(counts)))
        drawn_counts = counts[routes][..., None]
        seeds = (rng.random((size, len(counts), padded.shape[1])) * drawn_counts).astype(np.int64)
        is_drawn = np.arange(padded.shape[1]) < drawn_counts
        drawn = np.where(is_drawn, padded[routes[..., None], seeds], 0.0)
        means[start : start + size] = (drawn.sum(axis=2) / drawn_counts[..., 0]).mean(axis=1)
    tail = 50.0 * (1.0 - level)
    low, high = np.percentile(means, [tail, 100.0 - tail])
    return Interval(mean, float(low), float(high), level)
