"""A route that changes lanes several times in ordinary traffic, after Bench2Drive's `SequentialLaneChange`."""

from __future__ import annotations

from typing import ClassVar

from alpamayo_scenarios.library.junctions import travelled
from alpamayo_scenarios.library.scenario import TIME_LIMIT_S, Scenario
from alpamayo_scenarios.library.timing import Behaviour

END_M = 200.0


class SequentialLaneChange(Scenario):
    """Nobody acts but the background traffic; the route itself is the task."""

    types: ClassVar[tuple[str, ...]] = ("SequentialLaneChange",)
    time_limit_s: ClassVar[float | None] = TIME_LIMIT_S

    def setup(self) -> None:
        """Place nothing."""

    def run(self) -> Behaviour:
        """Wait until the ego has moved 200 m."""
        yield from travelled(self.stage, END_M)
