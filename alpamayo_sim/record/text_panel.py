"""The panel beside the pictures: speed, controls, progress, next traffic light, events and the policy's reasoning."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from alpamayo_sim.metrics.episode_result import EpisodeIdentity
from alpamayo_sim.metrics.infraction import COLLISIONS, Infraction
from alpamayo_sim.metrics.tick import TickRecord
from alpamayo_sim.record.text import font, font_for, printable, wrap

Color = tuple[int, int, int]

_BACKGROUND: Color = (20, 23, 28)
_TEXT: Color = (232, 235, 240)
_MUTED: Color = (138, 146, 158)
_TRACK: Color = (44, 50, 60)
_GREEN: Color = (64, 214, 130)
_RED: Color = (255, 84, 78)
_AMBER: Color = (255, 196, 70)
_BLUE: Color = (86, 156, 240)
_LIGHT_COLORS: dict[int, tuple[str, Color]] = {0: ("red", _RED), 1: ("yellow", _AMBER), 2: ("green", _GREEN)}
_MARGIN = 22
_EVENTS_SHOWN = 3


class TextPanel:
    """Draws the panel as an RGB image [height, width, 3]."""

    def __init__(
        self, identity: EpisodeIdentity, route_length_m: float, *, width: int = 420, height: int = 540
    ) -> None:
        self._identity = identity
        self._route_length_m = route_length_m
        self._width, self._height = width, height
        self._events: deque[Infraction] = deque(maxlen=_EVENTS_SHOWN)
        self._event_count = 0

    def add_event(self, infraction: Infraction) -> None:
        """Show an infraction from now on, until newer ones push it out."""
        self._events.append(infraction)
        self._event_count += 1

    def draw(self, tick: TickRecord, progress_m: float, light: tuple[float, int | None] | None) -> NDArray[np.uint8]:
        """Return the panel at one tick; `light` is the distance to the next light on the route and its state."""
        image = Image.new("RGB", (self._width, self._height), _BACKGROUND)
        pen = ImageDraw.Draw(image)
        right = self._width - _MARGIN
        self._draw_header(pen, right)
        self._draw_speed(pen, tick, right)
        self._draw_controls(pen, tick, right)
        self._draw_progress(pen, tick, progress_m, light, right)
        y = self._draw_events(pen, 356, right)
        self._draw_reasoning(pen, tick, y, right)
        return np.asarray(image, dtype=np.uint8)

    def _draw_header(self, pen: ImageDraw.ImageDraw, right: int) -> None:
        identity = self._identity
        title = f"{identity.town}  ·  {identity.route_id}  ·  {identity.agent}"
        for line in wrap(title, font_for(title, 19), right - _MARGIN, 1):
            pen.text((_MARGIN, 16), line, _TEXT, font_for(title, 19))
        server = "embedded server (not CARLA)" if identity.server == "embedded" else identity.server
        for line in wrap(f"{server}  ·  seed {identity.seed}", font(13), right - _MARGIN, 1):
            pen.text((_MARGIN, 42), line, _MUTED, font(13))

    def _draw_speed(self, pen: ImageDraw.ImageDraw, tick: TickRecord, right: int) -> None:
        speed = f"{3.6 * abs(tick.speed_mps):.0f}"
        pen.text((_MARGIN - 3, 64), speed, _TEXT, font(64))
        pen.text((_MARGIN + font(64).getlength(speed) + 6, 104), "km/h", _MUTED, font(18))
        if tick.speed_limit_mps > 0.0:
            x, y, radius = right - 32, 102, 31
            pen.ellipse(
                (x - radius, y - radius, x + radius, y + radius), fill=(246, 246, 246), outline=(214, 48, 49), width=7
            )
            pen.text((x, y), f"{3.6 * tick.speed_limit_mps:.0f}", (24, 26, 30), font(25), anchor="mm")

    def _draw_controls(self, pen: ImageDraw.ImageDraw, tick: TickRecord, right: int) -> None:
        control = tick.control
        left = _MARGIN + 78
        rows = (("throttle", control.throttle, _GREEN), ("brake", control.brake, _RED), ("steer", control.steer, _BLUE))
        for row, (name, value, color) in enumerate(rows):
            y = 160 + 27 * row
            pen.text((_MARGIN, y + 5), name, _MUTED, font(15), anchor="lm")
            pen.rounded_rectangle((left, y, right, y + 10), 5, _TRACK)
            value = float(np.clip(value, -1.0, 1.0)) if np.isfinite(value) else 0.0
            start = (left + right) / 2 if name == "steer" else left
            end = start + value * (right - left) / (2 if name == "steer" else 1)
            low, high = min(start, end), max(start, end)
            if high - low >= 1.0:
                pen.rounded_rectangle((low, y, high, y + 10), min(5, (high - low) / 2), color)
            if name == "steer":
                pen.line((start, y - 2, start, y + 12), _MUTED, 1)

    def _draw_progress(
        self,
        pen: ImageDraw.ImageDraw,
        tick: TickRecord,
        progress_m: float,
        light: tuple[float, int | None] | None,
        right: int,
    ) -> None:
        share = min(1.0, progress_m / max(self._route_length_m, 1e-6))
        y = 252
        pen.text((_MARGIN, y), "route", _MUTED, font(15))
        pen.text((right, y), f"{progress_m:.0f} / {self._route_length_m:.0f} m", _TEXT, font(15), anchor="ra")
        pen.rounded_rectangle((_MARGIN, y + 24, right, y + 34), 5, _TRACK)
        if share > 0.01:
            pen.rounded_rectangle((_MARGIN, y + 24, _MARGIN + share * (right - _MARGIN), y + 34), 5, _BLUE)
        y = 304
        pen.text((_MARGIN, y), f"time {tick.time_s:.1f} s", _MUTED, font(15))
        if light is not None:
            distance_m, state = light
            name, color = _LIGHT_COLORS.get(3 if state is None else state, ("off", _MUTED))
            text = f"light {name} in {distance_m:.0f} m"
            pen.text((right, y), text, _TEXT, font(15), anchor="ra")
            x = right - font(15).getlength(text) - 14
            pen.ellipse((x - 6, y + 3, x + 6, y + 15), fill=color)
        pen.line((_MARGIN, 340, right, 340), _TRACK, 1)

    def _draw_events(self, pen: ImageDraw.ImageDraw, y: int, right: int) -> int:
        if not self._events:
            pen.text((_MARGIN, y), "no infraction", _GREEN, font(15))
            return y + 28
        for infraction in reversed(self._events):
            color = _RED if infraction.kind in COLLISIONS else _AMBER
            text = f"{infraction.time_s:.1f} s   {infraction.kind.value.replace('_', ' ')}"
            pen.text((_MARGIN, y), text, color, font(15))
            y += 22
        hidden = self._event_count - len(self._events)
        if hidden:
            pen.text((_MARGIN, y), f"and {hidden} earlier", _MUTED, font(13))
            y += 20
        return y + 6

    def _draw_reasoning(self, pen: ImageDraw.ImageDraw, tick: TickRecord, y: int, right: int) -> None:
        plan = tick.plan
        if plan is None:
            return
        decisions = printable("  ·  ".join(f"{value}".replace("_", " ") for value in plan.decisions.values()))
        face = font_for(decisions, 15)
        for line in wrap(decisions, face, right - _MARGIN, 1):
            pen.text((_MARGIN, y), line, _BLUE, face)
            y += 24
        reasoning = printable(plan.reasoning)
        face = font_for(reasoning, 16)
        lines_left = (self._height - 12 - y) // 22
        if lines_left < 1:
            return
        for line in wrap(reasoning, face, right - _MARGIN, lines_left):
            pen.text((_MARGIN, y), line, _TEXT, face)
            y += 22
