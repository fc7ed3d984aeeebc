"""How long answers take."""

from __future__ import annotations

from collections import deque

import numpy as np

_KEPT = 20_000


class Latency:
    """Collects durations; the newest 20,000 count."""

    def __init__(self) -> None:
        self._seconds: deque[float] = deque(maxlen=_KEPT)
        self.count = 0

    def add(self, seconds: float) -> None:
        """Remember one duration."""
        self._seconds.append(seconds)
        self.count += 1

    def summary(self) -> dict[str, float]:
        """Return count, median, 95th percentile and maximum in milliseconds; 0 where there is none."""
        values = np.array(self._seconds or [0.0]) * 1000.0
        median, high = np.percentile(values, [50.0, 95.0])
        return {
            "steps": self.count,
            "median_ms": round(float(median), 3),
            "p95_ms": round(float(high), 3),
            "max_ms": round(float(values.max()), 3),
        }


def latency_text(summary: dict[str, float]) -> str:
    """Return a summary as one would say it."""
    return (
        f"{summary['steps']:.0f} steps, median {summary['median_ms']:.1f} ms, 95 % below {summary['p95_ms']:.1f} ms, "
        f"longest {summary['max_ms']:.1f} ms"
    )
