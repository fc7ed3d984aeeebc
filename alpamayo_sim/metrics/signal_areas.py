"""Where lights and stop signs apply: the boxes that the leaderboard's criteria go by, of a map or read from a server."""

from __future__ import annotations

from dataclasses import dataclass

from alpamayo_sim.roads.signal_boxes import combined_box
from alpamayo_sim.roads.signals import Signals

Point = tuple[float, float, float]


@dataclass(frozen=True)
class SignalArea:
    """The trigger box of one traffic light or stop sign, CARLA world frame."""

    signal_id: str
    """The key of `TickRecord.light_states` for a light; any name for a stop sign."""
    name: str
    """What messages call it: the actor's id on a server, else the signal's."""
    place: Point
    """Where its actor stands, metres."""
    center: Point
    """Centre of its box, metres."""
    extent: Point
    """Half sizes of its box in metres, along the actor's own axes."""
    yaw_deg: float
    """Yaw of its actor."""


@dataclass(frozen=True)
class SignalAreas:
    """All lights and stop signs of a town that govern something."""

    lights: tuple[SignalArea, ...]
    stops: tuple[SignalArea, ...]


def areas_of_map(signals: Signals) -> SignalAreas:
    """Return the areas that a map's signals have on the embedded server."""
    lights = [
        SignalArea(
            light.signal_id, light.signal_id, _place(light.transform), box.center, box.extent, light.transform.yaw
        )
        for light in signals.lights
        if light.lane_boxes
        for box in [combined_box(light.lane_boxes, light.transform.yaw)]
    ]
    stops = [
        SignalArea(sign.signal_id, sign.signal_id, _place(sign.transform), box.center, box.extent, sign.transform.yaw)
        for sign in signals.signs
        if sign.type_id == "traffic.stop" and sign.boxes
        for box in [combined_box(sign.boxes, sign.transform.yaw)]
    ]
    return SignalAreas(tuple(lights), tuple(stops))


def _place(transform: tuple[float, ...]) -> Point:
    return transform[0], transform[1], transform[2]
