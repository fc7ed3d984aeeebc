"""Wheels of cars, motorcycles and bicycles: radius 1 and width 1 about the y axis."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import BLACK, RUBBER, STEEL, Material, Mesh, MeshBuilder


def wheel_mesh(*, spokes: bool = True) -> Mesh:
    """Return a wheel of radius 1 and width 1 about the y axis, its outer side at +y."""
    builder = MeshBuilder()
    sides = 14 if spokes else 8
    builder.tube((0, -0.5, 0), (0, 0.5, 0), (1.0, 1.0), Material.MATT, RUBBER, sides=sides)
    builder.disc((0, 0.51, 0), (0, 1, 0), 0.68, Material.CHROME, STEEL, sides=10 if spokes else 6)
    if spokes:
        for angle in np.arange(5) * 2.0 * np.pi / 5.0:
            # Dark gaps between five spokes, so that one sees the wheel turn.
            fan = [(0.22, angle - 0.30), (0.60, angle - 0.42), (0.60, angle + 0.42), (0.22, angle + 0.30)]
            builder.new_part().polygon(
                [(r * np.cos(a), 0.52, r * np.sin(a)) for r, a in fan],
                Material.MATT,
                (0.09, 0.09, 0.09),
                away_from=(0, 0, 0),
            )
    return builder.build()


def bike_wheel_mesh(*, thin: bool) -> Mesh:
    """Return the wheel of a bicycle (thin) or a motorcycle, radius 1 and width 1 about the y axis."""
    b = MeshBuilder()
    rim = 0.93 if thin else 0.62
    b.tube((0, -0.5, 0), (0, 0.5, 0), (1.0, 1.0), Material.MATT, RUBBER, sides=16, caps=False)
    b.tube((0, 0.5, 0), (0, -0.5, 0), (rim, rim), Material.MATT, BLACK, sides=16, caps=False)
    for side in (-1.0, 1.0):
        for k in range(16):
            a, c = k * np.pi / 8, (k + 1) * np.pi / 8
            ring = [(r * np.cos(t), 0.5 * side, r * np.sin(t)) for r, t in ((rim, a), (1.0, a), (1.0, c), (rim, c))]
            b.new_part().polygon(ring, Material.MATT, RUBBER, away_from=(0, 0, 0))
        b.disc((0, side * 0.3, 0), (0, side, 0), 0.16 if thin else 0.3, Material.MATT, (0.4, 0.4, 0.41), sides=8)
        # A tube's inner wall faces in, so that it needs its own outward copy: spokes do.
        for angle in np.arange(6 if thin else 5) * 2.0 * np.pi / (6 if thin else 5):
            width = 0.014 if thin else 0.09
            along = np.array([np.cos(angle), 0.0, np.sin(angle)])
            across = np.array([-np.sin(angle), 0.0, np.cos(angle)]) * width
            spoke = [along * 0.1 - across, along * rim - across, along * rim + across, along * 0.1 + across]
            b.new_part().polygon(
                np.array(spoke) + np.array([0, 0.25 * side, 0]), Material.CHROME, STEEL, away_from=(0, 0, 0)
            )
    return b.build()
