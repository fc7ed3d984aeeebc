"""The objects of a map that clients can name, hide and show again: what stands beside the roads, lamp housings, sign plates.

What is hidden is solid to nobody, is hit by no ray and is in no picture, as with CARLA's `enable_environment_objects`
(an object stays listed) and `unload_map_layer` (the objects of the layer are gone from the lists too).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.roads.light_heads import light_boxes
from alpamayo_sim.roads.signal_boxes import Box
from alpamayo_sim.roads.signals import SignSpec
from alpamayo_sim.roads.static_boxes import Shown, StaticBoxes, StaticKind

if TYPE_CHECKING:
    from alpamayo_sim.roads.road_map import RoadMap

TRAFFIC_LIGHT_LABEL, TRAFFIC_SIGN_LABEL = 7, 8
SIGN_PLATE_HEIGHT_M = 2.35
SIGN_PLATE_EXTENT_M = (0.42, 0.05, 0.42)
"""Half sizes: across the road, along it, up. A sign's plate lies across the traffic, as its actor's forward vector does."""


class MapLayer(IntFlag):
    """CARLA's map layers. Ours hold something in Buildings, Foliage, ParkedVehicles, Props, StreetLights and Walls."""

    NONE = 0
    BUILDINGS = 0x1
    DECALS = 0x2
    FOLIAGE = 0x4
    GROUND = 0x8
    PARKED_VEHICLES = 0x10
    PARTICLES = 0x20
    PROPS = 0x40
    STREET_LIGHTS = 0x80
    WALLS = 0x100
    ALL = 0xFFFF


LAYER_OF_KIND = {
    StaticKind.BUILDING: MapLayer.BUILDINGS,
    StaticKind.TREE: MapLayer.FOLIAGE,
    StaticKind.LAMP: MapLayer.STREET_LIGHTS,
    StaticKind.GUARD_RAIL: MapLayer.WALLS,
    StaticKind.HEDGE: MapLayer.FOLIAGE,
    StaticKind.PARKED_CAR: MapLayer.PARKED_VEHICLES,
    StaticKind.BUS_STOP: MapLayer.PROPS,
    StaticKind.BENCH: MapLayer.PROPS,
    StaticKind.BIN: MapLayer.PROPS,
}
"""Poles of lights and signs belong to the map itself, as in CARLA."""


@dataclass(frozen=True)
class SceneObject:
    """One object, CARLA world frame, metres and degrees."""

    id: int
    name: str
    label: int
    """CARLA's semantic tag."""
    center: tuple[float, float, float]
    extent: tuple[float, float, float]
    yaw_deg: float


def sign_plate(sign: SignSpec) -> Box:
    """Return the plate of a sign."""
    foot = sign.transform
    return Box((foot.x, foot.y, foot.z + SIGN_PLATE_HEIGHT_M), SIGN_PLATE_EXTENT_M, foot.yaw)


class SceneObjects:
    """All objects of one map and which of them are there. Ids count from 1; the statics come first."""

    def __init__(self, road_map: RoadMap, statics: StaticBoxes | None) -> None:
        self.statics = statics
        self.light_boxes = light_boxes(road_map, statics)
        """The lamp housings of each of the map's traffic lights."""
        first = 0 if statics is None else len(statics)
        self.objects = [*_static_objects(statics), *_signal_objects(road_map, self.light_boxes, first)]
        self._sign_count = len(road_map.signals.signs)
        count = len(self.objects)
        self.center: NDArray[np.float64] = np.array([o.center for o in self.objects], np.float64).reshape(-1, 3)
        self.extent: NDArray[np.float64] = np.array([o.extent for o in self.objects], np.float64).reshape(-1, 3)
        self.yaw_rad: NDArray[np.float64] = np.radians([o.yaw_deg for o in self.objects])
        self.label: NDArray[np.int64] = np.array([o.label for o in self.objects], np.int64)
        self._layer = np.zeros(count, np.int64)
        if statics is not None:
            for kind, layer in LAYER_OF_KIND.items():
                self._layer[: len(statics)][statics.kind == kind] = layer
        self._enabled = np.ones(count, np.bool_)
        self._layers = MapLayer.ALL
        self._dark = np.zeros(first, np.bool_)
        self.version = 0
        """Grows when something is hidden or shown."""

    @property
    def loaded(self) -> NDArray[np.bool_]:
        """[M] whether an object's layer is loaded."""
        return (self._layer == 0) | ((self._layer & int(self._layers)) != 0)

    @property
    def present(self) -> NDArray[np.bool_]:
        """[M] whether an object can be hit and seen."""
        return self._enabled & self.loaded

    def listed(self, label: int | None = None) -> list[SceneObject]:
        """Return the objects of the loaded layers, of one label or of all."""
        chosen = self.loaded if label is None else self.loaded & (self.label == label)
        return [self.objects[index] for index in np.flatnonzero(chosen)]

    def enable(self, ids: Collection[int], enabled: bool) -> list[int]:
        """Show or hide objects; return the ids that no object has."""
        count = len(self.objects)
        known = [object_id - 1 for object_id in ids if 1 <= object_id <= count]
        self._enabled[known] = enabled
        self.version += 1
        return [object_id for object_id in ids if not 1 <= object_id <= count]

    def load_layers(self, layers: int) -> None:
        """Show the objects of layers (bits of `MapLayer`)."""
        self._layers |= MapLayer(layers)
        self.version += 1

    def unload_layers(self, layers: int) -> None:
        """Take the objects of layers away."""
        self._layers &= ~MapLayer(layers)
        self.version += 1

    def switch_lamps(self, shining: Sequence[bool]) -> None:
        """Say which street lamps, in the order of the statics, shine when it is dark."""
        if self.statics is None:
            return
        dark = np.zeros(len(self.statics), np.bool_)
        lamps = np.flatnonzero(self.statics.kind == StaticKind.LAMP)
        dark[lamps] = ~np.asarray(shining, np.bool_)[: len(lamps)]
        if not np.array_equal(dark, self._dark):
            self._dark = dark
            self.version += 1

    def shown(self) -> Shown | None:
        """Return which statics, heads of lights and plates of signs are there; None without statics."""
        if self.statics is None:
            return None
        present, count = self.present, len(self.statics)
        plates = len(present) - self._sign_count
        return Shown(present[:count], present[count:plates], present[plates:], self._dark)


def _static_objects(statics: StaticBoxes | None) -> list[SceneObject]:
    if statics is None:
        return []
    columns = (statics.center, statics.extent, statics.yaw_deg, statics.label, statics.kind)
    objects: list[SceneObject] = []
    for index, (center, extent, yaw, label, kind) in enumerate(
        zip(*(column.tolist() for column in columns), strict=True)
    ):
        name = f"{StaticKind(kind).name.title().replace('_', '')}_{index}"
        objects.append(SceneObject(index + 1, name, label, tuple(center), tuple(extent), yaw))
    return objects


def _signal_objects(road_map: RoadMap, housings: tuple[tuple[Box, ...], ...], first: int) -> list[SceneObject]:
    boxes: list[tuple[str, int, Box]] = []
    for light, heads in zip(road_map.signals.lights, housings, strict=True):
        boxes += [(f"TrafficLight_{light.signal_id}_{k}", TRAFFIC_LIGHT_LABEL, b) for k, b in enumerate(heads)]
    boxes += [
        (f"TrafficSign_{sign.signal_id}", TRAFFIC_SIGN_LABEL, sign_plate(sign)) for sign in road_map.signals.signs
    ]
    return [
        SceneObject(first + number, name, label, box.center, box.extent, box.yaw_deg)
        for number, (name, label, box) in enumerate(boxes, start=1)
    ]
