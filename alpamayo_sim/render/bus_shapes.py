"""A city bus. Mesh frame as in `car_shapes`."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.lamp_clusters import add_front_lamps, add_rear_lamps
from alpamayo_sim.render.mesh import BLACK, GLASS, WHITE, Material, Mesh, MeshBuilder
from alpamayo_sim.render.posters import end_poster, side_poster
from alpamayo_sim.render.sign_atlas import Cell

BUS_HALF = (5.2, 1.5, 1.75)


def bus_mesh() -> Mesh:
    """Return a city bus (10.4 m x 3 m x 3.5 m)."""
    hx, hy, hz = BUS_HALF
    b = MeshBuilder()
    b.box((0, 0, 0.86), (hx * 0.995, hy * 0.97, 0.56), Material.PAINT, WHITE)
    b.box((0, 0, 2.45), (hx * 0.99, hy * 0.955, 1.03), Material.PAINT, WHITE, taper=0.96)
    b.box((0, 0, 1.36), (hx * 0.997, hy * 0.972, 0.05), Material.LACQUER, (0.92, 0.92, 0.9))
    b.box((0.05, 0, 2.12), (hx * 0.93, hy * 0.963, 0.5), Material.GLASS, GLASS)
    b.box((hx - 0.09, 0, 1.95), (0.09, hy * 0.9, 0.75), Material.GLASS, GLASS)
    b.box((-hx + 0.05, 0, 2.3), (0.04, hy * 0.75, 0.4), Material.GLASS, GLASS)
    for x in np.linspace(-hx * 0.8, hx * 0.7, 7):
        b.box((x, 0, 2.12), (0.05, hy * 0.967, 0.5), Material.PAINT, WHITE)
    # Doors are on the right: two glazed leaves each, to the step.
    for x in (hx - 0.95, -0.4):
        b.box((x, hy * 0.955, 1.55), (0.62, 0.035, 1.12), Material.MATT, BLACK)
        for k in (-1.0, 1.0):
            b.box((x + 0.3 * k, hy * 0.96, 1.58), (0.26, 0.04, 0.98), Material.GLASS, GLASS)
    b.box((hx - 0.02, 0, 3.0), (0.05, hy * 0.6, 0.16), Material.MATT, BLACK)
    b.box((hx - 0.01, 0, 3.0), (0.05, hy * 0.45, 0.07), Material.LAMP, (0.95, 0.55, 0.08))
    b.box((0, 0, 0.35), (hx * 0.97, hy * 0.93, 0.1), Material.MATT, (0.15, 0.15, 0.15))
    b.box((-0.5, 0, 2 * hz - 0.08), (1.6, hy * 0.6, 0.1), Material.MATT, (0.7, 0.7, 0.7))
    for side in (-1.0, 1.0):
        b.box((hx - 0.05, side * hy * 0.985, 2.45), (0.06, 0.06, 0.22), Material.MATT, BLACK)
    side_poster(b, Cell.ADVERT, (-2.9, -1.3), -hy * 0.975, (0.5, 1.25))
    end_poster(b, Cell.PLATE, hx + 0.0, 0.26, (0.45, 0.56))
    end_poster(b, Cell.PLATE, -hx - 0.0, 0.26, (0.55, 0.66))
    add_rear_lamps(b, -hx - 0.01, hy * 0.84, 0.95)
    add_front_lamps(b, hx - 0.005, hy * 0.68, 0.7)
    return b.build()


def far_bus_mesh() -> Mesh:
    """Return the few faces of a bus that is some dozens of pixels wide."""
    hx, hy, _ = BUS_HALF
    b = MeshBuilder()
    b.box((0, 0, 1.9), (hx * 0.99, hy * 0.96, 1.58), Material.PAINT, WHITE)
    b.box((0.05, 0, 2.12), (hx * 0.93, hy * 0.97, 0.5), Material.GLASS, GLASS)
    b.box((hx - 0.07, 0, 1.95), (0.09, hy * 0.9, 0.75), Material.GLASS, GLASS)
    b.box((-hx + 0.05, 0, 2.3), (0.04, hy * 0.75, 0.4), Material.GLASS, GLASS)
    add_rear_lamps(b, -hx - 0.01, hy * 0.84, 0.95)
    add_front_lamps(b, hx - 0.005, hy * 0.68, 0.7)
    return b.build()
