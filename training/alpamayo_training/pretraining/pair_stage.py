"""A stage whose samples are pairs of frames a tenth of a second apart, with the labels of every cell of the second one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import carla
import cv2
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.client.sensor_rig import SensorSpec
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.frames import Transform, to_world
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_training.learnability.arrangement import Arrangement
from alpamayo_training.learnability.labels import Labels
from alpamayo_training.learnability.stage import Stage, rear_axle_x_m
from alpamayo_training.learnability.truth import Boxed
from alpamayo_training.pretraining.dense_truth import DenseTruth, Moment, Thing

INSTANCE, DEPTH = "instance", "depth"
_EXACT_BLUEPRINTS = {
    INSTANCE: "sensor.camera.instance_segmentation",
    DEPTH: "sensor.camera.depth",
}
FRAME_STEP_S = 0.1
"""Between the frames of a pair, as between those that the model sees."""
STANDING_SHARE, EGO_STANDING_SHARE = 0.35, 0.2
FASTEST_MPS, FASTEST_WALK_MPS, LARGEST_YAW_RATE_DEG = 15.0, 2.2, 12.0


@dataclass(frozen=True)
class Pair:
    """Frames uint8 [camera, 2, height, width, 3] in the order of time, the cells' labels [camera, cell, channel] and the
    probe's labels of the second frame, and the ego's motion between both.
    """

    frames: NDArray[np.uint8]
    cells: NDArray[np.uint8]
    labels: Labels
    speed_mps: float
    yaw_rate_radps: float
    """Counter-clockwise positive."""


class PairStage(Stage):
    """The actors of one world; make it inside a SynchronousWorld of step FRAME_STEP_S / 2 and `close` it.

    The exact cameras take a picture every second tick: the one of the second frame.
    """

    def __init__(self, stepping: SynchronousWorld, rig: CameraRig, seed: int) -> None:
        super().__init__(stepping, rig, seed)
        self._dense = DenseTruth(self._world, self.truth, rig, Boxed.of(self.ego), rear_axle_x_m(self.ego))
        self._exact_time_s = -1.0

    def _sensors(self, rear_axle_x_m: float) -> list[SensorSpec]:
        specs = super()._sensors(rear_axle_x_m)
        exact = [
            replace(
                spec,
                name=f"{spec.name}/{kind}",
                blueprint=blueprint,
                attributes={**spec.attributes, "sensor_tick": f"{FRAME_STEP_S:g}"},
            )
            for spec in specs
            for kind, blueprint in _EXACT_BLUEPRINTS.items()
        ]
        return specs + exact

    def _tick(self) -> carla.WorldSnapshot:
        snapshot = super()._tick()
        self._taken = self._cameras.collect(snapshot) if hasattr(self, "_cameras") else {}
        if any(name.endswith(INSTANCE) for name in self._taken):
            self._exact_time_s = snapshot.timestamp.elapsed_seconds
        self._now_s = snapshot.timestamp.elapsed_seconds
        return snapshot

    def shoot_pair(self) -> Pair:
        """Put everybody somewhere, let them move for FRAME_STEP_S, and return both frames with their labels."""
        while not self._first_frame_is_next():
            self._tick()
        scene, vehicles = self._arrange()
        speed_mps, yaw_rate_degps = self._draw_ego_motion()
        earlier = self._earlier(scene, speed_mps, yaw_rate_degps)
        self._apply(self._moves(earlier, vehicles) + self._lights(vehicles))
        self._set_lights(scene.ego)
        self._tick()
        first, first_s = self._pictures(), self._now_s
        self._apply(self._moves(scene, vehicles))
        self._tick()
        frames = np.stack([first, self._pictures()], axis=1)
        things = [
            *(self._vehicle(*one) for one in zip(vehicles, earlier.vehicles, scene.vehicles, strict=True)),
            *(Thing(one, *poses, is_person=True)
              for one, *poses in zip(self.walkers, earlier.walkers, scene.walkers, strict=True)),
        ]  # fmt: skip
        exact = {name: (self._exact(name, INSTANCE), self._exact(name, DEPTH)) for name in self._rig.names}
        moment = Moment(earlier.ego, scene.ego, (first_s, self._now_s))
        cells = self._dense.label(exact, moment, things, FRAME_STEP_S)
        return Pair(frames, cells, self.label(), speed_mps, -float(np.radians(yaw_rate_degps)))

    def _first_frame_is_next(self) -> bool:
        """Whether the exact cameras rest at the next tick and take their picture at the one after it."""
        return abs(self._now_s - self._exact_time_s) < 0.5 * self._stepping.step_s

    def _apply(self, commands: list[object]) -> None:
        self._client.apply_batch_sync(commands, False)  # pyright: ignore[reportArgumentType]

    def _pictures(self) -> NDArray[np.uint8]:
        pictures = np.empty((len(self._rig.names), self._rig.height_px, self._rig.width_px, 3), dtype=np.uint8)
        for name, picture in zip(self._rig.names, pictures, strict=True):
            cv2.cvtColor(_pixels(self._taken[name]), cv2.COLOR_BGRA2RGB, dst=picture)
        return pictures

    def _exact(self, camera: str, kind: str) -> NDArray[np.uint8]:
        return _pixels(self._taken[f"{camera}/{kind}"])

    def _draw_ego_motion(self) -> tuple[float, float]:
        """Return a speed in m/s and a turning rate in degrees/s, clockwise positive as CARLA's yaw."""
        if self._rng.random() < EGO_STANDING_SHARE:
            return 0.0, 0.0
        speed = float(self._rng.uniform(0.0, FASTEST_MPS))
        rate = float(np.clip(self._rng.normal(0.0, 4.0), -LARGEST_YAW_RATE_DEG, LARGEST_YAW_RATE_DEG))
        return speed, rate * min(1.0, speed / 3.0)

    def _earlier(self, scene: Arrangement, speed_mps: float, yaw_rate_degps: float) -> Arrangement:
        """Return where everybody was a frame before: the ego as given, others by speeds drawn here, along where they look."""
        ego = _back(scene.ego, speed_mps, yaw_rate_degps)
        vehicles: list[Transform] = []
        for pose in scene.vehicles:
            stands = self._rng.random() < STANDING_SHARE
            vehicles.append(_back(pose, 0.0 if stands else float(self._rng.uniform(0.0, FASTEST_MPS)), 0.0))
        walkers: list[Transform] = []
        for pose in scene.walkers:
            stands = self._rng.random() < STANDING_SHARE
            walkers.append(_back(pose, 0.0 if stands else float(self._rng.uniform(0.3, FASTEST_WALK_MPS)), 0.0))
        return Arrangement(ego, scene.lane, vehicles, walkers)

    def _lights(self, vehicles: list[Boxed]) -> list[object]:
        drawn = {one.actor.id: self._draw_lights() for one in vehicles}
        self._drawn = {actor: int(lights) for actor, lights in drawn.items()}
        return [carla.command.SetVehicleLightState(actor, lights) for actor, lights in drawn.items()]

    def recast(self) -> None:
        """Replace the other vehicles and the walkers by newly chosen ones."""
        super().recast()
        self._four_wheels = {
            one.actor.id for one in self.vehicles if one.actor.attributes.get("number_of_wheels") == "4"
        }

    def _vehicle(self, boxed: Boxed, before: Transform, now: Transform) -> Thing:
        actor = boxed.actor.id
        return Thing(boxed, before, now, is_person=False, light_bits=self._drawn[actor],
                     has_lamps=actor in self._four_wheels)  # fmt: skip


def _pixels(image: carla.Image) -> NDArray[np.uint8]:
    return np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)


def _back(pose: Transform, speed_mps: float, yaw_rate_degps: float) -> Transform:
    """Return the pose a frame before."""
    turned = pose._replace(yaw=pose.yaw - 0.5 * FRAME_STEP_S * yaw_rate_degps)
    x, y, z = (float(value) for value in to_world(turned, np.array([-speed_mps * FRAME_STEP_S, 0.0, 0.0])))
    return Transform(x, y, z, pose.pitch, pose.yaw - FRAME_STEP_S * yaw_rate_degps, pose.roll)
