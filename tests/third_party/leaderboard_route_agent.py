"""An agent for the leaderboard: CARLA's BasicAgent along every point of the evaluator's route.

The leaderboard's own NPC agent drives the same BasicAgent, but plans anew between a few points of the route. The comparison of
the two tells whose fault a wrong turn is. It has no camera, so it needs no OpenGL.
"""

# Other people's packages are on the path of the program that loads this, not on the type checker's.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

from typing import Any

import carla
from agents.navigation.basic_agent import BasicAgent
from leaderboard.autoagents.autonomous_agent import AutonomousAgent, Track
from srunner.scenariomanager.carla_data_provider import CarlaDataProvider

TARGET_SPEED_KMH = 30.0
MAX_TURN_DEG = 45.0
"""A lane found at a point of the route that runs another way is another lane which begins there."""


def get_entry_point() -> str:
    """Return the name of the agent's class."""
    return "RouteAgent"


class RouteAgent(AutonomousAgent):
    """Drives where the route goes; brakes for vehicles and red lights as BasicAgent does, for nothing else."""

    def setup(self, path_to_conf_file: str) -> None:
        """Prepare for one route."""
        self.track = Track.SENSORS
        self._driver: Any = None

    def set_global_plan(self, global_plan_gps: list[Any], global_plan_world_coord: list[Any]) -> None:
        """Keep the whole route."""
        super().set_global_plan(global_plan_gps, global_plan_world_coord)
        self._route = list(global_plan_world_coord)

    def sensors(self) -> list[dict[str, Any]]:
        """Return the one pseudo-sensor."""
        return [{"type": "sensor.speedometer", "reading_frequency": 20, "id": "speed"}]

    def run_step(self, input_data: dict[str, Any], timestamp: float) -> carla.VehicleControl:
        """Return the control."""
        if self._driver is None:
            actors = CarlaDataProvider.get_world().get_actors().filter("vehicle.*")
            ego = next(actor for actor in actors if actor.attributes["role_name"] == "hero")
            self._driver = BasicAgent(ego, TARGET_SPEED_KMH)
            self._driver.set_global_plan(self._plan())
        return self._driver.run_step()

    def _plan(self) -> list[tuple[carla.Waypoint, Any]]:
        plan = []
        for pose, option in self._route:
            waypoint = CarlaDataProvider.get_map().get_waypoint(pose.location)
            turn = (waypoint.transform.rotation.yaw - pose.rotation.yaw + 180.0) % 360.0 - 180.0
            if abs(turn) < MAX_TURN_DEG:
                plan.append((waypoint, option))
        return plan
