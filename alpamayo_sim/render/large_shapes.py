"""Trucks, buses and two-wheelers with their riders. Mesh frame as in `car_shapes`."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import (
    BLACK,
    GLASS,
    RIDER_FLAG,
    RUBBER,
    STEEL,
    Color,
    Joint,
    Material,
    Mesh,
    MeshBuilder,
)
from alpamayo_sim.render.sign_atlas import Cell

WHITE: Color = (0.9, 0.9, 0.9)
RED: Color = (0.72, 0.08, 0.07)
SILVER: Color = (0.66, 0.67, 0.69)
TRUCK_HALF = (4.0, 1.4, 1.75)
BOX_TRUCK_HALF = (2.6, 1.3, 1.23)
BUS_HALF = (5.2, 1.5, 1.75)
MOTORCYCLE_HALF = (1.05, 0.4, 0.8)
SCOOTER_HALF = (0.91, 0.42, 0.8)
BICYCLE_HALF = (0.85, 0.35, 0.85)
MOTORCYCLE_WHEELS, SCOOTER_WHEELS, BICYCLE_WHEELS = (0.72, -0.7), (0.62, -0.55), (0.52, -0.52)
MOTORCYCLE_RADIUS, SCOOTER_RADIUS, BICYCLE_RADIUS = 0.31, 0.22, 0.33


def side_poster(b: MeshBuilder, cell: Cell, x: tuple[float, float], y: float, z: tuple[float, float]) -> None:
    """Put a poster on a side wall at y, from x[0] to x[1] and z[0] to z[1], to be read from outside."""
    # Seen from the right side, forward is to the reader's right.
    left, right = (x[0], x[1]) if y > 0 else (x[1], x[0])
    corners = [(left, y, z[1]), (right, y, z[1]), (right, y, z[0]), (left, y, z[0])]
    b.poster(
        corners, [(0, 0), (1, 0), (1, 1), (0, 1)], cell, away_from=(0.5 * (left + right), 0.0, 0.5 * (z[0] + z[1]))
    )


def end_poster(b: MeshBuilder, cell: Cell, x: float, y: float, z: tuple[float, float]) -> None:
    """Put a poster of half width y on the front (x > 0) or the rear."""
    left = -y if x < 0 else y
    corners = [(x, left, z[1]), (x, -left, z[1]), (x, -left, z[0]), (x, left, z[0])]
    b.poster(corners, [(0, 0), (1, 0), (1, 1), (0, 1)], cell, away_from=(0.0, 0.0, 0.5 * (z[0] + z[1])))


def _rear_lamps(builder: MeshBuilder, x: float, y: float, z: float) -> None:
    for side in (-1.0, 1.0):
        blinker = Material.BLINKER_RIGHT if side > 0 else Material.BLINKER_LEFT
        builder.box((x, y * side, z), (0.02, 0.13, 0.12), Material.TAILLIGHT, (0.55, 0.03, 0.03))
        builder.box((x, y * side, z + 0.2), (0.02, 0.13, 0.06), blinker, (0.7, 0.35, 0.08))
        builder.box((x, y * side, z - 0.18), (0.02, 0.1, 0.05), Material.REVERSE_LIGHT, (0.85, 0.85, 0.85))


def _front_lamps(builder: MeshBuilder, x: float, y: float, z: float) -> None:
    for side in (-1.0, 1.0):
        blinker = Material.BLINKER_RIGHT if side > 0 else Material.BLINKER_LEFT
        builder.box((x, y * side, z), (0.02, 0.18, 0.09), Material.HEADLIGHT, (0.82, 0.84, 0.86))
        builder.box((x, (y + 0.25) * side, z), (0.025, 0.06, 0.07), blinker, (0.7, 0.35, 0.08))


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
    _front_lamps(b, hx + 0.005, hy * 0.68, 0.72)
    end_poster(b, Cell.PLATE, hx + 0.025, 0.26, (0.40, 0.51))


def _chassis(b: MeshBuilder, hx: float, hy: float, front: float) -> None:
    b.box((0.5 * (front - hx), 0, 0.72), (0.5 * (front + hx), hy * 0.55, 0.16), Material.MATT, (0.12, 0.12, 0.12))
    b.box((-hx + 0.03, 0, 0.62), (0.04, hy * 0.95, 0.12), Material.MATT, (0.15, 0.15, 0.15))
    end_poster(b, Cell.PLATE, -hx - 0.02, 0.26, (0.56, 0.68))
    _rear_lamps(b, -hx - 0.01, hy * 0.82, 0.80)


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
    _rear_lamps(b, -hx - 0.01, hy * 0.82, 0.80)
    _front_lamps(b, hx + 0.005, hy * 0.68, 0.72)
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
    _front_lamps(b, hx + 0.06, hy * 0.68, 0.86)
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
    _front_lamps(b, hx + 0.005, hy * 0.58, 0.72)
    _chassis(b, hx, hy, front)
    return b.build()


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
    _rear_lamps(b, -hx - 0.01, hy * 0.84, 0.95)
    _front_lamps(b, hx - 0.005, hy * 0.68, 0.7)
    return b.build()


def far_bus_mesh() -> Mesh:
    """Return the few faces of a bus that is some dozens of pixels wide."""
    hx, hy, _ = BUS_HALF
    b = MeshBuilder()
    b.box((0, 0, 1.9), (hx * 0.99, hy * 0.96, 1.58), Material.PAINT, WHITE)
    b.box((0.05, 0, 2.12), (hx * 0.93, hy * 0.97, 0.5), Material.GLASS, GLASS)
    b.box((hx - 0.07, 0, 1.95), (0.09, hy * 0.9, 0.75), Material.GLASS, GLASS)
    b.box((-hx + 0.05, 0, 2.3), (0.04, hy * 0.75, 0.4), Material.GLASS, GLASS)
    _rear_lamps(b, -hx - 0.01, hy * 0.84, 0.95)
    _front_lamps(b, hx - 0.005, hy * 0.68, 0.7)
    return b.build()


def _rider(
    b: MeshBuilder, hip: tuple[float, float], hands: tuple[float, float], foot: tuple[float, float], *, helmet: bool
) -> None:
    """Add a seated rider; (x, z) of hips, hands and feet."""
    b.joint(RIDER_FLAG)
    shoulder = (hip[0] + 0.55 * (hands[0] - hip[0]) - 0.02, hip[1] + 0.5)
    b.tube((hip[0], 0, hip[1]), (shoulder[0], 0, shoulder[1]), (0.16, 0.19), Material.CLOTH, WHITE, sides=7)
    head = (shoulder[0] + 0.07, 0.0, shoulder[1] + 0.24)
    if helmet:
        b.ball(head, (0.15, 0.13, 0.15), Material.LACQUER, (0.85, 0.85, 0.86), sides=8, rings=5)
        b.box((head[0] + 0.1, 0, head[2]), (0.05, 0.09, 0.04), Material.GLASS, GLASS)
    else:
        b.ball(head, (0.11, 0.1, 0.14), Material.SKIN, WHITE, sides=7, rings=5)
        b.ball((head[0] - 0.03, 0, head[2] + 0.05), (0.125, 0.11, 0.105), Material.HAIR, WHITE, sides=7, rings=4)
    for side in (-1.0, 1.0):
        knee = (0.5 * (hip[0] + foot[0]) + 0.16, 0.14 * side, 0.55 * (hip[1] + foot[1]))
        b.tube((hip[0], 0.1 * side, hip[1]), knee, (0.09, 0.07), Material.TROUSERS, WHITE, sides=6)
        b.tube(knee, (foot[0], 0.14 * side, foot[1]), (0.065, 0.05), Material.TROUSERS, WHITE, sides=6)
        b.box((foot[0] + 0.06, 0.14 * side, foot[1] - 0.03), (0.12, 0.04, 0.04), Material.MATT, BLACK)
        elbow = (0.5 * (shoulder[0] + hands[0]) - 0.04, 0.27 * side, 0.5 * (shoulder[1] + hands[1]) - 0.08)
        b.tube((shoulder[0], 0.2 * side, shoulder[1] - 0.03), elbow, (0.06, 0.05), Material.CLOTH, WHITE, sides=6)
        b.tube(elbow, (hands[0], 0.24 * side, hands[1]), (0.05, 0.04), Material.CLOTH, WHITE, sides=6)
        b.ball((hands[0], 0.24 * side, hands[1]), (0.045, 0.04, 0.045), Material.SKIN, WHITE, sides=5, rings=3)
    b.joint(Joint.NONE)


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


def motorcycle_mesh() -> Mesh:
    """Return a motorcycle with its rider, without wheels."""
    b = MeshBuilder()
    b.box((0.12, 0, 0.66), (0.36, 0.14, 0.14), Material.PAINT, WHITE, taper=0.75)
    b.box((0.42, 0, 0.66), (0.16, 0.17, 0.22), Material.PAINT, WHITE, taper=0.7)
    b.box((0.02, 0, 0.4), (0.3, 0.14, 0.14), Material.CHROME, (0.4, 0.4, 0.42))
    b.box((-0.42, 0, 0.74), (0.34, 0.12, 0.06), Material.MATT, BLACK)
    b.box((-0.72, 0, 0.76), (0.2, 0.09, 0.07), Material.PAINT, WHITE)
    b.box((-0.78, 0, 0.55), (0.12, 0.07, 0.1), Material.MATT, BLACK)
    b.tube((-0.2, 0.17, 0.3), (-0.85, 0.2, 0.42), (0.05, 0.06), Material.CHROME, STEEL, sides=6)
    for side in (-1.0, 1.0):
        b.tube((0.72, 0.08 * side, 0.31), (0.5, 0.08 * side, 0.9), (0.035, 0.035), Material.CHROME, STEEL, sides=5)
        b.tube((-0.7, 0.09 * side, 0.31), (-0.15, 0.1 * side, 0.36), (0.035, 0.035), Material.CHROME, STEEL, sides=5)
        b.tube((0.5, 0.3 * side, 1.0), (0.52, 0.34 * side, 1.14), (0.012, 0.012), Material.MATT, BLACK, sides=4)
        b.box((0.52, 0.36 * side, 1.16), (0.02, 0.06, 0.04), Material.MATT, BLACK)
    b.box((0.74, 0, 0.66), (0.16, 0.06, 0.02), Material.PAINT, WHITE)
    b.tube((0.45, -0.36, 0.98), (0.45, 0.36, 0.98), (0.025, 0.025), Material.MATT, BLACK, sides=5)
    b.box((0.62, 0, 0.88), (0.07, 0.11, 0.1), Material.HEADLIGHT, (0.85, 0.86, 0.88))
    b.box((-0.93, 0, 0.76), (0.03, 0.10, 0.05), Material.TAILLIGHT, (0.55, 0.03, 0.03))
    end_poster(b, Cell.PLATE, -0.92, 0.11, (0.52, 0.66))
    for side, blinker in ((-1.0, Material.BLINKER_LEFT), (1.0, Material.BLINKER_RIGHT)):
        b.box((-0.9, 0.18 * side, 0.72), (0.04, 0.045, 0.035), blinker, (0.7, 0.35, 0.08))
        b.box((0.6, 0.22 * side, 0.85), (0.04, 0.045, 0.035), blinker, (0.7, 0.35, 0.08))
    _rider(b, (-0.3, 0.82), (0.42, 1.0), (-0.1, 0.32), helmet=True)
    return b.build()


def scooter_mesh() -> Mesh:
    """Return a motor scooter with its rider, without wheels."""
    b = MeshBuilder()
    b.box((-0.45, 0, 0.52), (0.36, 0.2, 0.2), Material.PAINT, WHITE, taper=0.85)
    b.box((-0.42, 0, 0.76), (0.32, 0.13, 0.05), Material.MATT, BLACK)
    b.box((0.08, 0, 0.28), (0.3, 0.17, 0.04), Material.MATT, (0.25, 0.25, 0.25))
    b.polygon(
        [(0.36, -0.24, 0.3), (0.36, 0.24, 0.3), (0.44, 0.16, 0.88), (0.44, -0.16, 0.88)],
        Material.PAINT,
        WHITE,
        away_from=(0, 0, 0.6),
    )
    b.new_part().polygon(
        [(0.35, -0.24, 0.3), (0.35, 0.24, 0.3), (0.43, 0.16, 0.88), (0.43, -0.16, 0.88)],
        Material.PAINT,
        WHITE,
        away_from=(1, 0, 0.6),
    )
    b.tube((0.62, 0, 0.22), (0.42, 0, 0.98), (0.05, 0.04), Material.PAINT, WHITE, sides=6)
    b.box((0.62, 0, 0.42), (0.2, 0.07, 0.05), Material.PAINT, WHITE, taper=0.8)
    b.tube((0.40, -0.32, 1.0), (0.40, 0.32, 1.0), (0.022, 0.022), Material.MATT, BLACK, sides=5)
    b.box((0.48, 0, 1.0), (0.06, 0.09, 0.08), Material.HEADLIGHT, (0.85, 0.86, 0.88))
    b.box((-0.83, 0, 0.6), (0.03, 0.09, 0.05), Material.TAILLIGHT, (0.55, 0.03, 0.03))
    end_poster(b, Cell.PLATE, -0.82, 0.1, (0.38, 0.5))
    for side, blinker in ((-1.0, Material.BLINKER_LEFT), (1.0, Material.BLINKER_RIGHT)):
        b.box((-0.8, 0.17 * side, 0.56), (0.04, 0.04, 0.035), blinker, (0.7, 0.35, 0.08))
        b.box((0.46, 0.17 * side, 0.94), (0.04, 0.04, 0.035), blinker, (0.7, 0.35, 0.08))
    _rider(b, (-0.35, 0.82), (0.38, 1.03), (0.16, 0.34), helmet=True)
    return b.build()


def bicycle_mesh() -> Mesh:
    """Return a bicycle with its rider, without wheels."""
    b = MeshBuilder()
    frame: tuple[tuple[tuple[float, float], tuple[float, float]], ...] = (
        ((-0.52, 0.33), (-0.12, 0.3)),
        ((-0.12, 0.3), (-0.22, 0.86)),
        ((-0.2, 0.78), (0.36, 0.82)),
        ((-0.12, 0.3), (0.38, 0.74)),
        ((0.52, 0.33), (0.35, 0.95)),
        ((-0.52, 0.33), (-0.2, 0.78)),
    )
    for start, end in frame:
        b.tube((start[0], 0, start[1]), (end[0], 0, end[1]), (0.028, 0.028), Material.PAINT, WHITE, sides=5, caps=False)
    b.tube((0.36, -0.28, 0.98), (0.36, 0.28, 0.98), (0.02, 0.02), Material.MATT, BLACK, sides=5)
    b.box((-0.23, 0, 0.89), (0.13, 0.07, 0.03), Material.MATT, BLACK)
    b.disc((-0.12, 0.06, 0.3), (0, 1, 0), 0.1, Material.CHROME, STEEL, sides=10)
    b.box((-0.60, 0, 0.7), (0.03, 0.05, 0.045), Material.TAILLIGHT, (0.6, 0.04, 0.04))
    b.box((0.44, 0, 0.86), (0.04, 0.05, 0.045), Material.HEADLIGHT, (0.85, 0.86, 0.88))
    _rider(b, (-0.22, 0.94), (0.34, 1.02), (-0.06, 0.26), helmet=False)
    return b.build()
