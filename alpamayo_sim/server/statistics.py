"""What a running server can say about itself, in one line of its log: at its end, and whenever it gets SIGUSR1."""

from __future__ import annotations

import gc
import json
import logging
import time
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from alpamayo_sim.server.server import Server

_LOG = logging.getLogger(__name__)
PREFIX = "statistics "


def statistics(server: Server) -> dict[str, int | float]:
    """Return the counts of everything that a client can make the server keep; collects garbage first."""
    gc.collect()
    simulation, hub = server.simulation, server.hub
    return {
        "uptime_s": round(time.monotonic() - server.started_s, 1),
        "frame": simulation.world.frame,
        "episode": simulation.episode_id,
        "actors": len(simulation.world.actors),
        "debug_shapes": len(simulation.shapes.shapes),
        "connections": server.connection_count,
        "streams": hub.stream_count,
        "subscribers": hub.subscriber_count,
        "queued_bytes": hub.back_pressure.queued_bytes,
        "dropped_messages": hub.back_pressure.dropped,
        "traffic_managers": len(server.traffic_managers),
        "python_objects": len(gc.get_objects()) + gc.get_freeze_count(),
        "timers": server.loop.timer_count,
        "defects": server.loop.defects,
        "rss_bytes": psutil.Process().memory_info().rss,
    }


def log_statistics(server: Server) -> None:
    """Log the statistics as one line of JSON behind PREFIX."""
    _LOG.info("%s%s", PREFIX, json.dumps(statistics(server)))
