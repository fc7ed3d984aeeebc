"""Semantic lidar: every ray's hit with angle of incidence, actor and semantic tag.

After CARLA's `RayCastSemanticLidar.cpp`: no drop-off and no noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from alpamayo_sim.sensors.lidar import Scan
from alpamayo_sim.sensors.sensor import Tick

DETECTION = np.dtype([("point", "<f4", 3), ("cosine", "<f4"), ("actor_id", "<u4"), ("tag", "<u4")])


class SemanticLidar:
    """`sensor.lidar.ray_cast_semantic`."""

    def __init__(self, attributes: Mapping[str, str], seed: int) -> None:
        """Read the attributes; ValueError for those that make no sense. There is nothing random about it."""
        self._scan = Scan(attributes)

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return one body: the scan's header, then the points by channel in the sensor's frame.

        A point has x, y, z (m), the cosine of the angle of incidence, the actor's id (0 for the map) and the tag.
        """
        fan = self._scan.directions(tick.world.delta_s)
        directions = fan.reshape(-1, 3)
        hits = self._scan.cast(tick, directions)
        points = np.zeros(int(hits.hit.sum()), DETECTION)
        points["point"] = directions[hits.hit] * hits.distance_m[hits.hit, None]
        points["cosine"] = hits.cosine[hits.hit]
        points["actor_id"] = hits.actor_id[hits.hit]
        points["tag"] = hits.tag[hits.hit]
        counts = hits.hit.reshape(self._scan.channels, -1).sum(axis=1) if fan.size else np.zeros(self._scan.channels)
        return (self._scan.header(counts.astype(np.int64)) + points.tobytes(),)
