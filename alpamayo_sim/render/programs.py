"""The programs that draw colour pictures, and which variant of each a group of cameras takes."""

from __future__ import annotations

import moderngl

from alpamayo_sim.render.batch import Group, Pass
from alpamayo_sim.render.context import load_program, set_uniform

NIGHT, WET = "NIGHT", "WET"
NOISE_UNIT, BAKED_UNIT, ATLAS_UNIT = 0, 1, 2
FILES = {
    Pass.OBJECTS: "object",
    Pass.FACADES: "facade",
    Pass.GROUND: "ground",
    Pass.KERBS: "ground",
    Pass.SKY: "sky",
    Pass.MARKINGS: "marking",
    Pass.QUADS: "shadow",
    Pass.GLOWS: "glow",
    Pass.RAIN: "rain",
}


class Programs:
    """Programs by shader files and variant; all belong to one context."""

    def __init__(self, context: moderngl.Context) -> None:
        self._programs: dict[tuple[str, str], moderngl.Program] = {}
        for name in sorted(set(FILES.values())):
            for variant in ("", *({"object": (NIGHT,), "ground": (WET,)}.get(name, ()))):
                defines = (variant,) if variant else ()
                program = load_program(context, f"{name}.vert", f"{name}.frag", *defines)
                for sampler, unit in (("noise", NOISE_UNIT), ("baked", BAKED_UNIT), ("atlas", ATLAS_UNIT)):
                    set_uniform(program, sampler, unit)
                self._programs[name, variant] = program

    def release(self) -> None:
        """Free all programs."""
        for program in self._programs.values():
            program.release()

    def variants(self, part: Pass) -> list[str]:
        """Return the names of a pass's variants."""
        return [variant for name, variant in self._programs if name == FILES[part]]

    def program(self, part: Pass, variant: str = "") -> moderngl.Program:
        """Return the program of a pass."""
        return self._programs[FILES[part], variant]


def variant(part: Pass, group: Group) -> str:
    """Return which variant of a pass a group of cameras needs."""
    if part is Pass.OBJECTS and group.night:
        return NIGHT
    if part in (Pass.GROUND, Pass.KERBS) and group.wet:
        return WET
    return ""
