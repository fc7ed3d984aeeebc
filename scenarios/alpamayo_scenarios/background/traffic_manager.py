"""A TrafficManager of this process, in synchronous mode, for as long as it is needed."""

from __future__ import annotations

import carla

from alpamayo_scenarios.traffic_rescue import TrafficRescue
from alpamayo_sim.client.port_lease import lease_ports
from alpamayo_sim.errors import InfrastructureError

LEADING_DISTANCE_M = 2.5


class TrafficStalledError(InfrastructureError):
    """TrafficManager missed a tick's signal, as it does now and then on a busy machine; the episode is to be repeated."""

    def __init__(self) -> None:
        super().__init__(
            "TrafficManager missed a tick's signal and was woken: the episode could not be repeated exactly"
        )


class ManagerLease:
    """Starts a TrafficManager on a free port of this machine; `end` ends it. The world must be in synchronous mode."""

    def __init__(self, client: carla.Client, world: carla.World, seed: int) -> None:
        """Start it with a seed for its random numbers."""
        self._port_lease = lease_ports(1)
        manager = client.get_trafficmanager(self._port_lease.port)
        manager.set_synchronous_mode(True)
        manager.set_random_device_seed(seed)
        manager.set_hybrid_physics_mode(False)
        manager.set_global_distance_to_leading_vehicle(LEADING_DISTANCE_M)
        self._rescue = TrafficRescue(world, manager.get_port())
        self._ended = False
        self.manager = manager
        self.port = manager.get_port()

    @property
    def rescues(self) -> int:
        """How often a signal that it had missed was repeated; such a tick's traffic may differ from another run's."""
        return self._rescue.rescues

    def end(self) -> None:
        """End it; safe to call twice. Its vehicles are destroyed before."""
        if not self._ended:
            self._ended = True
            self._rescue.end()
            self.manager.set_synchronous_mode(False)
            self.manager.shut_down()
            self._port_lease.close()
