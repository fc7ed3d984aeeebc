"""A batched policy of a user's own: looks at a camera, needs no CARLA."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from alpamayo_agents.serving.driver import BatchedPolicy
from alpamayo_agents.serving.messages import Command, Observation, SessionStart


class CameraPolicy(BatchedPolicy):
    """Gives as much throttle as the picture is bright, and steers by the length of the plan."""

    name = "camera"
    sensors: ClassVar[Sequence[dict[str, Any]]] = (
        {
            "type": "sensor.camera.rgb", "id": "front", "x": 1.4, "y": 0.0, "z": 1.6, "roll": 0.0, "pitch": 0.0,
            "yaw": 0.0, "width": 160, "height": 90, "fov": 90,
        },
        {"type": "sensor.speedometer", "id": "speed", "reading_frequency": 20},
    )  # fmt: skip

    def __init__(self) -> None:
        self._points: dict[int, int] = {}

    def start(self, session: int, start: SessionStart) -> None:
        assert start.dense_plan is None and start.carla_address is None, "told to privileged agents only"
        assert start.gps_plan is not None and len(start.gps_plan) == len(start.plan.poses)
        self._points[session] = len(start.plan.poses)

    def act(self, requests: Sequence[tuple[int, Observation]]) -> Sequence[Command]:
        commands: list[Command] = []
        for session, observation in requests:
            brightness = observation.sensors["front"][1].mean() / 255.0
            commands.append(Command(throttle=float(brightness), steer=self._points[session] / 100.0, brake=0.0))
        return commands

    def end(self, session: int) -> None:
        del self._points[session]
