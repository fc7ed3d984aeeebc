"""Pedestrians, steered along sidewalks and over crosswalks from the client with WalkerControl, so on any server alike."""

from __future__ import annotations

from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.roads.walkways import Walkways

_REACHED_M = 0.6
_STUCK_AFTER_S = 4.0
_CROSSING_PREFERENCE = 0.3
_KEEP_RIGHT_M = 0.45
_CLEARANCE_M = 2.8


@dataclass
class _Pedestrian:
    actor_id: int
    speed_mps: float
    previous: int
    target: int
    last_position: NDArray[np.float64]
    still_s: float = 0.0
    control: tuple[float, float, float] = (0.0, 0.0, 0.0)


class WalkerCrowd:
    """A seeded crowd: call `step` once before every tick."""

    def __init__(
        self,
        client: carla.Client,
        walkways: Walkways,
        *,
        walker_count: int,
        seed: int,
        step_s: float,
        near: carla.Location | None,
    ) -> None:
        """Spawn up to `walker_count` walkers on the walkways, half of them within 150 m of `near`.

        A spot that is taken is left out; InfrastructureError when the server refuses more than half of them.
        """
        self._client = client
        self._world = client.get_world()
        self._walkways = walkways
        self._rng = np.random.default_rng(seed)
        self._step_s = step_s
        self._pedestrians: list[_Pedestrian] = []
        if walker_count and len(walkways.points):
            self._spawn(walker_count, near)

    @property
    def actor_ids(self) -> list[int]:
        """The ids of the walkers that live."""
        return [p.actor_id for p in self._pedestrians]

    def _spawn(self, count: int, near: carla.Location | None) -> None:
        nodes = self._start_nodes(count, near)
        blueprints = sorted(self._world.get_blueprint_library().filter("walker.pedestrian.*"), key=lambda b: b.id)
        commands: list[object] = []
        for node in nodes:
            blueprint = blueprints[int(self._rng.integers(len(blueprints)))]
            if blueprint.has_attribute("is_invincible"):
                blueprint.set_attribute("is_invincible", "false")
            x, y, z = (float(v) for v in self._walkways.points[node])
            yaw = float(self._rng.uniform(-180.0, 180.0))
            commands.append(
                carla.command.SpawnActor(
                    blueprint, carla.Transform(carla.Location(x, y, z + 1.2), carla.Rotation(yaw=yaw))
                )
            )
        responses = self._client.apply_batch_sync(commands, True)
        for node, response in zip(nodes, responses, strict=True):
            if not response.error:
                speed_mps = float(self._rng.uniform(0.9, 1.7))
                target = self._next_node(node, node)
                position = self._walkways.points[node].copy()
                self._pedestrians.append(_Pedestrian(response.actor_id, speed_mps, node, target, position))
        if len(self._pedestrians) < count / 2:
            errors = [r.error for r in responses if r.error]
            self.destroy()
            raise InfrastructureError(f"fewer than half of {count} walkers could be spawned: {errors[:1]}")

    def _start_nodes(self, count: int, near: carla.Location | None) -> list[int]:
        usable = np.array(
            [i for i, n in enumerate(self._walkways.neighbours) if len(n) > 0 and not self._touches_road(i)]
        )
        order = usable[self._rng.permutation(len(usable))]
        if near is None:
            return [int(i) for i in order[:count]]
        distance = np.linalg.norm(self._walkways.points[order, :2] - np.array([near.x, near.y]), axis=1)
        close = order[distance < 150.0][: count // 2]
        rest = order[~np.isin(order, close)][: count - len(close)]
        return [int(i) for i in np.concatenate([close, rest])]

    def _touches_road(self, node: int) -> bool:
        return any(self._walkways.is_crossing(node, other) for other in self._walkways.neighbours[node])

    def _next_node(self, previous: int, node: int) -> int:
        ways = self._walkways
        choices = [n for n in ways.neighbours[node] if n != previous]
        if not choices:
            return previous
        over = [n for n in choices if ways.is_crossing(node, n) or self._touches_road(n)]
        along = [n for n in choices if n not in over]
        if over and (not along or self._touches_road(previous) or self._rng.random() < _CROSSING_PREFERENCE):
            return int(over[int(self._rng.integers(len(over)))])
        return int(along[int(self._rng.integers(len(along)))])

    def step(self, snapshot: carla.WorldSnapshot) -> None:
        """Steer every walker for the next tick, given the state after the last one."""
        if not self._pedestrians:
            return
        vehicles = _vehicle_states(self._world, snapshot)
        commands: list[object] = []
        alive: list[_Pedestrian] = []
        for pedestrian in self._pedestrians:
            state = snapshot.find(pedestrian.actor_id)
            if state is None:
                continue
            alive.append(pedestrian)
            location = state.get_transform().location
            control = self._steer(pedestrian, np.array([location.x, location.y, location.z]), vehicles)
            if control != pedestrian.control:
                pedestrian.control = control
                direction = carla.Vector3D(control[0], control[1], 0.0)
                walk = carla.WalkerControl(direction, control[2], False)
                commands.append(carla.command.ApplyWalkerControl(pedestrian.actor_id, walk))  # pyright: ignore[reportArgumentType]
        self._pedestrians = alive
        if commands:
            self._client.apply_batch(commands)

    def _steer(
        self, pedestrian: _Pedestrian, position: NDArray[np.float64], vehicles: NDArray[np.float64]
    ) -> tuple[float, float, float]:
        points = self._walkways.points
        offset = self._aim(pedestrian.previous, pedestrian.target) - position[:2]
        if _length(offset) < _REACHED_M:
            after = self._next_node(pedestrian.previous, pedestrian.target)
            pedestrian.previous, pedestrian.target = pedestrian.target, after
            offset = self._aim(pedestrian.previous, pedestrian.target) - position[:2]
        moved = _length((position - pedestrian.last_position)[:2])
        pedestrian.last_position = position
        starts_crossing = self._walkways.is_crossing(pedestrian.previous, pedestrian.target)
        left_kerb = _length((position - points[pedestrian.previous])[:2]) > 1.2
        if starts_crossing and not left_kerb:
            duration_s = (
                float(np.linalg.norm(points[pedestrian.target] - points[pedestrian.previous])) / pedestrian.speed_mps
            )
            if not _road_is_clear(points[pedestrian.previous], points[pedestrian.target], duration_s, vehicles):
                pedestrian.still_s = 0.0
                return (*pedestrian.control[:2], 0.0)
        pedestrian.still_s = (
            pedestrian.still_s + self._step_s if moved < 0.2 * pedestrian.speed_mps * self._step_s else 0.0
        )
        if pedestrian.still_s > _STUCK_AFTER_S and not starts_crossing:
            pedestrian.previous, pedestrian.target = pedestrian.target, pedestrian.previous
            pedestrian.still_s = 0.0
        direction = offset / max(_length(offset), 1e-6)
        return round(float(direction[0]), 2), round(float(direction[1]), 2), round(pedestrian.speed_mps, 2)

    def _aim(self, previous: int, target: int) -> NDArray[np.float64]:
        """The point to walk to: the target, kept to the right so that people who meet pass each other."""
        points = self._walkways.points
        along = points[target, :2] - points[previous, :2]
        length = _length(along)
        if length < 1e-6:
            return points[target, :2]
        return points[target, :2] + np.array([-along[1], along[0]]) / length * _KEEP_RIGHT_M

    def destroy(self) -> None:
        """Remove the walkers; safe to call twice."""
        ids, self._pedestrians = self.actor_ids, []
        if ids:
            self._client.apply_batch_sync([carla.command.DestroyActor(i) for i in ids], True)


def _length(vector: NDArray[np.float64]) -> float:
    return float(np.linalg.norm(vector))


def _vehicle_states(world: carla.World, snapshot: carla.WorldSnapshot) -> NDArray[np.float64]:
    """Return [N, 4] x, y and velocity x, y of every vehicle."""
    rows: list[tuple[float, float, float, float]] = []
    for vehicle in world.get_actors().filter("vehicle.*"):
        state = snapshot.find(vehicle.id)
        if state is not None:
            location, velocity = state.get_transform().location, state.get_velocity()
            rows.append((location.x, location.y, velocity.x, velocity.y))
    return np.array(rows).reshape(-1, 4)


def _road_is_clear(
    start: NDArray[np.float64], end: NDArray[np.float64], duration_s: float, vehicles: NDArray[np.float64]
) -> bool:
    """Whether no vehicle, going on as it goes, comes near the segment while somebody crosses on it."""
    if len(vehicles) == 0:
        return True
    times = np.arange(0.0, duration_s + 2.0, 0.25)
    at = vehicles[:, None, :2] + vehicles[:, None, 2:] * times[None, :, None]
    along = (end - start)[:2]
    share = np.clip(((at - start[:2]) @ along) / float(along @ along), 0.0, 1.0)
    gap = np.linalg.norm(at - (start[:2] + share[..., None] * along), axis=-1)
    return bool((gap > _CLEARANCE_M).all())
