"""Debug shapes that clients draw, kept as long as they live."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

MAX_SHAPES = 10_000


class Primitive(IntEnum):
    """What a shape is: CARLA's variant index."""

    POINT = 0
    LINE = 1
    ARROW = 2
    BOX = 3
    STRING = 4
    HUD_POINT = 5
    HUD_LINE = 6
    HUD_ARROW = 7
    HUD_BOX = 8


@dataclass(frozen=True, slots=True)
class DebugShape:
    """One shape, CARLA world frame, metres and degrees; the fields are CARLA's."""

    primitive: Primitive
    fields: tuple[Any, ...]
    color: tuple[int, int, int]
    end_s: float
    """Simulated seconds; infinite for one that stays until the episode ends."""


class DebugShapes:
    """The shapes of one episode; the oldest go when there are more than MAX_SHAPES."""

    def __init__(self) -> None:
        self.shapes: deque[DebugShape] = deque(maxlen=MAX_SHAPES)
        self._next_end_s = math.inf

    def draw(
        self, primitive: Primitive, fields: tuple[Any, ...], color: tuple[int, int, int], life_s: float, now_s: float
    ) -> None:
        """Add a shape that lives for `life_s` simulated seconds.

        Without a positive life a shape of the scene stays for the episode, and a text or a shape of the head-up display is
        there for one frame: CARLA's line batcher and its HUD differ so (`DebugShapeDrawer`, `CarlaHUD`).
        """
        if life_s <= 0.0 and primitive < Primitive.STRING:
            end_s = math.inf
        else:
            end_s = now_s + max(0.0, life_s)
        self.shapes.append(DebugShape(primitive, fields, color, end_s))
        self._next_end_s = min(self._next_end_s, end_s)

    def expire(self, now_s: float) -> None:
        """Forget the shapes whose time is over."""
        if now_s <= self._next_end_s:
            return
        self._keep([shape for shape in self.shapes if shape.end_s >= now_s])

    def clear_shapes(self) -> None:
        """Forget everything but texts."""
        self._keep([shape for shape in self.shapes if shape.primitive is Primitive.STRING])

    def clear_strings(self) -> None:
        """Forget the texts."""
        self._keep([shape for shape in self.shapes if shape.primitive is not Primitive.STRING])

    def _keep(self, shapes: list[DebugShape]) -> None:
        self.shapes = deque(shapes, maxlen=MAX_SHAPES)
        self._next_end_s = min((shape.end_s for shape in shapes), default=math.inf)

    def records(self, now_s: float) -> list[list[Any]]:
        """Return `[primitive, fields, colour, life]` of every shape, oldest first; life in seconds, -1 for no end."""
        return [
            [
                int(shape.primitive),
                list(shape.fields),
                list(shape.color),
                -1.0 if math.isinf(shape.end_s) else shape.end_s - now_s,
            ]
            for shape in self.shapes
        ]
