"""Every scenario type by the leaderboard's name."""

from __future__ import annotations

from collections.abc import Mapping

from alpamayo_scenarios.library.accident import Accident
from alpamayo_scenarios.library.bicycle_flow import CrossingBicycleFlow
from alpamayo_scenarios.library.blocked_intersection import BlockedIntersection
from alpamayo_scenarios.library.construction import ConstructionObstacle
from alpamayo_scenarios.library.control_loss import ControlLoss
from alpamayo_scenarios.library.enter_flow import (
    EnterActorFlow,
    EnterFlowByOwnLane,
    HighwayExit,
    MergerIntoSlowTraffic,
)
from alpamayo_scenarios.library.hard_break import HardBreakRoute
from alpamayo_scenarios.library.hazard_at_side_lane import HazardAtSideLane
from alpamayo_scenarios.library.highway_cut_in import HighwayCutIn
from alpamayo_scenarios.library.interurban_flow import InterurbanActorFlow, InterurbanAdvancedActorFlow
from alpamayo_scenarios.library.invading_turn import InvadingTurn
from alpamayo_scenarios.library.object_crossing import DynamicObjectCrossing, ParkingCrossingPedestrian
from alpamayo_scenarios.library.opposite_vehicle import OppositeVehicleRunningRedLight, OppositeVehicleTakingPriority
from alpamayo_scenarios.library.parked_obstacle import ParkedObstacle
from alpamayo_scenarios.library.parking_cut_in import ParkingCutIn
from alpamayo_scenarios.library.parking_exit import ParkingExit
from alpamayo_scenarios.library.pedestrian_crossing import PedestrianCrossing
from alpamayo_scenarios.library.priority_at_junction import PriorityAtJunction
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.sequential_lane_change import SequentialLaneChange
from alpamayo_scenarios.library.static_cut_in import StaticCutIn
from alpamayo_scenarios.library.turn_across_flow import LeftTurn, LeftTurnEnterFlow, RightTurn
from alpamayo_scenarios.library.vanilla import TJunction, Turn, TurnAtLights
from alpamayo_scenarios.library.vehicle_opens_door import VehicleOpensDoor
from alpamayo_scenarios.library.vehicle_turning import VehicleTurningRoute, VehicleTurningRoutePedestrian
from alpamayo_scenarios.library.yield_to_emergency_vehicle import YieldToEmergencyVehicle

_CLASSES: tuple[type[Scenario], ...] = (
    ParkedObstacle,
    Accident,
    ConstructionObstacle,
    ControlLoss,
    HardBreakRoute,
    HazardAtSideLane,
    InvadingTurn,
    PriorityAtJunction,
    VehicleOpensDoor,
    YieldToEmergencyVehicle,
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
    CrossingBicycleFlow,
    HighwayCutIn,
    ParkingExit,
    TJunction,
    Turn,
    TurnAtLights,
    BlockedIntersection,
    ParkingCutIn,
    StaticCutIn,
    DynamicObjectCrossing,
    ParkingCrossingPedestrian,
    PedestrianCrossing,
    VehicleTurningRoute,
    VehicleTurningRoutePedestrian,
    OppositeVehicleTakingPriority,
    OppositeVehicleRunningRedLight,
)

SCENARIO_TYPES: Mapping[str, type[Scenario]] = {name: cls for cls in _CLASSES for name in cls.types}
"""The class that plays each type."""
