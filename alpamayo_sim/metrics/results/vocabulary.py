"""The leaderboard's words: the names of infractions and statuses in its result files, and the figures in its messages."""

from __future__ import annotations

import re
from collections.abc import Mapping

from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.infraction import InfractionKind as Kind

LISTS_2: Mapping[str, Kind] = {
    "collisions_layout": Kind.COLLISION_STATIC,
    "collisions_pedestrian": Kind.COLLISION_PEDESTRIAN,
    "collisions_vehicle": Kind.COLLISION_VEHICLE,
    "red_light": Kind.RED_LIGHT,
    "stop_infraction": Kind.STOP_SIGN,
    "outside_route_lanes": Kind.OUTSIDE_ROUTE_LANES,
    "min_speed_infractions": Kind.MIN_SPEED,
    "yield_emergency_vehicle_infractions": Kind.YIELD_EMERGENCY_VEHICLE,
    "scenario_timeouts": Kind.SCENARIO_TIMEOUT,
    "route_dev": Kind.ROUTE_DEVIATION,
    "vehicle_blocked": Kind.BLOCKED,
    "route_timeout": Kind.ROUTE_TIMEOUT,
}
"""The infraction lists of leaderboard 2.0, 2.1 and Bench2Drive, in the order of their files."""

LISTS_1: tuple[str, ...] = (
    "collisions_pedestrian",
    "collisions_vehicle",
    "collisions_layout",
    "red_light",
    "stop_infraction",
    "outside_route_lanes",
    "route_dev",
    "route_timeout",
    "vehicle_blocked",
)
"""The infraction lists of leaderboard 1.0."""

LABELS_1: Mapping[str, str] = {
    "collisions_pedestrian": "Collisions with pedestrians",
    "collisions_vehicle": "Collisions with vehicles",
    "collisions_layout": "Collisions with layout",
    "red_light": "Red lights infractions",
    "stop_infraction": "Stop sign infractions",
    "outside_route_lanes": "Off-road infractions",
    "route_dev": "Route deviations",
    "route_timeout": "Route timeouts",
    "vehicle_blocked": "Agent blocked",
}
"""Infraction list -> the label of its rate in `values`, in that order; leaderboard 1.0."""

LABELS_2: Mapping[str, str] = {
    **LABELS_1,
    "yield_emergency_vehicle_infractions": "Yield emergency vehicles infractions",
    "scenario_timeouts": "Scenario timeouts",
    "min_speed_infractions": "Min speed infractions",
}
"""The same for leaderboard 2.x."""

SCORE_LABELS: Mapping[str, str] = {
    "score_composed": "Avg. driving score",
    "score_route": "Avg. route completion",
    "score_penalty": "Avg. infraction penalty",
}

PERFECT = "Perfect"
COMPLETED = "Completed"
FAILED = "Failed"
STARTED = "Started"
TIMED_OUT = "Failed - Agent timed out"
DEVIATED = "Failed - Agent deviated from the route"
GOT_BLOCKED = "Failed - Agent got blocked"
AGENT_CRASHED = "Failed - Agent crashed"
SIMULATION_CRASHED = "Failed - Simulation crashed"
SETUP_FAILED = "Failed - Agent couldn't be set up"
SENSORS_INVALID = "Failed - Agent's sensors were invalid"
TICK_LIMIT = "Failed - TickRuntime"
"""Bench2Drive only: its cap on the ticks of a route was reached."""

STATUSES = frozenset(
    {
        PERFECT, COMPLETED, FAILED, STARTED, TIMED_OUT, DEVIATED, GOT_BLOCKED, AGENT_CRASHED, SIMULATION_CRASHED,
        SETUP_FAILED, SENSORS_INVALID, TICK_LIMIT,
    }
)  # fmt: skip
"""Every status that a route's record may have."""

_OUTSIDE = re.compile(r"route lanes for about (\S+) meters \((\S+)% of the completed route\)")
_SPEED = re.compile(r"Average speed is (\S+)% of")


def outside_lanes_message(distance_m: float, percent: float) -> str:
    """Return the leaderboard's message about driving outside the route's lanes, word for word."""
    return (
        f"Agent went outside its route lanes for about {round(distance_m, 3)} meters "
        f"({round(percent, 2)}% of the completed route)"
    )


def outside_lanes_figures(message: str) -> tuple[float, float]:
    """Return metres and percent of the completed route from that message; InputError if it reads otherwise."""
    found = _OUTSIDE.search(message)
    if found is None:
        raise InputError(f"expected '... outside its route lanes for about X meters (Y% ...)'; found {message[:200]!r}")
    return _number(found[1], message), _number(found[2], message)


def min_speed_message(percent: float) -> str:
    """Return the leaderboard's message about driving slower than the traffic, word for word."""
    return f"Average speed is {percent}% of the surrounding traffic's one"


def min_speed_percent(message: str) -> float:
    """Return the ego's mean speed in percent of the traffic's from that message; InputError if it reads otherwise."""
    found = _SPEED.search(message)
    if found is None:
        raise InputError(f"expected 'Average speed is X% of the surrounding ...'; found {message[:200]!r}")
    return _number(found[1], message)


def _number(text: str, message: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value < 1e9:
        raise InputError(f"expected a number of 0 or more in place of {text!r} in the message {message[:200]!r}")
    return value
