"""Which way others have taken through a junction: who comes from the same lane will hardly do something new."""

from __future__ import annotations

from collections import Counter

SEEN_BEFORE = 3
"""So many must have come through before a way that nobody took counts as unlikely."""


class TurningHabits:
    """Counts, for the lane that vehicles come from, the lanes that they leave a junction on."""

    def __init__(self) -> None:
        self._lanes: dict[int, list[int]] = {}
        self._taken: dict[int, Counter[int]] = {}

    def saw(self, vehicle: int, segment: int, exits_before: frozenset[int]) -> None:
        """Note that a vehicle is on a lane outside of junctions; `exits_before` are the lanes that the one before leads to.

        Lanes end where their number or width changes: all those before a junction count as where it came from.
        """
        lanes = self._lanes.setdefault(vehicle, [])
        if lanes and segment in exits_before:
            for before in lanes:
                self._taken.setdefault(before, Counter())[segment] += 1
            lanes.clear()
        if segment not in lanes:
            lanes.append(segment)

    def came_from(self, vehicle: int) -> int | None:
        """Return the lane outside of junctions that a vehicle was last seen on."""
        lanes = self._lanes.get(vehicle)
        return lanes[-1] if lanes else None

    def are_known(self, segment: int) -> bool:
        """Whether several have been seen to come from a lane."""
        taken = self._taken.get(segment)
        return taken is not None and taken.total() >= SEEN_BEFORE

    def is_usual(self, segment: int, exit_segment: int) -> bool:
        """Whether somebody who came from a lane left the junction on this one."""
        return self._taken.get(segment, Counter())[exit_segment] > 0
