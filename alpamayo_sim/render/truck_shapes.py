"""Trucks: a box truck, a delivery truck and a fire engine. Mesh frame as in `car_shapes`."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.lamp_clusters import add_front_lamps, add_rear_lamps
from alpamayo_sim.render.mesh import BLACK, GLASS, WHITE, Color, Material, Mesh, MeshBuilder
from alpamayo_sim.render.posters import end_poster, side_poster
from alpamayo_sim.render.sign_atlas import Cell

RED: Color = (0.72, 0.08, 0.07)
SILVER: Color = (0.66, 0.67, 0.69)
TRUCK_HALF = (4.0, 1.4, 1.75)
BOX_TRUCK_HALF = (2.6, 1.3, 1.23)


def _cab(b: MeshBuilder, hx: float, hy: float, hz: float, length: float) -> None:
    """Add a cab over the engine that ends `length` behind the front."""
    mid, half = hx - 0.5 * length, 0.5 * length
    top = min(2.0 * hz - 0.3, 2.9)
    waist = 0.58 * top
    b.box((mid, 0, 0.5 * (0.42 + waist)), (half, hy * 0.96, 0.5 * (waist - 0.42)), Material.PAINT, WHITE)
    b.box(
        (mid - 0.04, 0, 0.5 * (waist + top)),
        (half - 0.03, hy * 0.94, 0.5 * (top - waist)),
        Material.PAINT,
        WHITE,
        taper=0.94,
    )
    b.box((hx - 0.09, 0, waist + 0.42 * (top - waist)), (0.05, hy * 0.86, 0.36 * (top - waist)), Material.GLASS, GLASS)
    b.box(
        (mid + 0.1, 0, waist + 0.42 * (top - waist)),
        (0.42 * length, hy * 0.955, 0.33 * (top - waist)),
        Material.GLASS,
        GLASS,
    )
    b.box(
        (mid - 0.42 * length, 0, waist + 0.4 * (top - waist)),
        (0.05, hy * 0.958, 0.4 * (top - waist)),
        Material.PAINT,
        WHITE,
    )
    b.box((hx - 0.012, 0, 0.5 * waist + 0.22), (0.02, hy * 0.55, 0.2), Material.MATT, BLACK)
    b.box((hx - 0.03, 0, 0.46), (0.05, hy * 0.95, 0.13), Material.MATT, (0.2, 0.2, 0.2))
    for side in (-1.0, 1.0):
        b.box((hx - 0.15, side * (hy * 0.96 + 0.07), waist + 0.2), (0.05, 0.06, 0.26), Material.MATT, BLACK)
        b.box((mid + 0.05, side * hy * 0.965, waist - 0.16), (0.10, 0.01, 0.02), Material.MATT, BLACK)
        b.box((mid + 0.42, side * hy * 0.962, 0.5 * waist + 0.2), (0.008, 0.008, 0.42 * waist), Material.MATT, BLACK)
    add_front_lamps(b, hx + 0.005, hy * 0.68, 0.72)
    end_poster(b, Cell.PLATE, hx + 0.025, 0.26, (0.40, 0.51))


def _chassis(b: MeshBuilder, hx: float, hy: float, front: float) -> None:
    b.box((0.5 * (front - hx), 0, 0.72), (0.5 * (front + hx), hy * 0.55, 0.16), Material.MATT, (0.12, 0.12, 0.12))
    b.box((-hx + 0.03, 0, 0.62), (0.04, hy * 0.95, 0.12), Material.MATT, (0.15, 0.15, 0.15))
    end_poster(b, Cell.PLATE, -hx - 0.02, 0.26, (0.56, 0.68))
    add_rear_lamps(b, -hx - 0.01, hy * 0.82, 0.80)


def truck_mesh() -> Mesh:
    """Return a truck with a cab and a box body (8 m x 2.8 m x 3.5 m)."""
    hx, hy, hz = TRUCK_HALF
    b = MeshBuilder()
    front = hx - 1.9
    _cab(b, hx, hy, hz, 1.85)
    top, low = 2.0 * hz, 0.98
    b.box(
        (0.5 * (front - 0.08 - hx), 0, 0.5 * (low + top)),
        (0.5 * (front - 0.08 + hx), hy, 0.5 * (top - low)),
        Material.LACQUER,
        (0.80, 0.80, 0.78),
    )
    b.box(
        (0.5 * (front - 0.08 - hx), 0, low + 0.06), (0.5 * (front - 0.06 + hx), hy + 0.01, 0.07), Material.PAINT, WHITE
    )
    for x in np.linspace(-hx + 0.7, front - 0.8, 6):
        b.box((x, 0, 0.5 * (low + top)), (0.02, hy + 0.008, 0.5 * (top - low) - 0.1), Material.MATT, (0.62, 0.62, 0.61))
    b.box((front - 0.35, 0, top - 0.45), (0.45, hy * 0.8, 0.3), Material.PAINT, WHITE, taper=0.85)
    _chassis(b, hx, hy, front)
    for side in (-1.0, 1.0):
        b.box((0.5, side * hy * 0.9, 0.62), (0.7, 0.16, 0.24), Material.CHROME, (0.5, 0.5, 0.52))
        b.box((-1.1, side * hy * 0.97, 0.66), (0.5, 0.02, 0.2), Material.MATT, (0.3, 0.3, 0.3))
        for y in (0.04, 0.6 * hy):
            b.box((-hx - 0.012, side * y, 2.2), (0.01, 0.02, 1.1), Material.MATT, (0.4, 0.4, 0.4))
    return b.build()


def far_truck_mesh(*, fire: bool = False) -> Mesh:
    """Return the few faces of a truck that is some dozens of pixels wide."""
    hx, hy, _ = TRUCK_HALF
    b = MeshBuilder()
    b.box(
        (hx - 0.93, 0, 1.62),
        (0.92, hy * 0.95, 1.2),
        Material.LACQUER if fire else Material.PAINT,
        RED if fire else WHITE,
    )
    b.box((hx - 0.05, 0, 2.1), (0.07, hy * 0.84, 0.4), Material.GLASS, GLASS)
    b.box((hx - 0.9, 0, 2.1), (0.75, hy * 0.956, 0.36), Material.GLASS, GLASS)
    b.box((-1.0, 0, 2.2), (3.0, hy, 1.25), Material.LACQUER, RED if fire else (0.80, 0.80, 0.78))
    b.box((0, 0, 0.75), (hx * 0.98, hy * 0.6, 0.2), Material.MATT, (0.12, 0.12, 0.12))
    if fire:
        for side, color in ((1.0, (0.06, 0.15, 0.95)), (-1.0, (0.95, 0.06, 0.06))):
            b.box((hx - 0.8, side * 0.6, 2.95), (0.18, 0.4, 0.13), Material.BEACON, color)
    add_rear_lamps(b, -hx - 0.01, hy * 0.82, 0.80)
    add_front_lamps(b, hx + 0.005, hy * 0.68, 0.72)
    return b.build()


def fire_truck_mesh() -> Mesh:
    """Return a fire engine: crew cab, lockers, a ladder on the roof, beacons."""
    hx, hy, hz = TRUCK_HALF
    b = MeshBuilder()
    front, top = hx - 2.6, 2.0 * hz
    for part in (b,):
        part.box((hx - 1.3, 0, 1.0), (1.28, hy * 0.96, 0.58), Material.LACQUER, RED)
        part.box((hx - 1.33, 0, 2.22), (1.25, hy * 0.94, 0.65), Material.LACQUER, RED, taper=0.95)
        part.box((hx - 0.08, 0, 2.12), (0.06, hy * 0.86, 0.42), Material.GLASS, GLASS)
        part.box((hx - 1.2, 0, 2.15), (1.05, hy * 0.952, 0.36), Material.GLASS, GLASS)
        for x in (hx - 0.3, hx - 1.3, hx - 2.2):
            part.box((x, 0, 2.15), (0.07, hy * 0.956, 0.37), Material.LACQUER, RED)
    b.box((hx - 1.3, 0, 1.38), (1.29, hy * 0.965, 0.07), Material.SIGN_FACE, (0.93, 0.92, 0.88))
    b.box((hx + 0.0, 0, 0.55), (0.06, hy * 0.97, 0.2), Material.CHROME, SILVER)
    b.box((hx - 0.01, 0, 1.08), (0.02, hy * 0.5, 0.2), Material.MATT, BLACK)
    end_poster(b, Cell.FIRE, hx - 0.015, 0.42, (1.52, 1.74))
    b.box(
        (0.5 * (front - hx), 0, 0.5 * (0.7 + 2.75)), (0.5 * (front + hx), hy, 0.5 * (2.75 - 0.7)), Material.LACQUER, RED
    )
    b.box(
        (0.5 * (front - hx), 0, 0.92),
        (0.5 * (front + hx) + 0.01, hy + 0.012, 0.07),
        Material.SIGN_FACE,
        (0.95, 0.85, 0.2),
    )
    for side in (-1.0, 1.0):
        for x in (-3.2, -2.05, 0.15):
            b.box((x, side * (hy + 0.004), 1.85), (0.48, 0.012, 0.72), Material.CHROME, SILVER)
            for z in np.linspace(1.3, 2.4, 5):
                b.box((x, side * (hy + 0.018), z), (0.46, 0.006, 0.012), Material.MATT, (0.4, 0.4, 0.42))
        side_poster(b, Cell.FIRE, (hx - 2.3, hx - 1.45), side * hy * 0.975, (0.85, 1.25))
    for y in (-0.3, 0.3):
        b.box((-0.4, y, 3.2), (3.3, 0.05, 0.07), Material.CHROME, SILVER)
    for x in np.linspace(-3.5, 2.7, 14):
        b.box((x, 0, 3.18), (0.03, 0.3, 0.03), Material.CHROME, SILVER)
    for x in (-3.0, 0.6):
        b.box((x, 0, 2.93), (0.08, 0.4, 0.2), Material.MATT, (0.2, 0.2, 0.2))
    b.box((hx - 0.8, 0, 2.86), (0.22, 1.1, 0.05), Material.MATT, BLACK)
    for side, color in ((1.0, (0.06, 0.15, 0.95)), (-1.0, (0.95, 0.06, 0.06))):
        b.box((hx - 0.8, side * 0.62, 2.98), (0.2, 0.42, 0.11), Material.BEACON, color)
        b.box((-hx + 0.05, side * 1.2, 2.86), (0.1, 0.12, 0.1), Material.BEACON, color)
        b.box((hx - 0.2, side * (hy * 0.96 + 0.07), 2.15), (0.05, 0.06, 0.26), Material.MATT, BLACK)
    add_front_lamps(b, hx + 0.06, hy * 0.68, 0.86)
    _chassis(b, hx, hy, front)
    b.box((-1.0, 0, top - 0.03), (0.4, 0.2, 0.03), Material.MATT, (0.4, 0.4, 0.4))
    return b.build()


def box_truck_mesh() -> Mesh:
    """Return a delivery truck (5.2 m x 2.6 m x 2.5 m) with an open-sided rack of crates under a signboard."""
    hx, hy, hz = BOX_TRUCK_HALF
    b = MeshBuilder()
    top, front = 2.0 * hz, hx - 1.35
    b.box((hx - 0.62, 0, 0.82), (0.62, hy * 0.86, 0.46), Material.LACQUER, RED)
    b.box((hx - 0.75, 0, 1.62), (0.52, hy * 0.82, 0.38), Material.LACQUER, RED, taper=0.9)
    b.box((hx - 0.30, 0, 1.6), (0.06, hy * 0.70, 0.27), Material.GLASS, GLASS)
    b.box((hx - 0.78, 0, 1.6), (0.36, hy * 0.832, 0.25), Material.GLASS, GLASS)
    b.box(
        (0.5 * (front - hx), 0, 0.5 * (0.72 + top)), (0.5 * (front + hx), hy, 0.5 * (top - 0.72)), Material.LACQUER, RED
    )
    b.box((0.5 * (front - hx), 0, top - 0.04), (0.5 * (front + hx) + 0.02, hy + 0.01, 0.05), Material.LACQUER, WHITE)
    for side in (-1.0, 1.0):
        side_poster(b, Cell.COLA, (-hx + 0.25, front - 0.25), side * (hy + 0.012), (0.95, top - 0.2))
        b.box((hx - 0.3, side * (hy * 0.86 + 0.08), 1.45), (0.04, 0.07, 0.14), Material.MATT, BLACK)
    end_poster(b, Cell.COLA, -hx - 0.012, 0.85, (1.05, top - 0.25))
    b.box((hx - 0.01, 0, 0.84), (0.02, 0.5, 0.16), Material.MATT, BLACK)
    b.box((hx - 0.02, 0, 0.45), (0.05, hy * 0.86, 0.1), Material.MATT, (0.2, 0.2, 0.2))
    add_front_lamps(b, hx + 0.005, hy * 0.58, 0.72)
    _chassis(b, hx, hy, front)
    return b.build()
