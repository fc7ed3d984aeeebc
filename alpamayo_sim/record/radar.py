"""Bench2Drive's abilities as a radar chart in SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import escape

_RADIUS = 100.0
_RINGS = (25, 50, 75, 100)


def radar_svg(names: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]]) -> str:
    """Return an `<svg>` of one polygon a series, its values in percent by name; a value that is not known is drawn as 0."""
    told = "; ".join(
        f"{label}: " + ", ".join(f"{n} {_percent(v)}" for n, v in zip(names, values, strict=True))
        for label, values in series
    )
    parts = [f'<svg class="radar" viewBox="-215 -135 430 262" role="img" aria-label="Abilities. {escape(told)}">']
    for ring in _RINGS:
        parts.append(f'<polygon class="ring" points="{_polygon([ring] * len(names))}"/>')
    for k, name in enumerate(names):
        x, y = _at(k, len(names), _RADIUS)
        parts.append(f'<line class="ring" x1="0" y1="0" x2="{x:.1f}" y2="{y:.1f}"/>')
        x, y = _at(k, len(names), _RADIUS + 14)
        anchor = "middle" if abs(x) < 20 else "start" if x > 0 else "end"
        parts.append(f'<text x="{x:.1f}" y="{y + 5:.1f}" text-anchor="{anchor}">{escape(name)}</text>')
    for number, (_, values) in enumerate(series):
        points = _polygon([0.0 if value is None else value for value in values])
        parts.append(f'<polygon class="series series-{"ab"[number]}" points="{points}"/>')
        for k, value in enumerate(values):
            x, y = _at(k, len(names), value or 0.0)
            parts.append(f'<circle class="series-{"ab"[number]}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
    return "".join(parts) + "</svg>"


def _at(corner: int, corners: int, radius: float) -> tuple[float, float]:
    angle = 2.0 * math.pi * corner / corners - math.pi / 2.0
    return radius * math.cos(angle), radius * math.sin(angle)


def _polygon(values: Sequence[float]) -> str:
    return " ".join("{:.1f},{:.1f}".format(*_at(k, len(values), value)) for k, value in enumerate(values))


def _percent(value: float | None) -> str:
    return "not tested" if value is None else f"{value:.0f} %"
