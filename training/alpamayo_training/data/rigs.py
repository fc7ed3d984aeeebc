"""Camera rigs by name or from a file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, BENCH2DRIVE_RIG, CameraRig
from alpamayo_sim.policy.rig_formats import read_rig

RIGS = {ALPAMAYO_RIG.name: ALPAMAYO_RIG, BENCH2DRIVE_RIG.name: replace(BENCH2DRIVE_RIG, width_px=320, height_px=180)}
"""Those that come with the package; pictures are collected small unless another size is asked for."""


def named_rig(name: str) -> CameraRig:
    """Return a rig of ours by name, or that of a YAML file; InputError for anything else."""
    if name in RIGS:
        return RIGS[name]
    path = Path(name)
    if not path.is_file():
        raise InputError(f"no rig {name!r}: there are {', '.join(RIGS)}, or give the path of a rig's YAML file")
    return read_rig(path)
