"""Front and rear lamps of trucks and buses."""

from __future__ import annotations

from alpamayo_sim.render.mesh import Material, MeshBuilder


def add_rear_lamps(builder: MeshBuilder, x: float, y: float, z: float) -> None:
    """Add tail lights, blinkers and reversing lights at x, y to either side, about the height z."""
    for side in (-1.0, 1.0):
        blinker = Material.BLINKER_RIGHT if side > 0 else Material.BLINKER_LEFT
        builder.box((x, y * side, z), (0.02, 0.13, 0.12), Material.TAILLIGHT, (0.55, 0.03, 0.03))
        builder.box((x, y * side, z + 0.2), (0.02, 0.13, 0.06), blinker, (0.7, 0.35, 0.08))
        builder.box((x, y * side, z - 0.18), (0.02, 0.1, 0.05), Material.REVERSE_LIGHT, (0.85, 0.85, 0.85))


def add_front_lamps(builder: MeshBuilder, x: float, y: float, z: float) -> None:
    """Add headlights and blinkers at x, y to either side, at the height z."""
    for side in (-1.0, 1.0):
        blinker = Material.BLINKER_RIGHT if side > 0 else Material.BLINKER_LEFT
        builder.box((x, y * side, z), (0.02, 0.18, 0.09), Material.HEADLIGHT, (0.82, 0.84, 0.86))
        builder.box((x, (y + 0.25) * side, z), (0.025, 0.06, 0.07), blinker, (0.7, 0.35, 0.08))
