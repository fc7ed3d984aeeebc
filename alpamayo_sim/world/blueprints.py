"""The blueprint catalogue of CARLA 0.9.16: what can be spawned, its attributes, its box."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Vector3 = tuple[float, float, float]

SEMANTIC_TAGS = {"car": 14, "van": 14, "truck": 15, "bus": 16, "motorcycle": 18, "bicycle": 19}
"""CityObjectLabel by `base_type`."""


@dataclass(frozen=True, slots=True)
class AttributeSpec:
    """One attribute of a blueprint, in the order and with the types of CARLA's `ActorAttribute`."""

    id: str
    type: int
    """ActorAttributeType: Bool 1, Int 2, Float 3, String 4, RGBColor 5."""
    default: str
    recommended: tuple[str, ...]
    modifiable: bool
    restrict: bool
    """Only recommended values are allowed."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One entry of the catalogue. Boxes are half sizes and centre in metres, in the actor's own frame."""

    uid: int
    """Registration number, from 1."""
    id: str
    tags: str
    """Comma separated, as CARLA's `ActorDefinition.tags`."""
    attributes: tuple[AttributeSpec, ...]
    extent: Vector3 = (0.0, 0.0, 0.0)
    box_center: Vector3 = (0.0, 0.0, 0.0)
    base_type: str = ""
    """car, van, truck, bus, motorcycle, bicycle; empty for everything but vehicles."""
    special_type: str = ""
    """electric, emergency, taxi or empty."""
    number_of_wheels: int = 0
    generation: int = 0
    has_lights: bool = False
    has_doors: bool = False

    @property
    def is_vehicle(self) -> bool:
        """Whether actors of this blueprint are vehicles."""
        return self.id.startswith("vehicle.")

    @property
    def is_walker(self) -> bool:
        """Whether actors of this blueprint are pedestrians."""
        return self.id.startswith("walker.")

    @property
    def is_sensor(self) -> bool:
        """Whether actors of this blueprint are sensors."""
        return self.id.startswith("sensor.")

    @property
    def semantic_tags(self) -> tuple[int, ...]:
        """CityObjectLabels of the actor; two-wheelers carry their rider's too."""
        if self.is_vehicle:
            tag = SEMANTIC_TAGS.get(self.base_type, 14)
            return (tag, 13) if self.number_of_wheels == 2 else (tag,)
        if self.is_walker:
            return (12,)
        return (20,) if self.id.startswith("static.prop.") else ()

    def values(self, given: Mapping[str, str]) -> dict[str, str]:
        """Return the value of every attribute: the given one where it may be changed, else the default."""
        return {
            spec.id: given.get(spec.id, spec.default) if spec.modifiable else spec.default for spec in self.attributes
        }


@cache
def catalogue() -> dict[str, Blueprint]:
    """Return every blueprint by id, in registration order. One shared instance: do not change it."""
    records = json.loads(files("alpamayo_sim.world").joinpath("data/blueprints.json").read_text())
    blueprints: dict[str, Blueprint] = {}
    for uid, record in enumerate(records, start=1):
        vehicle = record.get("vehicle", {})
        blueprints[record["id"]] = Blueprint(
            uid=uid,
            id=record["id"],
            tags=record["tags"],
            attributes=tuple(
                AttributeSpec(id, kind, default, tuple(recommended), modifiable, restrict)
                for id, kind, default, recommended, modifiable, restrict in record["attributes"]
            ),
            extent=tuple(record.get("extent", (0.0, 0.0, 0.0))),
            box_center=tuple(record.get("box_center", (0.0, 0.0, 0.0))),
            base_type=vehicle.get("base_type", ""),
            special_type=vehicle.get("special_type", ""),
            number_of_wheels=vehicle.get("number_of_wheels", 0),
            generation=vehicle.get("generation", 0),
            has_lights=vehicle.get("has_lights", False),
            has_doors=vehicle.get("has_dynamic_doors", False),
        )
    return blueprints
