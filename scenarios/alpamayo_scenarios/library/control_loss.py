"""Debris on the road disturbs the ego's steering and throttle, after the leaderboard's `ControlLoss`."""

from __future__ import annotations

from typing import ClassVar

import carla

from alpamayo_scenarios.library.conditions import near
from alpamayo_scenarios.library.junctions import travelled
from alpamayo_scenarios.library.lanes import ahead
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, first_of, wait_until

DEBRIS = "static.prop.dirtdebris01"
PLACES_M = (14.0, 48.0, 74.0)
"""How far behind the trigger the debris lies."""
REACH_M = 2.0
"""How near its middle the ego is disturbed."""
END_M = 110.0
THROTTLE_MEAN, THROTTLE_STD = 0.03, 0.01
STEER_MEAN, STEER_STD = 0.055, 0.015


class ControlLoss(Scenario):
    """Over three patches of dirt the ego's steering and throttle are not quite what its driver wants."""

    types: ClassVar[tuple[str, ...]] = ("ControlLoss",)

    def setup(self) -> None:
        """Lay out the debris and draw to which side each patch pulls."""
        self.places = [ahead(self.trigger_waypoint, far_m).transform for far_m in PLACES_M]
        for place in self.places:
            self.actors.spawn(DEBRIS, place, role="prop", physics=False, lift_m=0.0)
        self.noise = [
            (float(self.rng.choice((1.0, -1.0))) * THROTTLE_MEAN, float(self.rng.choice((1.0, -1.0))) * STEER_MEAN)
            for _ in PLACES_M
        ]
        self.disturbing: tuple[float, float] | None = None

    def run(self) -> Behaviour:
        """Disturb at each patch in its turn; over 110 m behind the trigger."""
        yield from first_of(self.disturb(), travelled(self.stage, END_M))

    def disturb(self) -> Behaviour:
        """Wait for each patch, and for the ego to leave it."""
        for place, noise in zip(self.places, self.noise, strict=True):
            over = near(self.stage, place.location, REACH_M)
            yield from wait_until(over)
            self.disturbing = noise
            yield from wait_until(lambda over=over: not over())
            self.disturbing = None
        yield from travelled(self.stage, END_M - PLACES_M[-1])

    def ego_control(self, control: carla.VehicleControl) -> carla.VehicleControl:
        """Return the disturbed control; as in the leaderboard it steers to the right or not at all while it is disturbed."""
        if self.disturbing is None:
            return control
        throttle, steer = self.disturbing
        return carla.VehicleControl(
            throttle=_clip(control.throttle + float(self.rng.normal(throttle, THROTTLE_STD))),
            steer=_clip(control.steer + float(self.rng.normal(steer, STEER_STD))),
            brake=control.brake,
            hand_brake=control.hand_brake,
            reverse=control.reverse,
            manual_gear_shift=control.manual_gear_shift,
            gear=control.gear,
        )


def _clip(value: float) -> float:
    return max(0.0, min(1.0, value))
