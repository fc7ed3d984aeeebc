"""Lane invasion detector: the client library computes it from the world state, so the server has nothing to say."""

from __future__ import annotations

from collections.abc import Sequence

from alpamayo_sim.sensors.sensor import Tick


class LaneInvasionDetector:
    """`sensor.other.lane_invasion`."""

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return nothing."""
        return ()
