"""Which maps there are: our own towns, folders of OpenDRIVE files, and the folders that ALPAMAYO_MAPS names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.cache import content_digest

OUR_TOWNS_DIR = Path(__file__).resolve().parent / "towns" / "data"
MAPS_VARIABLE = "ALPAMAYO_MAPS"
CARLA_MAPS_PATH = "Carla/Maps/"
LAYERED_SUFFIX = "_Opt"


def _search_dirs(maps_dirs: Sequence[Path]) -> list[Path]:
    extra = [Path(part) for part in os.environ.get(MAPS_VARIABLE, "").split(os.pathsep) if part]
    return [OUR_TOWNS_DIR, *maps_dirs, *extra]


def available_towns(maps_dirs: Sequence[Path] = ()) -> list[str]:
    """Return the names of our towns, then of the `.xodr` files in `maps_dirs` and in the folders of ALPAMAYO_MAPS."""
    names = [path.stem for folder in _search_dirs(maps_dirs) for path in sorted(folder.glob("*.xodr"))]
    return list(dict.fromkeys(names))


def find_map_file(town: str | Path, maps_dirs: Sequence[Path] = ()) -> Path:
    """Return the OpenDRIVE file of a town name or of a path.

    Names may be written as CARLA does (`/Game/Carla/Maps/Town01`, `Town01_Opt`). Raises InputError for a path where no
    file is and for a name that no folder has.
    """
    text = str(town)
    is_name = os.sep not in text or CARLA_MAPS_PATH in text
    if isinstance(town, Path) or text.endswith(".xodr") or not is_name:
        path = Path(town).expanduser()
        if not path.is_file():
            raise InputError(f"there is no map file {path}: give the path of an OpenDRIVE file (.xodr)")
        return path
    name = text.rsplit("/", 1)[-1]
    for candidate in dict.fromkeys((name, name.removesuffix(LAYERED_SUFFIX))):
        for folder in _search_dirs(maps_dirs):
            path = folder / f"{candidate}.xodr"
            if candidate and path.is_file():
                return path
    known = ", ".join(available_towns(maps_dirs)) or "none"
    raise InputError(
        f"unknown town {text!r}. Known towns: {known}. Give one of them, or an OpenDRIVE file (.xodr), or name a "
        f"folder of such files in {MAPS_VARIABLE}"
    )


@lru_cache(maxsize=1)
def our_town_digests() -> frozenset[str]:
    """Return the content digests of the maps that the package ships, which need not be checked."""
    return frozenset(content_digest(path.read_text(encoding="utf-8")) for path in OUR_TOWNS_DIR.glob("*.xodr"))
