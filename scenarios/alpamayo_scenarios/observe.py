"""Reading one tick out of the CARLA client: the `TickRecord` that criteria and recordings are made of."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import carla
import numpy as np

from alpamayo_agents.base import Decision
from alpamayo_scenarios.signals_of_world import lights_by_key
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.tick import ActorState, CollisionEvent, ControlRecord, TickRecord
from alpamayo_sim.policy.plan import Plan

_SIGHT_M = 100.0
_BACKGROUND_ROLES = ("background", "autopilot")
"""The roles of traffic vehicles: the leaderboard's, and that of CARLA's examples and of our `Traffic`."""


def from_carla(transform: carla.Transform) -> Transform:
    """Return a carla.Transform as our `Transform`; both are in the CARLA world frame."""
    location, rotation = transform.location, transform.rotation
    return Transform(location.x, location.y, location.z, rotation.pitch, rotation.yaw, rotation.roll)


def to_carla(transform: Transform) -> carla.Transform:
    """Return our `Transform` as a carla.Transform."""
    return carla.Transform(
        carla.Location(transform.x, transform.y, transform.z),
        carla.Rotation(transform.pitch, transform.yaw, transform.roll),
    )


@dataclass(frozen=True)
class LiveState:
    """What a snapshot does not hold, as it was at that snapshot."""

    speed_limit_mps: float
    light_states: Mapping[str, int]
    """carla.TrafficLightState by the light's key (`signals_of_world.light_key`)."""
    control: ControlRecord
    """The control that the ego was under during the tick."""


def live_state(ego: carla.Vehicle, lights: Mapping[str, carla.TrafficLight]) -> LiveState:
    """Return what the client library shows now of the ego and of the lights."""
    states = {signal: int(light.state) for signal, light in lights.items()}
    return LiveState(ego.get_speed_limit() / 3.6, states, control_record(ego.get_control()))


def control_record(control: carla.VehicleControl) -> ControlRecord:
    """Return a control as records have it."""
    return ControlRecord(control.throttle, control.steer, control.brake, control.hand_brake, control.reverse)


class TickObserver:
    """Builds tick records for one ego; what never changes about an actor is asked for once."""

    def __init__(self, world: carla.World, ego: carla.Vehicle) -> None:
        self._world = world
        self._ego = ego
        self._start_s: float | None = None
        self._shapes: dict[int, tuple[str, tuple[float, float, float], tuple[float, float, float]] | None] = {}
        self._known = {ego.id}
        self._background: set[int] = set()
        self._lights = lights_by_key(world)

    def record(self, snapshot: carla.WorldSnapshot, decision: Decision, measurements: Mapping[str, Any]) -> TickRecord:
        """Return the record of the tick that `snapshot` shows, with the agent's answer to it."""
        states = {signal: int(light.state) for signal, light in self._lights.items()}
        live = LiveState(self._ego.get_speed_limit() / 3.6, states, control_record(decision.control))
        return self.record_live(snapshot, live, measurements, plan=decision.plan)

    def record_live(
        self,
        snapshot: carla.WorldSnapshot,
        live: LiveState,
        measurements: Mapping[str, Any],
        *,
        plan: Plan | None = None,
        only: Collection[int] | None = None,
    ) -> TickRecord:
        """Return the record of a tick that may lie in the past, `live` being what was true then.

        With `only` these actors are listed, near or far, and no others.
        """
        now_s = snapshot.timestamp.elapsed_seconds
        if self._start_s is None:
            self._start_s = now_s
        ego, motion = self._state(snapshot, self._ego.id), snapshot.find(self._ego.id)
        assert ego is not None and motion is not None, "the ego lives as long as its episode"
        acceleration, rate = motion.get_acceleration(), motion.get_angular_velocity()
        return TickRecord(
            frame=snapshot.frame,
            time_s=now_s - self._start_s,
            ego=ego,
            speed_mps=float(np.linalg.norm(ego.velocity_mps)),
            acceleration_mps2=(acceleration.x, acceleration.y, acceleration.z),
            angular_velocity_dps=(rate.x, rate.y, rate.z),
            speed_limit_mps=live.speed_limit_mps,
            control=live.control,
            actors=self._others(snapshot, ego.transform) if only is None else self._listed(snapshot, only),
            light_states=dict(live.light_states),
            collisions=tuple(self._collision(event) for event in measurements.get("collision", ())),
            lane_invasions=tuple(
                str(marking.type)
                for event in measurements.get("lane_invasion", ())
                for marking in event.crossed_lane_markings
            ),
            traffic_speed_mps=self._traffic_speed(snapshot),
            plan=plan,
            front_image=_rgb(measurements.get("front")),
        )

    def _listed(self, snapshot: carla.WorldSnapshot, actor_ids: Collection[int]) -> tuple[ActorState, ...]:
        states = [self._state(snapshot, actor_id) for actor_id in actor_ids]
        return tuple(state for state in states if state is not None)

    def _others(self, snapshot: carla.WorldSnapshot, ego: Transform) -> tuple[ActorState, ...]:
        states: list[ActorState] = []
        for actor in snapshot:
            if actor.id == self._ego.id or self._shape(actor.id) is None:
                continue
            location = actor.get_transform().location
            if abs(location.x - ego.x) < _SIGHT_M and abs(location.y - ego.y) < _SIGHT_M:
                state = self._state(snapshot, actor.id)
                if state is not None:
                    states.append(state)
        return tuple(states)

    def _traffic_speed(self, snapshot: carla.WorldSnapshot) -> float | None:
        """The mean planar speed of the background vehicles, wherever they are, m/s."""
        speeds: list[float] = []
        for actor in snapshot:
            if actor.id in self._background or (actor.id not in self._known and self._is_background(actor.id)):
                velocity = actor.get_velocity()
                speeds.append(math.hypot(velocity.x, velocity.y))
        return sum(speeds) / len(speeds) if speeds else None

    def _is_background(self, actor_id: int) -> bool:
        """Ask once whether an actor is a vehicle of the background traffic; the answer is remembered."""
        self._known.add(actor_id)
        actor = self._world.get_actor(actor_id)
        if actor is None or not actor.type_id.startswith("vehicle."):
            return False
        if actor.attributes.get("role_name") in _BACKGROUND_ROLES:
            self._background.add(actor_id)
        return actor_id in self._background

    def _state(self, snapshot: carla.WorldSnapshot, actor_id: int) -> ActorState | None:
        actor = snapshot.find(actor_id)
        shape = self._shape(actor_id)
        if actor is None or shape is None:
            return None
        velocity = actor.get_velocity()
        transform = from_carla(actor.get_transform())
        return ActorState(actor_id, shape[0], transform, (velocity.x, velocity.y, velocity.z), shape[1], shape[2])

    def _shape(self, actor_id: int) -> tuple[str, tuple[float, float, float], tuple[float, float, float]] | None:
        """Type, extent and box centre of something solid; None for sensors, lights and the like."""
        if actor_id not in self._shapes:
            actor = self._world.get_actor(actor_id)
            if actor is None or not actor.type_id.startswith(("vehicle.", "walker.", "static.prop")):
                self._shapes[actor_id] = None
            else:
                box = actor.bounding_box
                extent = (box.extent.x, box.extent.y, box.extent.z)
                self._shapes[actor_id] = (actor.type_id, extent, (box.location.x, box.location.y, box.location.z))
        return self._shapes[actor_id]

    def _collision(self, event: carla.CollisionEvent) -> CollisionEvent:
        impulse = event.normal_impulse
        other = event.other_actor
        return CollisionEvent(
            frame=event.frame,
            time_s=event.timestamp - (self._start_s or 0.0),
            other_id=other.id,
            other_type_id=other.type_id,
            impulse_ns=float(np.linalg.norm([impulse.x, impulse.y, impulse.z])),
        )


def _rgb(image: carla.Image | None) -> np.ndarray | None:
    if image is None:
        return None
    bgra = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
    return np.ascontiguousarray(bgra[:, :, 2::-1])
