"""Walkers: men, women and children, 1.86 m tall as built; the shader bends hips, knees, shoulders and elbows as they walk.

Joints lie where `shaders/object.vert` has them: hips at 0.93, knees at 0.50, shoulders at 1.46, elbows at 1.18. Children are
built with a larger head and shrunk by their box.
"""

from __future__ import annotations

from alpamayo_sim.render.mesh import BLACK, WHITE, Color, Joint, Material, Mesh, MeshBuilder

WALKER_HALF = (0.19, 0.19, 0.93)
SKIRT: Color = (0.72, 0.72, 0.78)


def walker_mesh(*, far: bool = False, woman: bool = False, child: bool = False) -> Mesh:
    """Return a standing person; the feet at z = 0, facing +x."""
    b = MeshBuilder(crease_deg=60.0)
    sides = 5 if far else 8
    wide = 0.92 if woman else 1.0
    for side, k in ((-1.0, 0), (1.0, 1)):
        _leg(b, side, k, sides, far=far, bare=woman)
        _arm(b, side * wide, k, sides, far=far)
    b.joint(Joint.NONE)
    b.tube((0, 0, 0.86), (0, 0, 0.98), (0.155, 0.16), Material.TROUSERS, WHITE, sides=sides)
    if woman:
        b.tube((0, 0, 0.62), (0, 0, 1.08), (0.235, 0.14), Material.CLOTH, SKIRT, sides=sides)
    waist, chest = (0.135, 0.165) if woman else (0.15, 0.18)
    b.tube((0, 0, 0.95), (0.005, 0, 1.22), (0.155, waist), Material.CLOTH, WHITE, sides=sides)
    b.tube((0.005, 0, 1.22), (0, 0, 1.45), (waist, chest), Material.CLOTH, WHITE, sides=sides)
    b.tube((0, 0, 1.45), (0, 0, 1.54), (chest, 0.08), Material.CLOTH, WHITE, sides=sides)
    b.tube((0, 0, 1.52), (0.01, 0, 1.63), (0.06, 0.055), Material.SKIN, WHITE, sides=sides, caps=False)
    grown = 1.42 if child else 1.0
    z = 1.72 - (0.02 if child else 0.0)
    b.ball(
        (0.015, 0, z),
        (0.105 * grown, 0.088 * grown, 0.128 * min(grown, 1.28)),
        Material.SKIN,
        WHITE,
        sides=sides,
        rings=4 if far else 6,
    )
    if not far:
        b.box((0.118 * grown, 0, z - 0.015), (0.018, 0.016, 0.022), Material.SKIN, WHITE)
        for side in (-1.0, 1.0):
            b.box((0.098 * grown, 0.038 * side * grown, z + 0.025), (0.012, 0.014, 0.01), Material.MATT, BLACK)
    b.ball(
        (-0.022 * grown, 0, z + 0.045),
        (0.112 * grown, 0.1 * grown, 0.1 * grown),
        Material.HAIR,
        WHITE,
        sides=sides,
        rings=3 if far else 5,
    )
    if woman:
        b.ball((-0.075, 0, z - 0.10), (0.065, 0.095, 0.17), Material.HAIR, WHITE, sides=sides, rings=3 if far else 4)
    if child:
        b.box((-0.19, 0, 1.24), (0.075, 0.13, 0.17), Material.MATT, (0.75, 0.25, 0.2))
    return b.build()


def _leg(b: MeshBuilder, side: float, k: int, sides: int, *, far: bool, bare: bool) -> None:
    b.joint(Joint.THIGH_LEFT + k)
    # A skirt hides the thigh, also where a long step lets it show through.
    thigh, tint = (Material.CLOTH, SKIRT) if bare else (Material.TROUSERS, WHITE)
    b.tube(
        (0, 0.085 * side, 0.93),
        (0, 0.095 * side, 0.48),
        (0.095, 0.07),
        thigh,
        tint,
        sides=sides,
        caps=False,
    )
    b.joint(Joint.SHIN_LEFT + k)
    shin = Material.SKIN if bare else Material.TROUSERS
    b.tube((0, 0.095 * side, 0.52), (0, 0.1 * side, 0.06), (0.068, 0.048), shin, WHITE, sides=sides, caps=False)
    b.box((0.055, 0.1 * side, 0.04), (0.13, 0.05, 0.04), Material.MATT, (0.16, 0.14, 0.13), taper=0.8)


def _arm(b: MeshBuilder, side: float, k: int, sides: int, *, far: bool) -> None:
    b.joint(Joint.ARM_LEFT + k)
    b.tube(
        (0, 0.20 * side, 1.48),
        (0.0, 0.245 * side, 1.17),
        (0.062, 0.05),
        Material.CLOTH,
        WHITE,
        sides=sides,
        caps=not far,
    )
    b.joint(Joint.FOREARM_LEFT + k)
    b.tube(
        (0.0, 0.245 * side, 1.20),
        (0.02, 0.265 * side, 0.92),
        (0.048, 0.038),
        Material.CLOTH,
        WHITE,
        sides=sides,
        caps=False,
    )
    if not far:
        b.ball((0.03, 0.265 * side, 0.87), (0.045, 0.035, 0.075), Material.SKIN, WHITE, sides=5, rings=3)
