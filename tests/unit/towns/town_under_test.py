"""One shipped town as carla.Map and as XML."""

from __future__ import annotations

from dataclasses import dataclass

import carla
from lxml import etree


@dataclass(frozen=True)
class TownUnderTest:
    name: str
    text: str
    carla_map: carla.Map
    root: etree._Element
