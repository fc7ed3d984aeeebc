"""The traffic ahead of the ego brakes hard, after the leaderboard's `HardBreakRoute`."""

from __future__ import annotations

from typing import ClassVar

from alpamayo_scenarios.library.junctions import travelled
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.timing import Behaviour, wait_s

STOP_S = 10.0
END_M = 15.0


class HardBreakRoute(Scenario):
    """The background traffic stops at the trigger and drives on ten seconds later."""

    types: ClassVar[tuple[str, ...]] = ("HardBreakRoute",)

    def setup(self) -> None:
        """Place nothing: the vehicles are those of the background."""

    def run(self) -> Behaviour:
        """Stop them, let them go, and wait until the ego has driven on."""
        self.stage.background.stop_front_vehicles()
        try:
            yield from wait_s(self.stage, STOP_S)
        finally:
            self.stage.background.start_front_vehicles()
        yield from travelled(self.stage, END_M)
