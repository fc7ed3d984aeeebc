"""One world full of actors that are put anew for every sample, and the cameras that look at them."""

from __future__ import annotations

import random
from dataclasses import dataclass

import carla
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.client.sensor_rig import SensorRig, SensorSpec
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.frames import Transform
from alpamayo_sim.policy.camera_rig import SENSOR_BLUEPRINT, CameraRig
from alpamayo_training.learnability.arrangement import Arrangement, Arranger
from alpamayo_training.learnability.labels import Condition, Labels
from alpamayo_training.learnability.places import Places
from alpamayo_training.learnability.truth import Boxed, Truth, transform_of
from alpamayo_training.learnability.weathers import condition_of

EGO_BLUEPRINT = "vehicle.lincoln.mkz_2020"
VEHICLES, WALKERS = 16, 10
SAMPLES_A_PLACE = 8
LIGHTS_SET_WITHIN_M = 130.0
_STATES = (carla.TrafficLightState.Red, carla.TrafficLightState.Yellow, carla.TrafficLightState.Green)
_SEEN_BY_NIGHT = carla.VehicleLightState.Position | carla.VehicleLightState.LowBeam


@dataclass(frozen=True)
class Sample:
    """Pictures uint8 [camera, height, width, 3], RGB, in the rig's order, and what is true of them."""

    pictures: NDArray[np.uint8]
    labels: Labels


class Stage:
    """The actors of one world; make it inside a SynchronousWorld and `close` it."""

    def __init__(self, stepping: SynchronousWorld, rig: CameraRig, seed: int) -> None:
        self._stepping = stepping
        self._client, self._world = stepping.client, stepping.world
        self._rig = rig
        self._rng = np.random.default_rng(seed)
        self.vehicles: list[Boxed] = []
        self.walkers: list[Boxed] = []
        self._library = self._world.get_blueprint_library()
        self._spots = self._world.get_map().get_spawn_points()
        random.Random(seed).shuffle(self._spots)
        self.ego = self._spawn_ego()
        self._ego_lights = carla.VehicleLightState.NONE
        axle = rear_axle_x_m(self.ego)
        boxed = Boxed.of(self.ego)
        self.truth = Truth(self._world, rig, boxed, axle)
        self._places = Places.of(self._world.get_map(), self.truth.control)
        self._arranger = Arranger(self._places, boxed.box.extent.x)
        self._cameras = SensorRig(self._world, self.ego, self._sensors(axle), step_s=stepping.step_s, patience_s=60.0)
        self._world.freeze_all_traffic_lights(True)
        self.condition = Condition.DAY
        self._shot = 0

    def _sensors(self, rear_axle_x_m: float) -> list[SensorSpec]:
        """Return what the ego carries: the rig's cameras."""
        return [
            SensorSpec(camera.name, SENSOR_BLUEPRINT, camera.mount(rear_axle_x_m), self._rig.sensor_attributes(camera))
            for camera in self._rig.cameras
        ]

    def _tick(self) -> carla.WorldSnapshot:
        return self._stepping.tick()

    def _spawn_ego(self) -> carla.Vehicle:
        blueprint = self._library.find(EGO_BLUEPRINT)
        blueprint.set_attribute("role_name", "hero")
        ego = self._world.spawn_actor(blueprint, self._spots[0])
        assert isinstance(ego, carla.Vehicle)
        self._tick()
        ego.set_simulate_physics(False)
        return ego

    def recast(self) -> None:
        """Replace the other vehicles and the walkers by newly chosen ones."""
        self._dismiss()
        vehicles = [b for b in self._library.filter("vehicle.*")]
        walkers = [b for b in self._library.filter("walker.pedestrian.*")]
        self.vehicles = self._spawn([vehicles[int(k)] for k in self._rng.integers(len(vehicles), size=VEHICLES)], 0)
        self.walkers = self._spawn([walkers[int(k)] for k in self._rng.integers(len(walkers), size=WALKERS)], VEHICLES)

    def _spawn(self, blueprints: list[carla.ActorBlueprint], first_spot: int) -> list[Boxed]:
        """Spawn actors high above the ground, each in a place of its own, and take their physics away."""
        commands: list[object] = []
        for k, blueprint in enumerate(blueprints, first_spot):
            if blueprint.has_attribute("color"):
                colors = blueprint.get_attribute("color").recommended_values
                blueprint.set_attribute("color", colors[int(self._rng.integers(len(colors)))])
            spot = self._spots[k % len(self._spots)]
            place = carla.Location(spot.location.x, spot.location.y, spot.location.z + 20.0 + 6.0 * k)
            spawn = carla.command.SpawnActor(blueprint, carla.Transform(place, spot.rotation))
            stay = carla.command.SetSimulatePhysics(carla.command.FutureActor, False)  # pyright: ignore[reportArgumentType]
            commands.append(spawn.then(stay))
        responses = self._client.apply_batch_sync(commands, False)  # pyright: ignore[reportArgumentType]
        errors = [response.error for response in responses if response.error]
        if errors:
            raise InfrastructureError(f"{len(errors)} of {len(blueprints)} actors could not be spawned: {errors[0]}")
        self._tick()
        found = self._world.get_actors([response.actor_id for response in responses])
        by_id = {actor.id: actor for actor in found}
        return [Boxed.of(by_id[response.actor_id]) for response in responses]

    def set_weather(self, weather: carla.WeatherParameters) -> None:
        """Show a weather, with the ego's and the others' lights as it needs them."""
        self._world.set_weather(weather)
        self.condition = condition_of(weather)
        dark = self.condition is Condition.NIGHT or weather.sun_altitude_angle < 8.0
        self._ego_lights = carla.VehicleLightState(_SEEN_BY_NIGHT) if dark else carla.VehicleLightState.NONE
        self.ego.set_light_state(self._ego_lights)

    def shoot(self) -> Sample:
        """Put everybody somewhere, tick once, and return the pictures with their labels.

        A few samples in a row come from the same part of the town, whose baked light the server then has at hand.
        """
        scene, vehicles = self._arrange()
        commands = self._moves(scene, vehicles) + self._lights(vehicles)
        self._client.apply_batch_sync(commands, False)  # pyright: ignore[reportArgumentType]
        self._set_lights(scene.ego)
        snapshot = self._tick()
        taken = self._cameras.collect(snapshot)
        pictures = np.stack([rgb(taken[name]) for name in self._rig.names])
        return Sample(pictures, self.label())

    def _arrange(self) -> tuple[Arrangement, list[Boxed]]:
        """Return where everybody is to stand, and the vehicles in the arrangement's order."""
        if self._shot % SAMPLES_A_PLACE == 0:
            self._arranger.move_on(self._rng)
        self._shot += 1
        halves = [float(v.box.extent.x) for v in self.vehicles]
        order = self._rng.permutation(len(self.vehicles))
        vehicles = [self.vehicles[int(k)] for k in order]
        return self._arranger.draw([halves[int(k)] for k in order], len(self.walkers), self._rng), vehicles

    def label(self) -> Labels:
        """Return what is true of the present instant."""
        return self.truth.label(self.vehicles, self.walkers)

    def _moves(self, scene: Arrangement, vehicles: list[Boxed]) -> list[object]:
        commands: list[object] = [carla.command.ApplyTransform(self.ego.id, _carla(scene.ego))]
        for vehicle, pose in zip(vehicles, scene.vehicles, strict=True):
            commands.append(carla.command.ApplyTransform(vehicle.actor.id, _carla(pose)))
        for walker, pose in zip(self.walkers, scene.walkers, strict=True):
            height = float(walker.box.extent.z)
            commands.append(carla.command.ApplyTransform(walker.actor.id, _carla(pose._replace(z=pose.z + height))))
        return commands

    def _lights(self, vehicles: list[Boxed]) -> list[object]:
        return [carla.command.SetVehicleLightState(one.actor.id, self._draw_lights()) for one in vehicles]

    def _draw_lights(self) -> carla.VehicleLightState:
        lights = int(self._ego_lights)
        for light, share in ((carla.VehicleLightState.Brake, 0.4), (carla.VehicleLightState.LeftBlinker, 0.1),
                             (carla.VehicleLightState.RightBlinker, 0.1)):  # fmt: skip
            if self._rng.random() < share:
                lights |= int(light)
        return carla.VehicleLightState(lights)

    def _set_lights(self, ego: Transform) -> None:
        """Give every light near the ego a state of its own."""
        for approach in self.truth.control.lights:
            state = _STATES[int(self._rng.integers(3))]
            head = approach.heads[0]
            if np.hypot(head[0] - ego.x, head[1] - ego.y) < LIGHTS_SET_WITHIN_M:
                approach.light.set_state(state)

    def _dismiss(self) -> None:
        ids = [one.actor.id for one in (*self.vehicles, *self.walkers)]
        self.vehicles, self.walkers = [], []
        if ids:
            self._client.apply_batch_sync([carla.command.DestroyActor(i) for i in ids], False)

    def close(self) -> None:
        """Remove everything that was spawned, and let the traffic lights go on."""
        self._cameras.destroy()
        self._dismiss()
        self.ego.destroy()
        self._world.freeze_all_traffic_lights(False)


def rear_axle_x_m(vehicle: carla.Vehicle) -> float:
    """Return x of the rear axle in the vehicle's frame, from its wheels (which CARLA tells in world centimetres)."""
    from alpamayo_sim.frames import to_local

    wheels = (
        np.array([[w.position.x, w.position.y, w.position.z] for w in vehicle.get_physics_control().wheels]) / 100.0
    )
    return float(to_local(transform_of(vehicle.get_transform()), wheels)[2:4, 0].mean())


def _carla(pose: Transform) -> carla.Transform:
    return carla.Transform(carla.Location(pose.x, pose.y, pose.z), carla.Rotation(pose.pitch, pose.yaw, pose.roll))


def rgb(image: carla.Image) -> NDArray[np.uint8]:
    """Return a camera's picture [height, width, 3]."""
    pixels = np.frombuffer(image.raw_data, dtype=np.uint8).reshape(image.height, image.width, 4)
    return pixels[..., 2::-1]
