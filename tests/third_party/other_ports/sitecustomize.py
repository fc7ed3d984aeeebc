"""Other people's programs with a port written into them, at another port; nothing else about them changes.

With this folder on PYTHONPATH, `OTHER_PORTS=2000:41234,8000:41300` lets `carla.Client(host, 2000)` connect to 41234 and a
TrafficManager that is asked for at 8000, which is the default, listen at 41300.
"""

from __future__ import annotations

import os
from typing import Any

_PORTS = dict(tuple(map(int, pair.split(":"))) for pair in os.environ.get("OTHER_PORTS", "").split(",") if pair)

if _PORTS:
    import carla

    class Client(carla.Client):
        """CARLA's client with the ports of `OTHER_PORTS`."""

        def __init__(self, host: str = "127.0.0.1", port: int = 2000, *arguments: Any, **named: Any) -> None:
            super().__init__(host, _PORTS.get(port, port), *arguments, **named)

        def get_trafficmanager(self, client_connection: int = 8000) -> carla.TrafficManager:
            return super().get_trafficmanager(_PORTS.get(client_connection, client_connection))

    carla.Client = Client
