"""Loading of a map: by town name, from a file, or from OpenDRIVE text that a client sent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.crosswalks import crosswalk_polygons
from alpamayo_sim.roads.ground import Ground, build_ground
from alpamayo_sim.roads.lane_sampling import sample_lanes
from alpamayo_sim.roads.lanes import LaneTable
from alpamayo_sim.roads.opendrive import parse_opendrive
from alpamayo_sim.roads.signals import Signals, build_signals
from alpamayo_sim.roads.spawn_points import spawn_points
from alpamayo_sim.roads.speed_limits import speed_limits_kmh

OUR_TOWNS_DIR = Path(__file__).resolve().parent / "towns" / "data"
MAPS_VARIABLE = "ALPAMAYO_MAPS"


@dataclass(frozen=True, eq=False)
class RoadMap:
    """A map, ready to be driven on. All coordinates are in the CARLA world frame, metres and degrees."""

    name: str
    xodr: str
    digest: str
    """SHA-256 of `xodr`, hexadecimal."""
    carla_map: carla.Map
    lanes: LaneTable
    ground: Ground
    signals: Signals
    crosswalks: tuple[NDArray[np.float64], ...]
    """Polygons [K, 3]."""
    spawn_points: NDArray[np.float64]
    """[N, 6] x, y, z, pitch, yaw, roll, 0.5 m above driving lanes."""
    geo_reference: tuple[float, float]
    """Latitude and longitude of the origin, degrees."""


def _search_dirs(maps_dirs: Sequence[Path]) -> list[Path]:
    extra = [Path(part) for part in os.environ.get(MAPS_VARIABLE, "").split(os.pathsep) if part]
    return [OUR_TOWNS_DIR, *maps_dirs, *extra]


def available_towns(maps_dirs: Sequence[Path] = ()) -> list[str]:
    """Return the names of our towns, then of the `.xodr` files in `maps_dirs` and in the folders of ALPAMAYO_MAPS."""
    names = [p.stem for folder in _search_dirs(maps_dirs) for p in sorted(folder.glob("*.xodr"))]
    return list(dict.fromkeys(names))


def load_road_map(
    town: str | Path, *, maps_dirs: Sequence[Path] = (), cache_dir: Path | None = None
) -> RoadMap:
    """Return the map of a town name or of an OpenDRIVE file (`FILE.xodr`).

    Raises InputError for a town that is not known and for a file that is missing or not a usable map.
    """
    text = str(town)
    if isinstance(town, Path) or text.endswith(".xodr") or os.sep in text:
        path = Path(town)
        if not path.is_file():
            raise InputError(f"there is no map file {path}")
    else:
        found = [p for folder in _search_dirs(maps_dirs) if (p := folder / f"{text}.xodr").is_file()]
        if not found:
            known = ", ".join(available_towns(maps_dirs)) or "none"
            raise InputError(
                f"unknown town {text!r}. Known towns: {known}. Give one of them or an OpenDRIVE file, or name "
                f"a folder with OpenDRIVE files in {MAPS_VARIABLE}"
            )
        path = found[0]
    return road_map_from_text(path.stem, path.read_text(encoding="utf-8", errors="replace"), cache_dir=cache_dir)


def road_map_from_text(name: str, xodr: str, *, cache_dir: Path | None = None) -> RoadMap:
    """Return the map of OpenDRIVE text. Raises InputError for text that is not a usable map."""
    opendrive = parse_opendrive(name, xodr)
    carla_map = carla.Map(name, xodr)
    lanes = sample_lanes(carla_map, opendrive)
    ground = build_ground(lanes)
    signals = build_signals(carla_map, opendrive, lanes, ground)
    lanes = lanes.replaced(speed_limit_kmh=speed_limits_kmh(lanes, signals))
    return RoadMap(
        name=name,
        xodr=xodr,
        digest=hashlib.sha256(xodr.encode("utf-8", errors="replace")).hexdigest(),
        carla_map=carla_map,
        lanes=lanes,
        ground=ground,
        signals=signals,
        crosswalks=crosswalk_polygons(carla_map),
        spawn_points=spawn_points(lanes),
        geo_reference=opendrive.geo_reference,
    )
