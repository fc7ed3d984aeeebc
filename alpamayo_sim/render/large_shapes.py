"""Trucks, buses, two-wheelers with riders, walkers and props. Mesh frame as in `car_shapes`."""

from __future__ import annotations

import numpy as np

from alpamayo_sim.render.mesh import BLACK, GLASS, RUBBER, STEEL, Color, Material, Mesh, MeshBuilder

WHITE: Color = (0.9, 0.9, 0.9)
SKIN: Color = (0.78, 0.58, 0.46)
TRUCK_HALF = (4.0, 1.4, 1.75)
BUS_HALF = (5.2, 1.5, 1.75)
MOTORCYCLE_HALF = (1.05, 0.4, 0.8)
BICYCLE_HALF = (0.85, 0.35, 0.85)
WALKER_HALF = (0.19, 0.19, 0.93)


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


def truck_mesh(*, beacon: bool = False) -> Mesh:
    """Return a truck with a cab and a box body (7.9 m x 2.8 m x 3.5 m)."""
    hx, hy, hz = TRUCK_HALF
    b = MeshBuilder()
    front = hx - 1.9
    b.box((front + 0.95, 0, 1.05), (0.93, hy * 0.96, 0.62), Material.PAINT, WHITE)
    b.box((front + 0.88, 0, 2.2), (0.86, hy * 0.93, 0.55), Material.PAINT, WHITE, taper=0.93)
    b.box((hx - 0.13, 0, 2.13), (0.05, hy * 0.84, 0.38), Material.GLASS, GLASS)
    b.box((front + 1.05, 0, 2.15), (0.5, hy * 0.95, 0.34), Material.GLASS, GLASS)
    b.box((hx - 0.015, 0, 1.12), (0.02, hy * 0.55, 0.22), Material.MATT, BLACK)
    b.box((hx - 0.05, 0, 0.55), (0.05, hy * 0.95, 0.16), Material.MATT, (0.2, 0.2, 0.2))
    body = WHITE if not beacon else (0.75, 0.1, 0.08)
    material = Material.PAINT if beacon else Material.MATT
    b.box(
        (0.5 * (front - 0.1 - hx), 0, 0.5 * (0.95 + 2 * hz)),
        (0.5 * (front - 0.1 + hx), hy, 0.5 * (2 * hz - 0.95)),
        material,
        body,
    )
    b.box((0.5 * (front - hx), 0, 0.75), (0.5 * (front + hx), hy * 0.6, 0.2), Material.MATT, (0.12, 0.12, 0.12))
    for side in (-1.0, 1.0):
        b.box((-0.4, side * hy * 0.97, 0.72), (1.1, 0.03, 0.22), Material.MATT, (0.3, 0.3, 0.3))
        b.box((front + 1.4, side * (hy + 0.1), 2.2), (0.05, 0.1, 0.25), Material.MATT, BLACK)
    b.box((-hx - 0.005, 0, 2.2), (0.01, 0.02, 1.1), Material.MATT, (0.4, 0.4, 0.4))
    b.box((-hx - 0.02, 0, 0.72), (0.03, hy * 0.95, 0.22), Material.MATT, (0.15, 0.15, 0.15))
    _rear_lamps(b, -hx - 0.05, hy * 0.82, 0.74)
    _front_lamps(b, hx - 0.005, hy * 0.68, 0.82)
    if beacon:
        b.box((front + 0.9, 0.5, 2.85), (0.2, 0.35, 0.1), Material.BEACON, (0.1, 0.2, 0.8))
        b.box((front + 0.9, -0.5, 2.85), (0.2, 0.35, 0.1), Material.BEACON, (0.1, 0.2, 0.8))
    return b.build()


def bus_mesh() -> Mesh:
    """Return a city bus (10.4 m x 3 m x 3.5 m)."""
    hx, hy, hz = BUS_HALF
    b = MeshBuilder()
    b.box((0, 0, 0.86), (hx * 0.995, hy, 0.56), Material.PAINT, WHITE)
    b.box((0, 0, 2.45), (hx * 0.99, hy * 0.985, 1.03), Material.PAINT, WHITE, taper=0.96)
    b.box((0.05, 0, 2.12), (hx * 0.93, hy * 0.992, 0.5), Material.GLASS, GLASS)
    b.box((hx - 0.1, 0, 1.95), (0.09, hy * 0.9, 0.75), Material.GLASS, GLASS)
    b.box((-hx + 0.05, 0, 2.3), (0.04, hy * 0.75, 0.4), Material.GLASS, GLASS)
    for x in np.linspace(-hx * 0.8, hx * 0.7, 7):
        b.box((x, 0, 2.12), (0.05, hy * 0.996, 0.5), Material.PAINT, WHITE)
    b.box((hx - 0.02, 0, 3.0), (0.05, hy * 0.6, 0.16), Material.MATT, BLACK)
    b.box((hx - 0.01, 0, 3.0), (0.05, hy * 0.45, 0.07), Material.LAMP, (0.9, 0.6, 0.1))
    b.box((0, 0, 0.35), (hx * 0.97, hy * 0.96, 0.1), Material.MATT, (0.15, 0.15, 0.15))
    b.box((-0.5, 0, 2 * hz - 0.08), (1.6, hy * 0.6, 0.1), Material.MATT, (0.7, 0.7, 0.7))
    _rear_lamps(b, -hx - 0.01, hy * 0.84, 0.95)
    _front_lamps(b, hx - 0.005, hy * 0.68, 0.7)
    return b.build()


def _rider(
    b: MeshBuilder, hip: tuple[float, float], hands: tuple[float, float], foot: tuple[float, float], *, helmet: bool
) -> None:
    """Add a seated rider; (x, z) of hips, hands and feet."""
    shoulder = (hip[0] + 0.55 * (hands[0] - hip[0]) - 0.02, hip[1] + 0.5)
    b.tube((hip[0], 0, hip[1]), (shoulder[0], 0, shoulder[1]), (0.16, 0.19), Material.CLOTH, WHITE, sides=7)
    head = (shoulder[0] + 0.07, 0.0, shoulder[1] + 0.24)
    if helmet:
        b.ball(head, (0.15, 0.13, 0.15), Material.PAINT, WHITE, sides=8, rings=5)
        b.box((head[0] + 0.1, 0, head[2]), (0.05, 0.09, 0.04), Material.GLASS, GLASS)
    else:
        b.ball(head, (0.11, 0.1, 0.14), Material.MATT, SKIN, sides=7, rings=5)
        b.ball(
            (head[0] - 0.02, 0, head[2] + 0.05), (0.13, 0.11, 0.1), Material.MATT, (0.16, 0.12, 0.1), sides=7, rings=4
        )
    for side in (-1.0, 1.0):
        knee = (0.5 * (hip[0] + foot[0]) + 0.16, 0.14 * side, 0.55 * (hip[1] + foot[1]))
        b.tube((hip[0], 0.1 * side, hip[1]), knee, (0.09, 0.07), Material.LEG_LEFT, WHITE, sides=6)
        b.tube(knee, (foot[0], 0.14 * side, foot[1]), (0.065, 0.05), Material.LEG_LEFT, WHITE, sides=6)
        b.box((foot[0] + 0.06, 0.14 * side, foot[1] - 0.03), (0.12, 0.04, 0.04), Material.MATT, BLACK)
        b.tube(
            (shoulder[0], 0.2 * side, shoulder[1] - 0.03),
            (hands[0], 0.24 * side, hands[1]),
            (0.06, 0.045),
            Material.CLOTH,
            WHITE,
            sides=6,
        )


def _spin(b: MeshBuilder, x: float, radius: float, width: float) -> None:
    b.tube((x, -width, radius), (x, width, radius), (radius, radius), Material.MATT, RUBBER, sides=14, caps=False)
    b.tube(
        (x, width, radius),
        (x, -width, radius),
        (radius * 0.84, radius * 0.84),
        Material.MATT,
        BLACK,
        sides=14,
        caps=False,
    )
    for side in (-1.0, 1.0):
        b.disc(
            (x, side * width * 0.4, radius),
            (0, side, 0),
            radius * 0.8 if width > 0.04 else radius * 0.14,
            Material.MATT,
            (0.32, 0.32, 0.33),
            sides=10,
        )


def motorcycle_mesh() -> Mesh:
    """Return a motorcycle with its rider."""
    b = MeshBuilder()
    for x in (0.72, -0.7):
        _spin(b, x, 0.31, 0.06)
    b.box((0.1, 0, 0.62), (0.42, 0.13, 0.16), Material.PAINT, WHITE, taper=0.8)
    b.box((0.02, 0, 0.4), (0.3, 0.14, 0.14), Material.CHROME, (0.4, 0.4, 0.42))
    b.box((-0.5, 0, 0.72), (0.35, 0.11, 0.07), Material.MATT, BLACK)
    b.box((-0.72, 0, 0.66), (0.2, 0.09, 0.07), Material.PAINT, WHITE)
    b.tube((0.72, 0, 0.31), (0.5, 0, 0.85), (0.05, 0.05), Material.CHROME, STEEL, sides=6)
    b.tube((0.45, -0.36, 0.95), (0.45, 0.36, 0.95), (0.025, 0.025), Material.MATT, BLACK, sides=5)
    b.box((0.62, 0, 0.85), (0.07, 0.1, 0.09), Material.HEADLIGHT, (0.85, 0.86, 0.88))
    b.box((-0.93, 0, 0.7), (0.03, 0.09, 0.045), Material.TAILLIGHT, (0.55, 0.03, 0.03))
    for side, blinker in ((-1.0, Material.BLINKER_LEFT), (1.0, Material.BLINKER_RIGHT)):
        b.box((-0.9, 0.16 * side, 0.7), (0.03, 0.03, 0.03), blinker, (0.7, 0.35, 0.08))
        b.box((0.6, 0.2 * side, 0.85), (0.03, 0.03, 0.03), blinker, (0.7, 0.35, 0.08))
    _rider(b, (-0.3, 0.8), (0.42, 0.97), (-0.1, 0.32), helmet=True)
    return b.build()


def bicycle_mesh() -> Mesh:
    """Return a bicycle with its rider."""
    b = MeshBuilder()
    for x in (0.52, -0.52):
        _spin(b, x, 0.33, 0.02)
    frame: tuple[tuple[tuple[float, float], tuple[float, float]], ...] = (
        ((-0.52, 0.33), (-0.12, 0.3)),
        ((-0.12, 0.3), (-0.22, 0.86)),
        ((-0.2, 0.78), (0.36, 0.82)),
        ((-0.12, 0.3), (0.38, 0.74)),
        ((0.52, 0.33), (0.35, 0.95)),
        ((-0.52, 0.33), (-0.2, 0.78)),
    )
    for start, end in frame:
        b.tube((start[0], 0, start[1]), (end[0], 0, end[1]), (0.025, 0.025), Material.PAINT, WHITE, sides=5, caps=False)
    b.tube((0.36, -0.28, 0.98), (0.36, 0.28, 0.98), (0.02, 0.02), Material.MATT, BLACK, sides=5)
    b.box((-0.23, 0, 0.89), (0.13, 0.07, 0.03), Material.MATT, BLACK)
    b.box((-0.58, 0, 0.7), (0.02, 0.04, 0.03), Material.TAILLIGHT, (0.6, 0.04, 0.04))
    _rider(b, (-0.22, 0.94), (0.34, 1.02), (-0.06, 0.26), helmet=False)
    return b.build()


def walker_mesh(*, far: bool = False) -> Mesh:
    """Return a standing person, 1.86 m tall; the feet at z = 0. The shader swings legs and arms in units of half the height."""
    b = MeshBuilder()
    sides = 5 if far else 8
    for side, leg, arm in ((-1.0, Material.LEG_LEFT, Material.ARM_LEFT), (1.0, Material.LEG_RIGHT, Material.ARM_RIGHT)):
        b.tube((0, 0.09 * side, 0.9), (0, 0.1 * side, 0.06), (0.095, 0.06), leg, WHITE, sides=sides, caps=False)
        b.box((0.05, 0.1 * side, 0.04), (0.13, 0.05, 0.04), leg, BLACK)
        b.tube((0, 0.23 * side, 1.48), (0.03, 0.27 * side, 0.92), (0.06, 0.045), arm, WHITE, sides=sides, caps=False)
        if not far:
            b.ball((0.04, 0.27 * side, 0.86), (0.05, 0.04, 0.07), arm, SKIN, sides=5, rings=3)
    b.tube((0, 0, 0.86), (0, 0, 1.22), (0.16, 0.17), Material.CLOTH, WHITE, sides=sides)
    b.tube((0, 0, 1.22), (0, 0, 1.54), (0.17, 0.2), Material.CLOTH, WHITE, sides=sides)
    b.tube((0, 0, 1.52), (0.01, 0, 1.64), (0.07, 0.06), Material.MATT, SKIN, sides=sides, caps=False)
    b.ball((0.015, 0, 1.72), (0.105, 0.09, 0.13), Material.MATT, SKIN, sides=sides, rings=4 if far else 6)
    b.ball((-0.02, 0, 1.765), (0.115, 0.1, 0.1), Material.MATT, (0.2, 0.14, 0.1), sides=sides, rings=3 if far else 5)
    return b.build()


def box_mesh() -> Mesh:
    """Return the cube from (-1, -1, 0) to (1, 1, 2) in the instance's colour."""
    return MeshBuilder().box((0, 0, 1), (1, 1, 1), Material.PAINT, WHITE).build()


def cone_mesh() -> Mesh:
    """Return a traffic cone that fills the box from (-1, -1, 0) to (1, 1, 2)."""
    b = MeshBuilder()
    b.box((0, 0, 0.05), (1, 1, 0.05), Material.MATT, BLACK)
    orange: Color = (0.95, 0.35, 0.05)
    for low, high, color in (
        (0.1, 0.7, orange),
        (0.7, 1.1, WHITE),
        (1.1, 1.45, orange),
        (1.45, 1.7, WHITE),
        (1.7, 2.0, orange),
    ):
        radius = [0.72 * (1.0 - 0.42 * z) for z in (low, high)]
        b.tube((0, 0, low), (0, 0, high), (radius[0], radius[1]), Material.SIGN_FACE, color, sides=10, caps=high == 2.0)
    return b.build()


def barrel_mesh() -> Mesh:
    """Return a drum that fills the box from (-1, -1, 0) to (1, 1, 2)."""
    b = MeshBuilder()
    orange: Color = (0.95, 0.35, 0.05)
    for low, high, color in (
        (0.0, 0.5, orange),
        (0.5, 0.9, WHITE),
        (0.9, 1.3, orange),
        (1.3, 1.7, WHITE),
        (1.7, 2.0, orange),
    ):
        b.tube((0, 0, low), (0, 0, high), (0.95, 0.95), Material.SIGN_FACE, color, sides=12, caps=high == 2.0)
    return b.build()


def barrier_mesh() -> Mesh:
    """Return a striped barrier that fills the box from (-1, -1, 0) to (1, 1, 2), its long side along y."""
    b = MeshBuilder()
    for k, y in enumerate(np.linspace(-0.9, 0.9, 10)):
        color: Color = (0.85, 0.1, 0.08) if k % 2 else WHITE
        b.box((0, y, 1.5), (0.3, 0.1, 0.4), Material.SIGN_FACE, color)
    for y in (-0.75, 0.75):
        b.box((0, y, 0.55), (0.25, 0.06, 0.55), Material.MATT, (0.3, 0.3, 0.3))
        b.box((0, y, 0.06), (1.0, 0.1, 0.06), Material.MATT, (0.3, 0.3, 0.3))
    return b.build()
