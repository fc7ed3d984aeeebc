"""How interventions are made on a world that runs, through the `carla` client."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import carla

from alpamayo_scenarios.counterfactual.interventions import (
    ActorRef,
    ChangeRoute,
    HoldActors,
    HoldLight,
    Intervention,
    MoveActors,
    MoveSign,
    PutObstacle,
    RemoveActors,
    RemoveSign,
)
from alpamayo_sim.metrics.tick import ActorState, TickRecord

FOUND_WITHIN_M = 0.5
"""Whoever is sought stands so close to where the recording has him at that tick."""
MOVE_AHEAD_M, MOVE_AHEAD_S = 60.0, 5.0
MOVE_ASIDE_M = 40.0
FREE_M = 9.0
MOVING_MPS = 0.5
OBSTACLE = "static.prop.streetbarrier"
SIGN_UP_M = 200.0
_STATES = {
    "red": carla.TrafficLightState.Red,
    "yellow": carla.TrafficLightState.Yellow,
    "green": carla.TrafficLightState.Green,
    "off": carla.TrafficLightState.Off,
}


class NotApplicable(Exception):
    """The intervention cannot be made: what it is about is not there."""


class Effect(ABC):
    """An intervention under way."""

    renews_driver: bool = False
    changes_route: bool = False

    @abstractmethod
    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        """Make the change at the keyframe's tick and say what was done; raises NotApplicable."""

    def hold(self) -> None:
        """Keep it up at every tick after that; by default nothing is to be done."""
        return


class _Removal(Effect):
    def __init__(self, refs: Sequence[ActorRef]) -> None:
        self._refs = refs

    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        found = [find_actor(ref, tick) for ref in self._refs]
        responses = client.apply_batch_sync([carla.command.DestroyActor(one.actor_id) for one in found], False)
        refused = [response.error for response in responses if response.error]
        if refused:
            raise NotApplicable(f"could not be removed: {refused[0]}")
        return "removed " + ", ".join(f"{one.type_id} ({one.actor_id})" for one in found)


class _Displacement(Effect):
    def __init__(self, refs: Sequence[ActorRef]) -> None:
        self._refs = refs

    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        world = client.get_world()
        told = [self._move(world, find_actor(ref, tick), tick) for ref in self._refs]
        return "moved " + ", ".join(told)

    @staticmethod
    def _move(world: carla.World, state: ActorState, tick: TickRecord) -> str:
        actor = world.get_actor(state.actor_id)
        if actor is None:
            raise NotApplicable(f"{state.type_id} is gone")
        speed = math.hypot(state.velocity_mps[0], state.velocity_mps[1])
        own_way = isinstance(actor, carla.Vehicle) and not actor.get_control().hand_brake
        place = _ahead_in_lane(world.get_map(), state, speed, tick) if own_way else None
        if place is not None:
            actor.set_transform(place)
            if speed > MOVING_MPS:
                forward = place.get_forward_vector()
                actor.set_target_velocity(carla.Vector3D(forward.x * speed, forward.y * speed, 0.0))
            where = "ahead in its lane"
        else:
            if not isinstance(actor, carla.Walker):
                actor.set_simulate_physics(False)
            actor.set_transform(_aside(state, tick))
            where = "beside the way"
        moved = math.dist(tuple(state.transform[:2]), _xy(place if place is not None else _aside(state, tick)))
        return f"{state.type_id} ({state.actor_id}) by {moved:.0f} m {where}"


class _HeldLight(Effect):
    def __init__(self, intervention: HoldLight) -> None:
        self._intervention = intervention
        self._wanted: list[tuple[carla.TrafficLight, carla.TrafficLightState]] = []

    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        light = client.get_world().get_actor(self._intervention.light_id)
        if not isinstance(light, carla.TrafficLight):
            raise NotApplicable(f"actor {self._intervention.light_id} is no traffic light")
        was = light.get_state()
        self._wanted = [(light, _STATES[self._intervention.state])]
        if self._intervention.state == "green":
            others = sorted(light.get_group_traffic_lights(), key=lambda other: other.id)
            self._wanted += [(other, carla.TrafficLightState.Red) for other in others if other.id != light.id]
        self.hold()
        return f"traffic light {light.id} held at {self._intervention.state} (was {str(was).lower()})"

    def hold(self) -> None:
        for light, state in self._wanted:
            light.set_state(state)


class _Holding(Effect):
    def __init__(self, intervention: HoldActors) -> None:
        self._intervention = intervention
        self._walkers: list[carla.Walker] = []

    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        world = client.get_world()
        told: list[str] = []
        for ref, place in zip(self._intervention.actors, self._intervention.places, strict=True):
            state = find_actor(ref, tick)
            actor = world.get_actor(state.actor_id)
            pose = state.transform
            moved = math.hypot(place.x_m - pose.x, place.y_m - pose.y)
            if isinstance(actor, carla.Walker):
                self._walkers.append(actor)
            else:
                actor.set_target_velocity(carla.Vector3D())
                actor.set_simulate_physics(False)
            if moved > FOUND_WITHIN_M:
                actor.set_transform(
                    carla.Transform(
                        carla.Location(place.x_m, place.y_m, place.z_m),
                        carla.Rotation(pose.pitch, place.yaw_deg, pose.roll),
                    )
                )
            told.append(
                f"{state.type_id} ({state.actor_id})"
                + (f", put back by {moved:.1f} m" if moved > FOUND_WITHIN_M else "")
            )
        self.hold()
        return "held " + "; ".join(told)

    def hold(self) -> None:
        for walker in self._walkers:
            walker.apply_control(carla.WalkerControl(carla.Vector3D(), 0.0, False))


class _Obstacle(Effect):
    def __init__(self, intervention: PutObstacle) -> None:
        self._place = intervention.place

    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        world = client.get_world()
        place = self._place
        pose = carla.Transform(carla.Location(place.x_m, place.y_m, place.z_m), carla.Rotation(yaw=place.yaw_deg))
        if world.try_spawn_actor(world.get_blueprint_library().find(OBSTACLE), pose) is None:
            raise NotApplicable(f"there is no room for an obstacle at ({place.x_m:.1f}, {place.y_m:.1f})")
        return f"put {OBSTACLE} at ({place.x_m:.1f}, {place.y_m:.1f})"


class _SignRemoval(Effect):
    renews_driver = True

    def __init__(self, sign_id: int, *, moves: bool) -> None:
        self._sign_id = sign_id
        self._moves = moves

    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        sign = client.get_world().get_actor(self._sign_id)
        if not isinstance(sign, carla.TrafficSign) or isinstance(sign, carla.TrafficLight):
            raise NotApplicable(f"actor {self._sign_id} is no sign")
        if self._moves:
            place = sign.get_transform()
            place.location.z += SIGN_UP_M
            sign.set_transform(place)
        elif not sign.destroy():
            raise NotApplicable(f"the server keeps its sign {self._sign_id}")
        return f"{'moved' if self._moves else 'removed'} {sign.type_id} ({self._sign_id})"


class _OtherWay(Effect):
    renews_driver = True
    changes_route = True

    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        return "sent the driver another way"


class _Renewal(Effect):
    renews_driver = True

    def begin(self, client: carla.Client, tick: TickRecord) -> str:
        return "set the driver up afresh"


def effect_of(intervention: Intervention) -> Effect:
    """Return the doer of an intervention."""
    if isinstance(intervention, RemoveActors):
        return _Removal(intervention.actors)
    if isinstance(intervention, MoveActors):
        return _Displacement(intervention.actors)
    if isinstance(intervention, HoldLight):
        return _HeldLight(intervention)
    if isinstance(intervention, HoldActors):
        return _Holding(intervention)
    if isinstance(intervention, PutObstacle):
        return _Obstacle(intervention)
    if isinstance(intervention, (RemoveSign, MoveSign)):
        return _SignRemoval(intervention.sign_id, moves=isinstance(intervention, MoveSign))
    if isinstance(intervention, ChangeRoute):
        return _OtherWay()
    return _Renewal()


def find_actor(ref: ActorRef, tick: TickRecord) -> ActorState:
    """Return who is meant, by type and place, its id deciding between several; NotApplicable if nobody is there."""

    def off_m(actor: ActorState) -> float:
        return math.hypot(actor.transform.x - ref.x_m, actor.transform.y - ref.y_m)

    near = [actor for actor in tick.actors if actor.type_id == ref.type_id and off_m(actor) < FOUND_WITHIN_M]
    if not near:
        raise NotApplicable(f"no {ref.type_id} within {FOUND_WITHIN_M} m of ({ref.x_m:.2f}, {ref.y_m:.2f})")
    return min(near, key=lambda actor: (actor.actor_id != ref.actor_id, off_m(actor)))


def _ahead_in_lane(
    carla_map: carla.Map, state: ActorState, speed_mps: float, tick: TickRecord
) -> carla.Transform | None:
    """Return a free place far ahead in the lane that somebody is in; None off the lanes and where they end."""
    pose = state.transform
    here = carla_map.get_waypoint(carla.Location(pose.x, pose.y, pose.z), project_to_road=False)
    if here is None or math.cos(math.radians(here.transform.rotation.yaw - pose.yaw)) < 0.5:
        return None
    first = max(MOVE_AHEAD_M, MOVE_AHEAD_S * speed_mps)
    for distance in (first, first + 12.0, first + 24.0, first + 36.0):
        following = here.next(distance)
        if not following:
            return None
        place = following[0].transform
        if all(math.dist(tuple(other.transform[:2]), _xy(place)) > FREE_M for other in (tick.ego, *tick.actors)):
            place.location.z += 0.2
            return place
    return None


def _aside(state: ActorState, tick: TickRecord) -> carla.Transform:
    """Return a place far to the side of the ego's heading, on the side where somebody is already."""
    yaw = math.radians(tick.ego.transform.yaw)
    right_x, right_y = -math.sin(yaw), math.cos(yaw)
    pose = state.transform
    off = (pose.x - tick.ego.transform.x) * right_x + (pose.y - tick.ego.transform.y) * right_y
    way = MOVE_ASIDE_M if off >= 0.0 else -MOVE_ASIDE_M
    place = carla.Location(pose.x + right_x * way, pose.y + right_y * way, pose.z)
    return carla.Transform(place, carla.Rotation(pose.pitch, pose.yaw, pose.roll))


def _xy(place: carla.Transform) -> tuple[float, float]:
    return place.location.x, place.location.y
