"""Debug shapes that clients draw, kept as long as they live."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

MAX_SHAPES = 10_000


@dataclass(frozen=True, slots=True)
class DebugShape:
    """One shape: what to draw (CARLA's variant index and fields), its colour, when it ends."""

    primitive: tuple[int, Any]
    color: tuple[int, ...]
    end_s: float
    """Simulated seconds; infinite for one that stays until the episode ends."""


class DebugShapes:
    """The shapes of one episode; the oldest go when there are more than MAX_SHAPES."""

    def __init__(self) -> None:
        self.shapes: deque[DebugShape] = deque(maxlen=MAX_SHAPES)
        self._next_end_s = math.inf

    def draw(self, primitive: tuple[int, Any], color: tuple[int, ...], life_s: float, now_s: float) -> None:
        """Add a shape; a negative life lasts for the episode."""
        end_s = math.inf if life_s < 0.0 else now_s + life_s
        self.shapes.append(DebugShape(primitive, color, end_s))
        self._next_end_s = min(self._next_end_s, end_s)

    def expire(self, now_s: float) -> None:
        """Forget the shapes whose time is over."""
        if now_s <= self._next_end_s:
            return
        self.shapes = deque((shape for shape in self.shapes if shape.end_s >= now_s), maxlen=MAX_SHAPES)
        self._next_end_s = min((shape.end_s for shape in self.shapes), default=math.inf)

    def clear(self) -> None:
        """Forget all shapes."""
        self.shapes.clear()
        self._next_end_s = math.inf
