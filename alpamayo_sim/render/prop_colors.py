"""Colours and finishes of props."""

from __future__ import annotations

from alpamayo_sim.render.mesh import Color, Material

ORANGE: Color = (0.95, 0.35, 0.05)
WOOD: Color = (0.52, 0.36, 0.22)
CARTON: Color = (0.66, 0.50, 0.33)
GREY: Color = (0.45, 0.46, 0.47)
GREEN: Color = (0.16, 0.36, 0.22)
LEAF: Color = (0.30, 0.44, 0.20)
BARK: Color = (0.36, 0.28, 0.2)
MATT, CHROME, SIGN, PAINT, LEAVES = Material.MATT, Material.CHROME, Material.SIGN_FACE, Material.PAINT, Material.FOLIAGE
