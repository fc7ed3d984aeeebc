"""Loading of a map: by town name, from a file, or from OpenDRIVE text that a client sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.cache import MapCache, content_digest
from alpamayo_sim.roads.ground import Ground, build_ground
from alpamayo_sim.roads.lanes import LaneTable
from alpamayo_sim.roads.map_check import check_in_child, parse_map
from alpamayo_sim.roads.map_data import MapData, compute_map_data
from alpamayo_sim.roads.opendrive import MAX_XODR_BYTES, parse_opendrive
from alpamayo_sim.roads.signals import Signals
from alpamayo_sim.roads.town_lookup import available_towns, find_map_file, our_town_digests

__all__ = ["RoadMap", "available_towns", "load_road_map", "road_map_from_text"]

MAX_COORDINATE_M = 45_000.0
CROWD_CELL_M, MAX_CROWD = 16.0, 3000
"""Samples of lanes in a square of this side. CARLA's towns and ours have 311 at most; outlines of many more take for ever."""
_checked: set[str] = set()
"""Digests of maps that a child process has parsed during the life of this one."""


@dataclass(frozen=True, eq=False)
class RoadMap:
    """A map, ready to be driven on. All coordinates are in the CARLA world frame, metres and degrees."""

    name: str
    xodr: str = field(repr=False)
    digest: str
    """SHA-256 of `xodr`, hexadecimal."""
    carla_map: carla.Map
    lanes: LaneTable = field(repr=False)
    ground: Ground = field(repr=False)
    signals: Signals = field(repr=False)
    crosswalks: tuple[NDArray[np.float64], ...] = field(repr=False)
    """Polygons [K, 3]."""
    spawn_points: NDArray[np.float64] = field(repr=False)
    """[N, 6] x, y, z, pitch, yaw, roll, 0.5 m above driving lanes."""
    geo_reference: tuple[float, float]
    """Latitude and longitude of the origin, degrees."""


def load_road_map(town: str | Path, *, maps_dirs: Sequence[Path] = (), cache_dir: Path | None = None) -> RoadMap:
    """Return the map of a town name or of an OpenDRIVE file (`FILE.xodr`).

    Names are looked up among our towns, then in `maps_dirs`, then in the folders of ALPAMAYO_MAPS. Maps that are not
    ours are parsed by a child process first, unless this process or `cache_dir` knows them. Raises InputError for a
    town that is not known and for a file that is missing or not a usable map.
    """
    path = find_map_file(town, maps_dirs)
    try:
        size = path.stat().st_size
        if size > MAX_XODR_BYTES:
            raise InputError(f"map file {path} has {size:,} bytes: at most {MAX_XODR_BYTES:,} are read")
        xodr = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"map file {path} cannot be read: {error.strerror}") from error
    return _road_map(path.stem, xodr, cache_dir)


def road_map_from_text(name: str, xodr: str, *, cache_dir: Path | None = None) -> RoadMap:
    """Return the map of OpenDRIVE text, checked as files are. Raises InputError for text that is not a usable map."""
    return _road_map(name, xodr, cache_dir)


def _road_map(name: str, xodr: str, cache_dir: Path | None) -> RoadMap:
    if not xodr.isascii():
        xodr = xodr.encode("utf-8", errors="replace").decode("utf-8")
    digest = content_digest(xodr)
    cache = None if cache_dir is None else MapCache(cache_dir)
    data = None if cache is None else cache.read(digest)
    if data is None:
        data = _computed(name, xodr, trusted=digest in _checked or digest in our_town_digests())
        _check_size(name, data)
        if cache is not None:
            cache.write(digest, data)
    _checked.add(digest)
    return RoadMap(
        name=name,
        xodr=xodr,
        digest=digest,
        carla_map=parse_map(name, xodr),
        lanes=data.lanes,
        ground=build_ground(data.lanes),
        signals=data.signals,
        crosswalks=data.crosswalks,
        spawn_points=data.spawn_points,
        geo_reference=data.geo_reference,
    )


def _check_size(name: str, data: MapData) -> None:
    """Raise InputError for a map that no grid of cells could cover, or whose lanes wind round themselves without end."""
    _check_reach(name, "lanes", data.lanes.xyz)
    for polygon in data.crosswalks:
        _check_reach(name, "a crosswalk", polygon)
    cells = np.floor(data.lanes.xyz[:, :2] / CROWD_CELL_M).astype(np.int64)
    places, crowds = np.unique(cells, axis=0, return_counts=True)
    worst = int(np.argmax(crowds))
    if crowds[worst] > MAX_CROWD:
        x, y = places[worst] * CROWD_CELL_M
        raise InputError(
            f"map {name} has {crowds[worst]:,} m of lanes within {CROWD_CELL_M:g} m at ({x:g}, {y:g}): at most {MAX_CROWD:,} m "
            f"are usable. Check the curvature and the length of the roads there."
        )
    places = [
        (spec.transform.x, spec.transform.y, spec.transform.z) for spec in (*data.signals.lights, *data.signals.signs)
    ]
    boxes = [box for light in data.signals.lights for box in light.lane_boxes]
    boxes += [box for sign in data.signals.signs for box in sign.boxes]
    places += [tuple(np.abs(box.center) + np.abs(box.extent)) for box in boxes]
    if places:
        _check_reach(name, "traffic lights or signs", np.array(places))


def _check_reach(name: str, what: str, places: NDArray[np.floating]) -> None:
    farthest_m = float(np.abs(places).max())
    if not farthest_m <= MAX_COORDINATE_M:
        raise InputError(
            f"map {name} has {what} {farthest_m:g} m from its origin: at most {MAX_COORDINATE_M:g} m are usable. "
            f"Check the x and y of its geometry, and the s and t of its signals and objects."
        )


def _computed(name: str, xodr: str, *, trusted: bool) -> MapData:
    opendrive = parse_opendrive(name, xodr)
    if trusted:
        return compute_map_data(parse_map(name, xodr), opendrive)
    return check_in_child(name, xodr)
