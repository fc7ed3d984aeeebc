"""A drive out of a CARLA recording: replayed on a server, with a rig's cameras on the recorded ego."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_agents.ego import EgoModel, transform_of
from alpamayo_sim.client.sensor_rig import SensorRig, SensorSpec
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.policy.camera_rig import SENSOR_BLUEPRINT, CameraRig
from alpamayo_sim.policy.ego_history import rig_pose
from alpamayo_training.data.importing.drives import STEP_S, ImportedDrive
from alpamayo_training.data.importing.pieces import PieceWriter

TICK_S = 0.05
_MAP = re.compile(r"^Map: *(\S+)", re.MULTILINE)
_DURATION = re.compile(r"^Duration: *([0-9.]+) seconds", re.MULTILINE)
_APPEARS_TICKS = 40


def drives_of_log(
    client: carla.Client, log: str, rig: CameraRig, work: Path, *, name: str, actor_id: int | None
) -> list[ImportedDrive]:
    """Return the drives of a recording, which the server finds under `log`; usually one.

    The ego is the vehicle with the role "hero", or `actor_id` of the recording. Raises InputError for a recording that the
    server cannot read and one without that vehicle, InfrastructureError when the server fails.
    """
    town, duration_s = log_summary(client, log)
    if client.get_world().get_map().name.split("/")[-1] != town.split("/")[-1]:
        client.load_world(town)
    with ExitStack() as stack:
        world = stack.enter_context(SynchronousWorld(client, step_s=TICK_S, rendering=True))
        client.set_replayer_time_factor(1.0)
        stack.callback(client.stop_replayer, False)
        client.replay_file(log, 0.0, 0.0, 0)
        ego = _appears(world, actor_id)
        model = EgoModel.read(ego)
        pieces = PieceWriter(work, rig, name=name, source="carla_log", town=town.split("/")[-1])
        stack.callback(pieces.finish)
        sensors = SensorRig(world.world, ego, rig_specs(rig, model), step_s=TICK_S, patience_s=60.0)
        stack.callback(sensors.destroy)
        for _ in range(int(duration_s / TICK_S)):
            snapshot = world.tick()
            own = snapshot.find(ego.id)
            if own is None:
                break
            seen = sensors.collect(snapshot)
            if len(seen) == len(rig.names):
                pictures = {camera: rgb(image) for camera, image in seen.items()}
                pose = rig_pose(transform_of(own.get_transform()), model.rear_axle_x_m)
                pieces.take(snapshot.timestamp.elapsed_seconds, pose, pictures)
    return pieces.drives


def log_summary(client: carla.Client, log: str) -> tuple[str, float]:
    """Return town and duration in seconds of a recording; InputError for one that the server cannot read."""
    text = client.show_recorder_file_info(log, False)
    town, duration = _MAP.search(text), _DURATION.search(text)
    if town is None or duration is None:
        raise InputError(f"the server cannot read the recording {log}: {text.strip()[:300] or 'it says nothing'}")
    return town.group(1), float(duration.group(1))


def _appears(world: SynchronousWorld, actor_id: int | None) -> carla.Vehicle:
    seen: dict[int, str] = {}
    for _ in range(_APPEARS_TICKS):
        world.tick()
        for actor in world.world.get_actors().filter("vehicle.*"):
            seen[actor.id] = actor.attributes.get("role_name", "")
            wanted = actor.id == actor_id if actor_id is not None else seen[actor.id] == "hero"
            if wanted:
                return actor
    found = ", ".join(f"{number} ({role})" for number, role in seen.items()) or "none"
    what = f"vehicle {actor_id}" if actor_id is not None else "vehicle with the role hero"
    raise InputError(f"the recording has no {what} in its first {_APPEARS_TICKS * TICK_S:.0f} s; there are {found}")


def rig_specs(rig: CameraRig, model: EgoModel, *, every_s: float = STEP_S) -> list[SensorSpec]:
    """Return the cameras of a rig for a vehicle."""
    return [
        SensorSpec(
            camera.name,
            SENSOR_BLUEPRINT,
            camera.mount(model.rear_axle_x_m),
            {**rig.sensor_attributes(camera), "sensor_tick": f"{every_s:g}"},
        )
        for camera in rig.cameras
    ]


def rgb(image: carla.SensorData) -> NDArray[np.uint8]:
    """Return a camera's picture [height, width, 3] RGB."""
    if not isinstance(image, carla.Image):
        raise InfrastructureError(f"a camera delivers pictures; found {type(image).__name__}")
    bgra = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
    return np.ascontiguousarray(bgra[:, :, 2::-1])
