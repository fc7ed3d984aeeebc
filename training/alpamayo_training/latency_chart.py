"""Scores against latency: a table for the terminal and a chart as a PNG file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

from alpamayo_sim.record.text import font

_WIDTH, _HEIGHT = 960, 560
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 30, 70, 80
_INK, _MUTED, _GRID = (30, 34, 40), (110, 118, 130), (226, 230, 236)
_SERIES = (
    ("driving_score", "driving score", (34, 102, 204)),
    ("route_completion_percent", "route completion", (64, 160, 96)),
)


@dataclass(frozen=True)
class LatencyRow:
    """What a suite came to at one latency."""

    latency: str
    """As `--latency` takes it."""
    seconds: float
    """Where it stands on the chart: the constant, or the mean of the plans' latencies."""
    summary: dict[str, Any]
    """The benchmark's summary."""


def latency_table(rows: Sequence[LatencyRow]) -> str:
    """Return the rows as text, one line a latency."""
    lines = [
        f"{'latency':>12} {'driving score':>14} {'95 % interval':>15} {'completion':>11} {'success':>8} {'infractions':>12}"
    ]
    for row in rows:
        own = row.summary
        interval = f"{own['driving_score_low']:.1f} to {own['driving_score_high']:.1f}"
        lines.append(
            f"{_name(row):>12} {own['driving_score']:>14.1f} {interval:>15} {own['route_completion_percent']:>9.1f} % "
            f"{own['success_rate_percent']:>6.0f} % {own['infractions_total']:>12}"
        )
    return "\n".join(lines)


def _name(row: LatencyRow) -> str:
    try:
        return f"{float(row.latency):g} s"
    except ValueError:
        return Path(row.latency).name


def draw_chart(rows: Sequence[LatencyRow], title: str, path: Path) -> None:
    """Write the chart: driving score with its 95 % interval, and route completion, over the latency in seconds."""
    image = Image.new("RGB", (_WIDTH, _HEIGHT), (255, 255, 255))
    pen = ImageDraw.Draw(image)
    ordered = sorted(rows, key=lambda row: row.seconds)
    longest = max([row.seconds for row in ordered] + [0.1])

    def at(seconds: float, value: float) -> tuple[float, float]:
        x = _LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / longest
        return x, _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1.0 - value / 100.0)

    pen.text((_LEFT, 18), title, _INK, font(22))
    for value in range(0, 101, 20):
        pen.line((*at(0.0, value), *at(longest, value)), _GRID, 1)
        pen.text((_LEFT - 10, at(0.0, value)[1]), str(value), _MUTED, font(15), anchor="rm")
    for row in ordered:
        x, y = at(row.seconds, 0.0)
        pen.line((x, y, x, y + 6), _MUTED, 1)
        pen.text((x, y + 10), f"{row.seconds:g}", _MUTED, font(15), anchor="ma")
    pen.text(
        ((_WIDTH + _LEFT) / 2, _HEIGHT - 36), "latency of a plan, s of simulation time", _MUTED, font(16), anchor="ma"
    )
    for key, _, color in reversed(_SERIES):
        points = [at(row.seconds, float(row.summary[key])) for row in ordered]
        if len(points) > 1:
            pen.line(points, color, 3, joint="curve")
        for (x, y), row in zip(points, ordered, strict=True):
            pen.ellipse((x - 5, y - 5, x + 5, y + 5), color)
            if key == "driving_score":
                low = at(row.seconds, float(row.summary["driving_score_low"]))
                high = at(row.seconds, float(row.summary["driving_score_high"]))
                pen.line((*low, *high), color, 1)
                for end in (low, high):
                    pen.line((end[0] - 5, end[1], end[0] + 5, end[1]), color, 1)
    for number, (_, name, color) in enumerate(_SERIES):
        x = _WIDTH - _RIGHT - 330 + 170 * number
        pen.line((x, 54, x + 24, 54), color, 3)
        pen.text((x + 30, 54), name, _INK, font(15), anchor="lm")
    image.save(path)
