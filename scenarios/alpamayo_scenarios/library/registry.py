"""Every scenario type by the leaderboard's name."""

from __future__ import annotations

from collections.abc import Mapping

from alpamayo_scenarios.library.parked_obstacle import ParkedObstacle
from alpamayo_scenarios.library.scenario import Scenario

_CLASSES: tuple[type[Scenario], ...] = (ParkedObstacle,)

SCENARIO_TYPES: Mapping[str, type[Scenario]] = {name: cls for cls in _CLASSES for name in cls.types}
"""The class that plays each type."""
