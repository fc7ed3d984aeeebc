"""A drive that somebody else drives right now: a second client follows the hero on a server with a rig's cameras."""

from __future__ import annotations

import queue
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoModel, transform_of
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.policy.ego_history import rig_pose
from alpamayo_training.data.importing.carla_log import rgb, rig_specs
from alpamayo_training.data.importing.drives import STEP_S, ImportedDrive
from alpamayo_training.data.importing.pieces import PieceWriter

KEPT_FRAMES = 400
"""Moments for which pictures are waited."""
_LOOK_S = 0.05


class _Moments:
    """Puts together poses and pictures of the same frame, which come in any order."""

    def __init__(self, cameras: tuple[str, ...]) -> None:
        self._cameras = cameras
        self._poses: OrderedDict[int, tuple[float, Transform]] = OrderedDict()
        self._pictures: dict[int, dict[str, NDArray[np.uint8]]] = {}
        self._last = -1

    def add_pose(self, frame: int, time_s: float, pose: Transform) -> None:
        self._poses[frame] = (time_s, pose)
        while len(self._poses) > KEPT_FRAMES:
            old, _ = self._poses.popitem(last=False)
            self._pictures.pop(old, None)

    def add_picture(self, camera: str, image: carla.SensorData) -> None:
        if image.frame > self._last:
            self._pictures.setdefault(image.frame, {})[camera] = rgb(image)

    def complete(self) -> list[tuple[float, Transform, dict[str, NDArray[np.uint8]]]]:
        """Return the moments that are whole now, in order; those before them that are not are given up."""
        whole = sorted(
            frame for frame, seen in self._pictures.items() if len(seen) == len(self._cameras) and frame in self._poses
        )
        found = [(*self._poses[frame], self._pictures[frame]) for frame in whole]
        if whole:
            self._last = whole[-1]
            self._pictures = {frame: seen for frame, seen in self._pictures.items() if frame > self._last}
        return found


def watch(
    client: carla.Client,
    rig: CameraRig,
    work: Path,
    *,
    name: str,
    actor_id: int | None,
    longest_s: float,
    patience_s: float = 60.0,
    tell: Callable[[str], None] = lambda text: None,
) -> list[ImportedDrive]:
    """Return the drives of the hero on a server, from now on until it is gone, `longest_s` have passed, or Ctrl-C.

    The world is neither ticked nor changed: whoever drives there goes on. Raises InputError if there is no hero (nor a vehicle
    `actor_id`) within the patience, or the server draws nothing, InfrastructureError when it falls silent.
    """
    world = client.get_world()
    settings = world.get_settings()
    if settings.no_rendering_mode:
        raise InputError("the world is in no-rendering mode, so cameras see nothing; let whoever drives turn that off")
    ego = _wait_for_hero(world, actor_id, patience_s)
    model = EgoModel.read(ego)
    step_s = settings.fixed_delta_seconds or 0.0
    fits = step_s > 0.0 and abs(STEP_S / step_s - round(STEP_S / step_s)) < 1e-6
    arrivals: queue.SimpleQueue[tuple[str, carla.WorldSnapshot | carla.SensorData]] = queue.SimpleQueue()
    town = world.get_map().name.split("/")[-1]
    pieces = PieceWriter(work, rig, name=name, source="watched", town=town)
    moments = _Moments(rig.names)
    begun_s: float | None = None
    with ExitStack() as stack:
        stack.callback(pieces.finish)
        _mount(client, world, ego, rig, model, STEP_S if fits else 0.0, arrivals, stack)
        listener = world.on_tick(lambda snapshot: arrivals.put(("", snapshot)))
        stack.callback(world.remove_on_tick, listener)
        heard_s = time.monotonic()
        try:
            while True:
                try:
                    kind, arrival = arrivals.get(timeout=_LOOK_S)
                except queue.Empty:
                    if time.monotonic() - heard_s > patience_s:
                        raise InfrastructureError(f"nobody has ticked the world for {patience_s:.0f} s") from None
                    continue
                heard_s = time.monotonic()
                if isinstance(arrival, carla.WorldSnapshot):
                    own, now_s = arrival.find(ego.id), arrival.timestamp.elapsed_seconds
                    if own is None:
                        tell("the hero is gone")
                        break
                    begun_s = now_s if begun_s is None else begun_s
                    moments.add_pose(
                        arrival.frame, now_s, rig_pose(transform_of(own.get_transform()), model.rear_axle_x_m)
                    )
                    if now_s - begun_s > longest_s + 2.0 * STEP_S:
                        break
                else:
                    moments.add_picture(kind, arrival)
                for moment in moments.complete():
                    if begun_s is not None and moment[0] - begun_s <= longest_s:
                        pieces.take(*moment)
        except KeyboardInterrupt:
            tell("stopped; what was seen is kept")
    return pieces.drives


def _wait_for_hero(world: carla.World, actor_id: int | None, patience_s: float) -> carla.Vehicle:
    deadline = time.monotonic() + patience_s
    while True:
        vehicles = list(world.get_actors().filter("vehicle.*"))
        for vehicle in vehicles:
            if vehicle.id == actor_id or (actor_id is None and vehicle.attributes.get("role_name") == "hero"):
                return vehicle
        if time.monotonic() > deadline:
            found = ", ".join(f"{one.id} ({one.attributes.get('role_name', '')})" for one in vehicles[:20]) or "none"
            what = f"vehicle {actor_id}" if actor_id is not None else "vehicle with the role hero"
            raise InputError(f"there is no {what} on the server; vehicles: {found}. Name one with --actor")
        time.sleep(_LOOK_S)


def _mount(
    client: carla.Client,
    world: carla.World,
    ego: carla.Vehicle,
    rig: CameraRig,
    model: EgoModel,
    every_s: float,
    arrivals: queue.SimpleQueue[tuple[str, carla.WorldSnapshot | carla.SensorData]],
    stack: ExitStack,
) -> None:
    """Spawn all cameras at the same tick, so that they see the same moments."""
    library = world.get_blueprint_library()
    commands: list[carla.command.SpawnActor] = []
    specs = rig_specs(rig, model, every_s=every_s)
    for spec in specs:
        blueprint = library.find(spec.blueprint)
        for key, value in spec.attributes.items():
            blueprint.set_attribute(key, value)
        mount = carla.Transform(
            carla.Location(spec.mount.x, spec.mount.y, spec.mount.z),
            carla.Rotation(spec.mount.pitch, spec.mount.yaw, spec.mount.roll),
        )
        commands.append(carla.command.SpawnActor(blueprint, mount, ego.id))
    responses = client.apply_batch_sync(commands, False)
    failed = [response.error for response in responses if response.error]
    ids = [response.actor_id for response in responses if not response.error]
    stack.callback(client.apply_batch_sync, [carla.command.DestroyActor(number) for number in ids], False)
    if failed:
        raise InputError(f"the cameras cannot be mounted: {failed[0]}")
    for spec, number in zip(specs, ids, strict=True):
        sensor = _there(world, number)
        sensor.listen(lambda image, camera=spec.name: arrivals.put((camera, image)))
        stack.callback(sensor.stop)


def _there(world: carla.World, number: int) -> carla.Sensor:
    """The sensor with an id, which the client may hear of only at the next tick."""
    deadline = time.monotonic() + 60.0
    while True:
        actor = world.get_actor(number)
        if isinstance(actor, carla.Sensor):
            return actor
        if time.monotonic() > deadline:
            raise InfrastructureError(f"the server does not show camera {number}, which it has spawned")
        time.sleep(_LOOK_S)
