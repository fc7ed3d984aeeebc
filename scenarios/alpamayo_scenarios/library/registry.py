"""Every scenario type by the leaderboard's name."""

from __future__ import annotations

from collections.abc import Mapping

from alpamayo_scenarios.library.enter_flow import (
    EnterActorFlow,
    EnterFlowByOwnLane,
    HighwayExit,
    MergerIntoSlowTraffic,
)
from alpamayo_scenarios.library.interurban_flow import InterurbanActorFlow, InterurbanAdvancedActorFlow
from alpamayo_scenarios.library.parked_obstacle import ParkedObstacle
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.sequential_lane_change import SequentialLaneChange
from alpamayo_scenarios.library.turn_across_flow import LeftTurn, LeftTurnEnterFlow, RightTurn

_CLASSES: tuple[type[Scenario], ...] = (
    ParkedObstacle,
    LeftTurn,
    LeftTurnEnterFlow,
    RightTurn,
    EnterActorFlow,
    EnterFlowByOwnLane,
    HighwayExit,
    MergerIntoSlowTraffic,
    InterurbanActorFlow,
    InterurbanAdvancedActorFlow,
    SequentialLaneChange,
)

SCENARIO_TYPES: Mapping[str, type[Scenario]] = {name: cls for cls in _CLASSES for name in cls.types}
"""The class that plays each type."""
