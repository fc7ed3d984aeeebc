"""Bench2Drive's figures from a run's records: success rate, efficiency, the five abilities, the merged file.

Sources: Bench2Drive v0.0.4, `tools/merge_route_json.py`, `efficiency_smoothness_benchmark.py`, `ability_benchmark.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.schema import RouteRecord

_JUNCTION_TURN = frozenset(
    {
        "CrossingBicycleFlow", "EnterActorFlow", "NonSignalizedJunctionLeftTurn", "NonSignalizedJunctionRightTurn",
        "NonSignalizedJunctionLeftTurnEnterFlow", "SignalizedJunctionLeftTurn", "SignalizedJunctionRightTurn",
        "SignalizedJunctionLeftTurnEnterFlow",
    }
)  # fmt: skip
_JUNCTION_BRAKE = frozenset(
    {
        "BlockedIntersection", "OppositeVehicleTakingPriority", "OppositeVehicleRunningRedLight", "PedestrianCrossing",
        "VehicleTurningRoute", "VehicleTurningRoutePedestrian",
    }
)  # fmt: skip

ABILITIES: Mapping[str, frozenset[str]] = {
    "Overtaking": frozenset(
        {
            "Accident", "AccidentTwoWays", "ConstructionObstacle", "ConstructionObstacleTwoWays",
            "HazardAtSideLaneTwoWays", "HazardAtSideLane", "ParkedObstacleTwoWays", "ParkedObstacle",
            "VehicleOpensDoorTwoWays",
        }
    ),
    "Merging": _JUNCTION_TURN
    | {
        "HighwayExit", "InterurbanActorFlow", "HighwayCutIn", "InterurbanAdvancedActorFlow", "MergerIntoSlowTrafficV2",
        "MergerIntoSlowTraffic", "ParkingExit", "SequentialLaneChange",
    },
    "Emergency_Brake": _JUNCTION_BRAKE
    | {
        "DynamicObjectCrossing", "HardBreakRoute", "ParkingCutIn", "ParkingCrossingPedestrian", "StaticCutIn",
        "ControlLoss",
    },
    "Give_Way": frozenset({"InvadingTurn", "YieldToEmergencyVehicle"}),
    "Traffic_Signs": _JUNCTION_TURN
    | _JUNCTION_BRAKE
    | {
        "T_Junction", "VanillaNonSignalizedTurn", "VanillaSignalizedTurnEncounterGreenLight",
        "VanillaSignalizedTurnEncounterRedLight", "VanillaNonSignalizedTurnEncounterStopsign",
    },
}  # fmt: skip
"""The scenario types that test an ability; one may test two."""

_SIGNS = "Traffic_Signs"
_FASTEST_PERCENT = 1000.0


def is_success(record: RouteRecord) -> bool:
    """Whether the route was finished and nothing is listed but minimum-speed checks."""
    return record.completed and not any(
        messages for name, messages in record.infractions.items() if name != "min_speed_infractions"
    )


def success_rate(records: Sequence[RouteRecord], total_routes: int) -> float:
    """Return the share of `total_routes` that succeeded, in [0, 1]; a missing route did not."""
    return sum(map(is_success, records)) / total_routes


def route_efficiency(record: RouteRecord) -> float | None:
    """Return the mean of a route's minimum-speed percentages, those above 1,000 % left out; None where none is left."""
    percents = [words.min_speed_percent(m) for m in record.infractions.get("min_speed_infractions", ())]
    kept = [percent for percent in percents if percent <= _FASTEST_PERCENT]
    return sum(kept) / len(kept) if kept else None


def efficiency(records: Sequence[RouteRecord]) -> float | None:
    """Return the driving efficiency in percent: the mean over the routes that have one; None where none has.

    It may exceed 100. Only files that list fast stretches too (Bench2Drive's and our `bench2drive` profile's) give the
    published figure; those of the leaderboard list slow stretches only and give a lower one.
    """
    routes = [value for value in map(route_efficiency, records) if value is not None]
    return sum(routes) / len(routes) if routes else None


def scenario_type(record: RouteRecord) -> str | None:
    """Return the type in a record's scenario name (`ParkedObstacle_1` is a `ParkedObstacle`); None if it has none."""
    return re.sub(r"_\d+$", "", record.scenario_name) if record.scenario_name else None


def route_key(record: RouteRecord) -> str:
    """Return the route's id in its route file, `<id>` of `RouteScenario_<id>_rep<k>`."""
    parts = record.route_id.split("_")
    return parts[1] if len(parts) > 1 else record.route_id


@dataclass(frozen=True)
class AbilityScores:
    """The share of successes by ability, None for one that no route tests, and how many routes tested it."""

    shares: Mapping[str, float | None]
    routes: Mapping[str, int]
    unknown: tuple[str, ...]
    """Routes whose scenario type is not known or tests nothing; they count nowhere."""

    @property
    def mean(self) -> float | None:
        """The unweighted mean of the five, None unless all are known."""
        values = [share for share in self.shares.values() if share is not None]
        return sum(values) / len(values) if len(values) == len(ABILITIES) else None

    def to_json(self) -> dict[str, Any]:
        """Return the abilities as Bench2Drive's `merged_ability.json` has them."""
        return {**self.shares, "mean": self.mean, "crashed": []}


def abilities(
    records: Sequence[RouteRecord],
    types_by_route: Mapping[str, str] | None = None,
    passed_signs_percent: Mapping[str, float] | None = None,
) -> AbilityScores:
    """Return the five abilities.

    `types_by_route` gives the scenario type by route id (`route_key`), from the route file; without it the records'
    own scenario names are taken. `passed_signs_percent` gives, by route id, the completion at which the route's first
    junction and its trigger volume are behind the ego (`junction_passed_percent`): a failed route of Traffic_Signs
    that came farther and neither ran a light nor a stop sign still passes there. Without it such routes fail.
    """
    passed = dict.fromkeys(ABILITIES, 0)
    routes = dict.fromkeys(ABILITIES, 0)
    unknown: list[str] = []
    for record in records:
        kind = types_by_route.get(route_key(record)) if types_by_route is not None else scenario_type(record)
        tested = [ability for ability, types in ABILITIES.items() if kind in types]
        if not tested:
            unknown.append(record.route_id)
        for ability in tested:
            routes[ability] += 1
            passed[ability] += is_success(record) or (
                ability == _SIGNS and _obeyed_signs(record, (passed_signs_percent or {}).get(route_key(record)))
            )
    shares = {ability: passed[ability] / count if count else None for ability, count in routes.items()}
    return AbilityScores(shares, routes, tuple(unknown))


def _obeyed_signs(record: RouteRecord, after_percent: float | None) -> bool:
    return (
        after_percent is not None
        and record.scores.score_route > after_percent
        and not record.infractions["stop_infraction"]
        and not record.infractions["red_light"]
    )


_TRIGGER_POINTS = 8


def junction_passed_percent(is_junction: Sequence[bool]) -> float | None:
    """Return the completion, in percent, at which a route's first junction counts as passed; None without a junction.

    `is_junction` tells for each point of the route, one metre apart, whether it lies in a junction. The trigger volume
    of the traffic light or sign is taken to end 8 points after the junction's first.
    """
    first = next((count for count, inside in enumerate(is_junction, start=1) if inside), None)
    return 100.0 * (first + _TRIGGER_POINTS) / len(is_junction) if first is not None else None


def merged_json(records: Sequence[RouteRecord], total_routes: int = 220) -> dict[str, Any]:
    """Return what Bench2Drive's `merged.json` holds: records without index by descending id, and the two figures."""
    plain = [record.model_copy(update={"index": None}).to_json() for record in records]
    plain.sort(key=lambda record: record["route_id"], reverse=True)
    return {
        "_checkpoint": {"records": plain},
        "driving score": sum(record.scores.score_composed for record in records) / total_routes,
        "success rate": success_rate(records, total_routes),
        "eval num": len(records),
    }
