"""Our own towns: OpenDRIVE files shipped with the package, and the generator that writes them.

`python -m alpamayo_sim.roads.towns` regenerates the files (needs the extra `towns`: scenariogeneration).
"""

from __future__ import annotations

from pathlib import Path

DATA_DIR = Path(__file__).parent / "data"


def town_names() -> list[str]:
    """Names of the shipped towns, sorted."""
    return sorted(path.stem for path in DATA_DIR.glob("*.xodr"))


def town_path(name: str) -> Path:
    """Path of a shipped town's OpenDRIVE file. KeyError for a name that `town_names` does not list."""
    if name not in town_names():
        raise KeyError(name)
    return DATA_DIR / f"{name}.xodr"
