"""Every scenario type with its recipe: the 44 of Bench2Drive."""

from __future__ import annotations

from collections.abc import Mapping

from alpamayo_scenarios.placement.flows import cut_in, enter_by_ramp, given_flow, lane_changes, leave, merge
from alpamayo_scenarios.placement.gaps import BICYCLE_M, Passing
from alpamayo_scenarios.placement.recipes import (
    WITHOUT_LIGHTS,
    Recipe,
    bay,
    bend,
    cyclists,
    direction,
    drawn,
    nothing,
    obstacle,
    oncoming_reach,
    straight_behind,
    stretch,
    turn,
    turn_flow,
    value,
)

ANY_TURN = ("left", "right", "straight")
SIDES = ("left", "right")
CROSS = (Passing.CROSS,)
INTERURBAN_KMH = 70.0
BLOCKERS = ("static.prop.advertisement", "static.prop.container")

RECIPES: Mapping[str, Recipe] = {
    "Accident": obstacle(length_m=26.0, distance_m=(40, 44)),
    "AccidentTwoWays": oncoming_reach(obstacle(length_m=26.0, distance_m=(40, 44), frequency_m=(32, 60, 109, 180))),
    "ConstructionObstacle": obstacle(length_m=22.0, distance_m=(40, 45), speed_kmh=(47, 55)),
    "ConstructionObstacleTwoWays": oncoming_reach(obstacle(length_m=22.0, distance_m=(40, 45), frequency_m=(43, 70, 129, 200))),
    "ParkedObstacle": obstacle(length_m=5.0, distance_m=(40, 43)),
    "ParkedObstacleTwoWays": oncoming_reach(obstacle(length_m=5.0, distance_m=(40, 43), frequency_m=(31, 56, 106, 151))),
    "HazardAtSideLane": cyclists(two_ways=False),
    "HazardAtSideLaneTwoWays": cyclists(two_ways=True),
    "VehicleOpensDoorTwoWays": oncoming_reach(
        stretch(
            80.0,
            125.0,
            lambda rng: {
                "distance": value(int(rng.integers(37, 48))), "frequency": drawn(rng, (30, 40, 89, 98)),
            },
            oncoming=True,
            parking=True,
        )
    ),
    "CrossingBicycleFlow": turn(
        turns=("left",),
        control=("signals", *WITHOUT_LIGHTS),
        parameters=given_flow(
            "opposite", passings=CROSS, speed=(8, 12), gap_m=(5, 15, 25, 30), before_m=40.0, vehicle_m=BICYCLE_M
        ),
        arms=(4,),
    ),
    "EnterActorFlow": enter_by_ramp(speed=(12, 19), gap_m=(17, 30, 30, 39)),
    "HighwayExit": leave,
    "HighwayCutIn": cut_in,
    "InterurbanActorFlow": turn(
        turns=("left",), control=("",),
        parameters=given_flow(
            "opposite", passings=CROSS, speed=(15, 16), gap_m=(42, 53, 78, 98), before_m=110.0, least_kmh=INTERURBAN_KMH
        ),
    ),
    "InterurbanAdvancedActorFlow": turn(
        turns=("left",),
        control=("stop", "yield"),
        parameters=given_flow(
            "left", passings=(Passing.CROSS, Passing.ENTER), speed=(16, 18), gap_m=(36, 42, 84, 94), before_m=85.0,
            behind_m=55.0, least_kmh=INTERURBAN_KMH, both_ways=True,
        ),
        after_m=135.0,
    ),
    "MergerIntoSlowTraffic": merge(own_lane=False, speed=(9, 10), gap_m=(14, 16, 33, 42)),
    "MergerIntoSlowTrafficV2": merge(own_lane=True, speed=(10, 10), gap_m=(11, 14, 30, 34)),
    "NonSignalizedJunctionLeftTurn": turn(
        turns=("left",), control=WITHOUT_LIGHTS, parameters=turn_flow("opposite", Passing.CROSS, 8, 11, (15, 24, 25, 30))
    ),
    "NonSignalizedJunctionRightTurn": turn(
        turns=("right",), control=WITHOUT_LIGHTS, parameters=turn_flow("left", Passing.ENTER, 8, 14, (16, 22, 25, 30))
    ),
    "NonSignalizedJunctionLeftTurnEnterFlow": turn(
        turns=("left",), control=WITHOUT_LIGHTS,
        parameters=turn_flow("opposite", Passing.ENTER, 8, 10, (15, 19, 26, 30)), arms=(4,),
    ),
    "SignalizedJunctionLeftTurn": turn(
        turns=("left",), control=("signals",), parameters=turn_flow("opposite", Passing.CROSS, 9, 11, (15, 24, 25, 28))
    ),
    "SignalizedJunctionRightTurn": turn(
        turns=("right",), control=("signals",), parameters=turn_flow("left", Passing.ENTER, 10, 14, (19, 24, 26, 38))
    ),
    "SignalizedJunctionLeftTurnEnterFlow": turn(
        turns=("left",), control=("signals",), parameters=turn_flow("opposite", Passing.ENTER, 8, 10, (16, 24, 25, 30)),
        arms=(4,),
    ),
    "ParkingExit": bay,
    "SequentialLaneChange": lane_changes,
    "BlockedIntersection": turn(turns=ANY_TURN, control=("signals", *WITHOUT_LIGHTS), parameters=nothing),
    "DynamicObjectCrossing": stretch(
        62.0,
        95.0,
        lambda rng: {
            "distance": value(int(rng.integers(40, 51))), "direction": value("right"),
            "blocker_model": value(str(rng.choice(BLOCKERS))), "crossing_angle": value(int(rng.integers(0, 12))),
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
        turns=("straight", "left"), control=WITHOUT_LIGHTS, parameters=direction(*SIDES)
    ),
    "OppositeVehicleRunningRedLight": turn(
        turns=("straight", "left"), control=("signals",), parameters=direction(*SIDES, "opposite")
    ),
    "ParkingCutIn": stretch(62.0, 100.0, lambda rng: {"direction": value("right")}, parking=True),
    "StaticCutIn": stretch(
        82.0,
        105.0,
        lambda rng: {"distance": value(int(rng.integers(40, 46))), "direction": value("right")},
        lanes=2,
        rightmost=False,
    ),
    "PedestrianCrossing": turn(turns=ANY_TURN, control=("signals", *WITHOUT_LIGHTS), parameters=nothing),
    "VehicleTurningRoute": turn(turns=SIDES, control=("signals", *WITHOUT_LIGHTS), parameters=nothing),
    "VehicleTurningRoutePedestrian": turn(turns=SIDES, control=("signals", *WITHOUT_LIGHTS), parameters=nothing),
    "ControlLoss": stretch(96.0, 128.0, lambda rng: {}),
    "InvadingTurn": bend,
    "YieldToEmergencyVehicle": straight_behind(
        stretch(80.0, 200.0, lambda rng: {"distance": value(int(rng.integers(26, 31)))}, lanes=2, rightmost=False), 10.0
    ),
    "T_Junction": turn(turns=SIDES, control=("signals", "stop"), parameters=nothing, arms=(3,)),
    "VanillaNonSignalizedTurn": turn(turns=SIDES, control=("", "yield"), parameters=nothing),
    "VanillaNonSignalizedTurnEncounterStopsign": turn(turns=SIDES, control=("stop",), parameters=nothing),
    "VanillaSignalizedTurnEncounterGreenLight": turn(turns=SIDES, control=("signals",), parameters=nothing),
    "VanillaSignalizedTurnEncounterRedLight": turn(turns=SIDES, control=("signals",), parameters=nothing),
}  # fmt: skip
"""How to find a place for each type."""

COUNTRY_TYPES = frozenset((
    "Accident", "ConstructionObstacle", "EnterActorFlow", "HazardAtSideLane", "HighwayCutIn", "HighwayExit",
    "InterurbanActorFlow", "InterurbanAdvancedActorFlow", "MergerIntoSlowTraffic", "MergerIntoSlowTrafficV2",
    "SequentialLaneChange", "SignalizedJunctionLeftTurnEnterFlow", "VehicleOpensDoorTwoWays", "YieldToEmergencyVehicle",
))  # fmt: skip
"""Types for which places are searched in Longmoor, too: the other towns have none or too few."""
LONG_WAYS = frozenset(("EnterActorFlow", "InterurbanAdvancedActorFlow"))
"""Types whose routes are longer than those of the others."""
