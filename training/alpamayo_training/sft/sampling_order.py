"""Which samples are seen when: a function of the seed alone, so that a run goes on wherever it was interrupted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_training.sft.sample_table import SampleTable
from alpamayo_training.sft.settings import Settings

_SALT = 7


@dataclass
class SamplingOrder:
    """An endless order of samples in rounds as long as there are samples.

    In each round a sample comes as often as its weight says, rounded up or down by chance: with equal weights, once.
    """

    rows: NDArray[np.int64]
    weights: NDArray[np.float64]
    """[samples], positive; their scale does not matter."""
    seed: int
    _rounds: dict[int, NDArray[np.int64]] = field(default_factory=dict[int, NDArray[np.int64]], repr=False)

    def __post_init__(self) -> None:
        if len(self.rows) == 0 or self.weights.shape != self.rows.shape or not (self.weights > 0.0).all():
            raise InputError("an order needs one sample or more, each with a positive weight")

    def take(self, first: int, count: int) -> NDArray[np.int64]:
        """Return the samples at places first, ..., first + count - 1."""
        size = len(self.rows)
        places = np.arange(first, first + count)
        found = np.empty(count, dtype=np.int64)
        for number in np.unique(places // size).tolist():
            here = places // size == number
            found[here] = self._round(int(number))[places[here] % size]
        return found

    def _round(self, number: int) -> NDArray[np.int64]:
        if number not in self._rounds:
            if len(self._rounds) > 2:
                self._rounds.clear()
            own = np.random.default_rng([self.seed, _SALT, number])
            shares = self.weights / self.weights.sum()
            edges = np.concatenate([[0.0], np.cumsum(shares)]) * len(self.rows) + own.random()
            edges[-1] = edges[0] + len(self.rows)
            times = np.diff(np.floor(edges)).astype(np.int64)
            self._rounds[number] = own.permutation(np.repeat(self.rows, times))
        return self._rounds[number]


def sample_weights(table: SampleTable, rows: NDArray[np.int64], settings: Settings) -> NDArray[np.float64]:
    """Return how often samples are to be seen, relative to each other: keyframes and rare decisions oftener.

    A decision's factor is its share of the samples to the power of minus `rarity`, that of a keyframe `keyframe_weight`.
    """
    decisions = [table.decisions[row] for row in rows.tolist()]
    counts = Counter(decisions)
    rare = np.array([(counts[one] / len(decisions)) ** -settings.rarity for one in decisions])
    return rare * np.where(table.is_key[rows], settings.keyframe_weight, 1.0)
