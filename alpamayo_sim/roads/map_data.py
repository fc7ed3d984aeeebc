"""Everything that is computed from a map, as arrays and records: what a cache keeps and a checking process returns."""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from dataclasses import dataclass
from typing import Any

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.crosswalks import crosswalk_polygons
from alpamayo_sim.roads.ground import build_ground
from alpamayo_sim.roads.lane_sampling import sample_lanes
from alpamayo_sim.roads.lanes import LaneTable
from alpamayo_sim.roads.opendrive import OpenDrive
from alpamayo_sim.roads.signals import Box, Signals, SignSpec, TrafficLightSpec, build_signals
from alpamayo_sim.roads.spawn_points import spawn_points
from alpamayo_sim.roads.speed_limits import speed_limits_kmh

LANE_ARRAYS = tuple(item.name for item in dataclasses.fields(LaneTable))
SAMPLE_ARRAYS = LANE_ARRAYS[: LANE_ARRAYS.index("road_id")]


@dataclass(frozen=True, eq=False)
class MapData:
    """The computed parts of a `RoadMap`; see there."""

    lanes: LaneTable
    signals: Signals
    crosswalks: tuple[NDArray[np.float64], ...]
    spawn_points: NDArray[np.float64]
    geo_reference: tuple[float, float]


class MapDataError(ValueError):
    """Stored map data is damaged or of another shape than expected."""


def compute_map_data(carla_map: carla.Map, opendrive: OpenDrive) -> MapData:
    """Return what a `RoadMap` needs. Raises InputError for a map without a usable driving lane."""
    lanes = sample_lanes(carla_map, opendrive)
    signals = build_signals(carla_map, opendrive, lanes, build_ground(lanes))
    lanes = lanes.replaced(speed_limit_kmh=speed_limits_kmh(lanes, signals))
    return MapData(lanes, signals, crosswalk_polygons(carla_map), spawn_points(lanes), opendrive.geo_reference)


def to_bytes(data: MapData) -> bytes:
    """Return the data as an npz archive without pickled objects; the inverse of `from_bytes`."""
    polygons = data.crosswalks
    arrays: dict[str, NDArray[Any]] = {name: getattr(data.lanes, name) for name in LANE_ARRAYS}
    arrays["crosswalk_points"] = np.concatenate(polygons) if polygons else np.zeros((0, 3))
    arrays["crosswalk_sizes"] = np.array([len(polygon) for polygon in polygons], dtype=np.int64)
    arrays["spawn_points"] = data.spawn_points
    arrays["geo_reference"] = np.array(data.geo_reference)
    arrays["signals"] = np.frombuffer(_signals_json(data.signals), dtype=np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def from_bytes(stored: bytes) -> MapData:
    """Return the data of an archive made by `to_bytes`. Raises MapDataError for anything else."""
    try:
        with np.load(io.BytesIO(stored), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        lanes = LaneTable(**{name: arrays[name] for name in LANE_ARRAYS})
        sizes = np.cumsum(arrays["crosswalk_sizes"])[:-1]
        points = arrays["crosswalk_points"]
        crosswalks = tuple(np.split(points, sizes)) if len(arrays["crosswalk_sizes"]) else ()
        latitude, longitude = (float(value) for value in arrays["geo_reference"])
        data = MapData(
            lanes,
            _signals_from_json(arrays["signals"].tobytes()),
            crosswalks,
            arrays["spawn_points"],
            (latitude, longitude),
        )
    except (KeyError, TypeError, ValueError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise MapDataError(f"not stored map data: {error}") from error
    _check(data)
    return data


def _check(data: MapData) -> None:
    """Raise MapDataError where an index would lead outside an array: the kernels do not look."""
    lanes = data.lanes
    samples, count = len(lanes.xyz), len(lanes.road_id)
    same_length = all(len(getattr(lanes, name)) == samples for name in SAMPLE_ARRAYS)
    in_range = (
        samples >= 2
        and count >= 1
        and lanes.xyz.shape == (samples, 3)
        and lanes.tangent.shape == (samples, 2)
        and len(lanes.start) == len(lanes.stop) == count
        and lanes.start[0] == 0
        and lanes.stop[-1] == samples
        and bool((lanes.stop - lanes.start >= 2).all())
        and bool((lanes.start[1:] == lanes.stop[:-1]).all())
        and bool(((lanes.lane_index >= 0) & (lanes.lane_index < count)).all())
        and len(lanes.next_start) == count + 1
        and bool(((lanes.next_lane >= 0) & (lanes.next_lane < count)).all())
        and data.spawn_points.ndim == 2
        and data.spawn_points.shape[1] == 6
    )
    if not (same_length and in_range):
        raise MapDataError("stored map data does not fit together")


def _signals_json(signals: Signals) -> bytes:
    def plain(value: object) -> object:
        if isinstance(value, np.ndarray):
            return value.tolist()
        raise TypeError(f"{type(value).__name__} is not plain data")

    return json.dumps(dataclasses.asdict(signals), default=plain).encode()


def _box(value: dict[str, Any]) -> Box:
    x, y, z = value["center"]
    length, width, height = value["extent"]
    return Box((x, y, z), (length, width, height), value["yaw_deg"])


def _affected(value: list[list[Any]]) -> tuple[tuple[int, int, float], ...]:
    return tuple((int(road), int(lane), float(s)) for road, lane, s in value)


def _signals_from_json(text: bytes) -> Signals:
    stored = json.loads(text)
    lights = tuple(
        TrafficLightSpec(
            signal_id=light["signal_id"],
            transform=Transform(*light["transform"]),
            controller_id=light["controller_id"],
            junction_id=light["junction_id"],
            trigger_box=_box(light["trigger_box"]),
            lane_boxes=tuple(map(_box, light["lane_boxes"])),
            stop_line=np.array(light["stop_line"], dtype=np.float64),
            affected_lanes=_affected(light["affected_lanes"]),
        )
        for light in stored["lights"]
    )
    signs = tuple(
        SignSpec(
            signal_id=sign["signal_id"],
            type_id=sign["type_id"],
            transform=Transform(*sign["transform"]),
            boxes=tuple(map(_box, sign["boxes"])),
            value=sign["value"],
            affected_lanes=_affected(sign["affected_lanes"]),
        )
        for sign in stored["signs"]
    )
    groups = tuple(tuple(tuple(controller) for controller in group) for group in stored["groups"])
    return Signals(lights, signs, groups)
