"""How long each part of a plan took."""

from __future__ import annotations

from dataclasses import astuple, dataclass


@dataclass(frozen=True)
class Latency:
    """Wall-clock seconds by part of an inference."""

    vision_s: float
    prefill_s: float
    reasoning_s: float
    flow_s: float
    trajectory_tokens_s: float = 0.0
    preparation_s: float = 0.0
    """Pictures to patches, words to ids."""

    @property
    def total_s(self) -> float:
        """All parts together."""
        return float(sum(astuple(self)))
