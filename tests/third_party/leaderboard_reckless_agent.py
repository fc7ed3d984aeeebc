"""An agent for the leaderboard that does wrong on purpose, so that every criterion has something to find.

Its configuration (`--agent-config`) is a list such as `speed_kmh=30,offset_m=2.5,stand_at_m=60,leave_at_m=60,stop_at_m=80`:
it follows every point of the route at that speed and that far to the right of it (from `offset_from_m` to `offset_to_m`, or all
the way), sees nobody and no light or sign, and stops for good, stops for two seconds, or drives straight on for good after so
many metres.
"""

# Other people's packages are on the path of the program that loads this, not on the type checker's.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

import math
from typing import Any

import carla
from leaderboard.autoagents.autonomous_agent import AutonomousAgent, Track
from srunner.scenariomanager.carla_data_provider import CarlaDataProvider

LOOK_AHEAD_M = 5.0
WHEELBASE_M = 2.9
MAX_STEER_RAD = 1.2
PAUSE_TICKS = 40


def get_entry_point() -> str:
    """Return the name of the agent's class."""
    return "RecklessAgent"


class RecklessAgent(AutonomousAgent):
    """Drives its route blindly."""

    def setup(self, path_to_conf_file: str) -> None:
        """Read what is to be done."""
        self.track = Track.SENSORS
        pairs = [pair.split("=") for pair in path_to_conf_file.split(",") if pair]
        self._does = {name: float(value) for name, value in pairs}
        self._ego: Any = None
        self._index = 0
        self._pause = PAUSE_TICKS

    def set_global_plan(self, global_plan_gps: list[Any], global_plan_world_coord: list[Any]) -> None:
        """Keep the whole route."""
        super().set_global_plan(global_plan_gps, global_plan_world_coord)
        self._poses = [pose for pose, _ in global_plan_world_coord]

    def sensors(self) -> list[dict[str, Any]]:
        """Return the one pseudo-sensor."""
        return [{"type": "sensor.speedometer", "reading_frequency": 20, "id": "speed"}]

    def run_step(self, input_data: dict[str, Any], timestamp: float) -> carla.VehicleControl:
        """Return the control."""
        if self._ego is None:
            actors = CarlaDataProvider.get_world().get_actors().filter("vehicle.*")
            self._ego = next(actor for actor in actors if actor.attributes["role_name"] == "hero")
        pose, velocity = self._ego.get_transform(), self._ego.get_velocity()
        speed = math.hypot(velocity.x, velocity.y)
        done_m = float(self._advance(pose.location))
        wanted = self._does.get("speed_kmh", 30.0) / 3.6
        steer = 0.0 if done_m >= self._does.get("leave_at_m", math.inf) else self._steer(pose)
        if done_m >= self._does.get("stand_at_m", math.inf):
            return carla.VehicleControl(throttle=0.0, brake=1.0)
        if done_m >= self._does.get("stop_at_m", math.inf) and self._pause > 0:
            self._pause -= speed < 0.05
            return carla.VehicleControl(throttle=0.0, brake=1.0)
        push = 0.4 * (wanted - speed) + 0.03 * wanted
        return carla.VehicleControl(throttle=min(0.8, max(0.0, push)), brake=min(1.0, max(0.0, -push)), steer=steer)

    def _advance(self, here: carla.Location) -> int:
        """Points of the route that lie behind; they are about a metre apart."""
        ahead = range(self._index, min(self._index + 8, len(self._poses)))
        self._index = min(ahead, key=lambda index: self._poses[index].location.distance(here))
        return self._index

    def _steer(self, pose: carla.Transform) -> float:
        here = pose.location
        index = self._index
        while index + 1 < len(self._poses) and self._poses[index].location.distance(here) < LOOK_AHEAD_M:
            index += 1
        target, right = self._poses[index].location, self._poses[index].get_right_vector()
        begin, end = self._does.get("offset_from_m", 0.0), self._does.get("offset_to_m", math.inf)
        offset_m = self._does.get("offset_m", 0.0) if begin <= self._index < end else 0.0
        dx, dy = target.x + offset_m * right.x - here.x, target.y + offset_m * right.y - here.y
        angle = math.atan2(dy, dx) - math.radians(pose.rotation.yaw)
        angle = (angle + math.pi) % (2.0 * math.pi) - math.pi
        distance_m = max(math.hypot(dx, dy), 1.0)
        return max(-1.0, min(1.0, math.atan2(2.0 * WHEELBASE_M * math.sin(angle), distance_m) / MAX_STEER_RAD))
