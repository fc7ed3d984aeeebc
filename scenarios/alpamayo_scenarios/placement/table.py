"""Every scenario type with its recipe: the 44 of Bench2Drive."""

from __future__ import annotations

from collections.abc import Mapping

from alpamayo_scenarios.placement.flows import cut_in, given_flow, lane_changes, leave, merge
from alpamayo_scenarios.placement.recipes import (
    TRAFFIC_FREE,
    Recipe,
    bay,
    bend,
    cyclists,
    direction,
    nothing,
    obstacle,
    stretch,
    turn,
    turn_flow,
    value,
)

ANY_TURN = ("left", "right", "straight")
SIDES = ("left", "right")

RECIPES: Mapping[str, Recipe] = {
    "Accident": obstacle(two_ways=False, length_m=26.0, low=40, high=44),
    "AccidentTwoWays": obstacle(two_ways=True, length_m=26.0, low=40, high=44),
    "ConstructionObstacle": obstacle(two_ways=False, length_m=22.0, low=40, high=45),
    "ConstructionObstacleTwoWays": obstacle(two_ways=True, length_m=22.0, low=40, high=45),
    "ParkedObstacle": obstacle(two_ways=False, length_m=5.0, low=40, high=43),
    "ParkedObstacleTwoWays": obstacle(two_ways=True, length_m=5.0, low=40, high=43),
    "HazardAtSideLane": cyclists(two_ways=False),
    "HazardAtSideLaneTwoWays": cyclists(two_ways=True),
    "VehicleOpensDoorTwoWays": stretch(
        80.0,
        125.0,
        lambda rng: {
            "distance": value(int(rng.integers(37, 48))), "direction": value("right"),
            "frequency": {"from": f"{int(rng.integers(40, 60))}", "to": f"{int(rng.integers(110, 170))}"},
        },
        oncoming=True,
        parking=True,
    ),
    "CrossingBicycleFlow": turn(
        turns=("left",),
        control=("signals", *TRAFFIC_FREE),
        parameters=given_flow("opposite", speed=(8, 12), gap_m=(18, 26, 18), before_m=40.0),
        arms=(4,),
    ),
    "EnterActorFlow": turn(
        turns=("right",),
        control=("stop", "yield"),
        parameters=given_flow("left", speed=(12, 14), gap_m=(22, 28, 11)),
        after_m=70.0,
    ),
    "EnterActorFlowV2": merge(own_lane=True, speed=(12, 14), gap_m=(22, 28, 11)),
    "HighwayExit": leave,
    "HighwayCutIn": cut_in,
    "InterurbanActorFlow": turn(
        turns=("left",), control=("",), parameters=given_flow("opposite", speed=(15, 16), gap_m=(42, 55, 40))
    ),
    "InterurbanAdvancedActorFlow": turn(
        turns=("left",),
        control=("stop", "yield"),
        parameters=given_flow("left", speed=(16, 18), gap_m=(42, 55, 40)),
        after_m=80.0,
    ),
    "MergerIntoSlowTraffic": merge(own_lane=False, speed=(9, 10), gap_m=(17, 22, 15)),
    "MergerIntoSlowTrafficV2": merge(own_lane=True, speed=(9, 10), gap_m=(17, 22, 15)),
    "NonSignalizedJunctionLeftTurn": turn(turns=("left",), control=TRAFFIC_FREE, parameters=turn_flow(8, 11)),
    "NonSignalizedJunctionRightTurn": turn(turns=("right",), control=TRAFFIC_FREE, parameters=turn_flow(8, 14)),
    "NonSignalizedJunctionLeftTurnEnterFlow": turn(
        turns=("left",), control=TRAFFIC_FREE, parameters=turn_flow(8, 10), arms=(4,)
    ),
    "SignalizedJunctionLeftTurn": turn(turns=("left",), control=("signals",), parameters=turn_flow(9, 14)),
    "SignalizedJunctionRightTurn": turn(turns=("right",), control=("signals",), parameters=turn_flow(9, 14)),
    "SignalizedJunctionLeftTurnEnterFlow": turn(
        turns=("left",), control=("signals",), parameters=turn_flow(8, 10), arms=(4,)
    ),
    "ParkingExit": bay,
    "SequentialLaneChange": lane_changes,
    "BlockedIntersection": turn(turns=ANY_TURN, control=("signals", *TRAFFIC_FREE), parameters=nothing),
    "DynamicObjectCrossing": stretch(
        62.0,
        95.0,
        lambda rng: {
            "distance": value(int(rng.integers(40, 51))), "direction": value("right"),
            "blocker_model": value("static.prop.vendingmachine"), "crossing_angle": value(int(rng.integers(0, 12))),
        },
    ),
    "ParkingCrossingPedestrian": stretch(
        58.0,
        95.0,
        lambda rng: {
            "distance": value(int(rng.integers(36, 46))), "direction": value("right"),
            "crossing_angle": value(int(rng.integers(0, 8))),
        },
        parking=True,
    ),
    "HardBreakRoute": stretch(75.0, 95.0, lambda rng: {}),
    "OppositeVehicleTakingPriority": turn(
        turns=("straight", "left"), control=TRAFFIC_FREE, parameters=direction(*SIDES)
    ),
    "OppositeVehicleRunningRedLight": turn(
        turns=("straight", "left"), control=("signals",), parameters=direction(*SIDES, "opposite")
    ),
    "ParkingCutIn": stretch(62.0, 100.0, lambda rng: {"direction": value("right")}, parking=True),
    "StaticCutIn": stretch(
        82.0,
        105.0,
        lambda rng: {"distance": value(int(rng.integers(40, 46))), "direction": value(str(rng.choice(["right", "left"])))},
        lanes=2,
        rightmost=False,
    ),
    "PedestrianCrossing": turn(turns=ANY_TURN, control=("signals", *TRAFFIC_FREE), parameters=nothing),
    "VehicleTurningRoute": turn(turns=SIDES, control=("signals", *TRAFFIC_FREE), parameters=nothing),
    "VehicleTurningRoutePedestrian": turn(turns=SIDES, control=("signals", *TRAFFIC_FREE), parameters=nothing),
    "ControlLoss": stretch(96.0, 128.0, lambda rng: {}),
    "InvadingTurn": bend,
    "YieldToEmergencyVehicle": stretch(
        80.0, 200.0, lambda rng: {"distance": value(int(rng.integers(26, 31)))}, lanes=2, rightmost=False
    ),
    "T_Junction": turn(turns=SIDES, control=("signals", "stop"), parameters=nothing, arms=(3,)),
    "VanillaNonSignalizedTurn": turn(turns=SIDES, control=("", "yield"), parameters=nothing),
    "VanillaNonSignalizedTurnEncounterStopsign": turn(turns=SIDES, control=("stop",), parameters=nothing),
    "VanillaSignalizedTurnEncounterGreenLight": turn(turns=SIDES, control=("signals",), parameters=nothing),
    "VanillaSignalizedTurnEncounterRedLight": turn(turns=SIDES, control=("signals",), parameters=nothing),
}  # fmt: skip
"""How to find a place for each type."""
