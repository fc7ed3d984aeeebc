"""The map of an episode as SVG: roads, the route, what was driven, where something went wrong; north is up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import escape

_LAYERS = ("sidewalk", "shoulder", "parking", "biking", "driving")


def route_svg(
    surroundings: Mapping[str, Any], timeline: Mapping[str, Any], infractions: Sequence[Mapping[str, Any]]
) -> str:
    """Return an `<svg>` whose user unit is a metre, x to the east and y to the south as in the CARLA world frame."""
    low_x, low_y, high_x, high_y = surroundings["bounds"]
    width, height = high_x - low_x, high_y - low_y
    unit = max(width, height) / 100.0
    parts = [
        f'<svg class="map" viewBox="{low_x:g} {low_y:g} {width:g} {height:g}" role="img" '
        f'aria-label="Map of the route in {escape(surroundings["town"])}" style="--unit:{unit:.3f}px">'
    ]
    for kind in _LAYERS:
        outlines = [_path(lane["points"]) + "Z" for lane in surroundings["lanes"] if lane["kind"] == kind]
        if outlines:
            parts.append(f'<path class="lane {kind}" d="{"".join(outlines)}"/>')
    stops = "".join(_path(line["points"]) for line in surroundings["stop_lines"])
    if stops:
        parts.append(f'<path class="stop-line" d="{stops}"/>')
    parts.append(f'<path class="route" d="{_path(surroundings["route"])}"/>')
    driven = list(zip(timeline["x_m"], timeline["y_m"], strict=True))
    if driven:
        parts.append(f'<path class="driven" d="{_path(driven)}"/>')
    for point, name in ((surroundings["route"][0], "start"), (surroundings["route"][-1], "finish")):
        parts.append(f'<circle class="{name}" cx="{point[0]:g}" cy="{point[1]:g}" r="{1.5 * unit:.2f}"/>')
    for infraction in infractions:
        x, y, _ = infraction["location"]
        arm = 1.5 * unit
        parts.append(
            f'<g class="infraction" data-time="{infraction["time_s"]:g}" transform="translate({x:.2f} {y:.2f})">'
            f'<circle r="{2.2 * unit:.2f}"/><path d="M{-arm / 2:.2f} {-arm / 2:.2f}L{arm / 2:.2f} {arm / 2:.2f}'
            f'M{-arm / 2:.2f} {arm / 2:.2f}L{arm / 2:.2f} {-arm / 2:.2f}"/>'
            f"<title>{infraction['time_s']:.1f} s: {escape(infraction['message'])}</title></g>"
        )
    tip, back, notch, half = (round(k * unit, 2) for k in (2.6, -1.6, -0.8, 1.5))
    arrow = f"M{tip:g} 0L{back:g} {half:g}L{notch:g} 0L{back:g} {-half:g}Z"
    parts.append(f'<path class="ego" d="{arrow}" visibility="hidden"/></svg>')
    return "".join(parts)


def _path(points: Sequence[Sequence[float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in points)
