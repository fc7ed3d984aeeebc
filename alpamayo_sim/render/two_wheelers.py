"""Motorcycles, scooters and bicycles with their riders. Mesh frame as in `car_shapes`."""

from __future__ import annotations

from alpamayo_sim.render.mesh import BLACK, GLASS, RIDER_FLAG, STEEL, WHITE, Joint, Material, Mesh, MeshBuilder
from alpamayo_sim.render.posters import end_poster
from alpamayo_sim.render.sign_atlas import Cell

MOTORCYCLE_HALF = (1.05, 0.4, 0.8)
SCOOTER_HALF = (0.91, 0.42, 0.8)
BICYCLE_HALF = (0.85, 0.35, 0.85)
MOTORCYCLE_WHEELS, SCOOTER_WHEELS, BICYCLE_WHEELS = (0.72, -0.7), (0.62, -0.55), (0.52, -0.52)
MOTORCYCLE_RADIUS, SCOOTER_RADIUS, BICYCLE_RADIUS = 0.31, 0.22, 0.33


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
