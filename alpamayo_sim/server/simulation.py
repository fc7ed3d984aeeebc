"""The episode that clients share: a world, its settings, its sensors, and what it publishes."""

from __future__ import annotations

import ctypes
import gc
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from alpamayo_sim.frames import Transform
from alpamayo_sim.roads.road_map import RoadMap, available_towns, load_road_map
from alpamayo_sim.roads.statics import StaticBoxes, build_statics
from alpamayo_sim.sensors.actor_record import actor_record, bounding_box
from alpamayo_sim.server.config import ServerConfig
from alpamayo_sim.server.debug_shapes import DebugShapes
from alpamayo_sim.server.recorder.recordings import Recordings
from alpamayo_sim.server.registry import CallError, Packed
from alpamayo_sim.server.replies import pack
from alpamayo_sim.server.sensor_suite import SensorSuite
from alpamayo_sim.server.settings import MAX_STEP_S, EpisodeSettings
from alpamayo_sim.server.skeletons import Skeletons
from alpamayo_sim.server.state_message import StateWriter
from alpamayo_sim.server.streams import StreamHub
from alpamayo_sim.server.street_lights import StreetLights
from alpamayo_sim.server.textures import Textures
from alpamayo_sim.world.actor_info import ActorInfo
from alpamayo_sim.world.blueprints import catalogue
from alpamayo_sim.world.errors import SpawnError, UnknownActor
from alpamayo_sim.world.renumber import renumber
from alpamayo_sim.world.scene_objects import MapLayer
from alpamayo_sim.world.world import World

GENERATED_MAP = "OpenDriveMap"
"""Name under which a client loads the OpenDRIVE text that it sent."""
MAX_TOMBSTONES = 10_000
MAX_ACTORS = 20_000
_LOG = logging.getLogger(__name__)


def settle_memory() -> None:
    """Give back what the last episode left, and keep the collector away from what lives as long as this one."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(frozen=True, slots=True)
class BuiltMap:
    """A map and what stands beside its roads."""

    road_map: RoadMap
    statics: StaticBoxes


@dataclass(frozen=True, slots=True)
class NextEpisode:
    """A map that is ready to become the world."""

    road_map: RoadMap
    statics: StaticBoxes
    world: World
    reset_settings: bool
    layers: int
    """The map layers that are there (bits of `MapLayer`)."""


class Simulation:
    """One process's world. Loading another map replaces the world; the world-observer stream stays the same."""

    def __init__(self, config: ServerConfig, hub: StreamHub) -> None:
        """Load the town of `config`; InputError for one that can not be loaded."""
        self._config = config
        self._hub = hub
        self.world_stream = hub.open(keep_last=True)
        self.settings = EpisodeSettings(synchronous_mode=config.synchronous)
        self.episode_id = 0
        self.generated: BuiltMap | None = None
        """What was made of the OpenDRIVE text that a client sent last."""
        self.wanted_layers = int(MapLayer.ALL)
        """Map layers of the next episode."""
        self._boxes: OrderedDict[int, Packed] = OrderedDict()
        self.recordings = Recordings(self, config.recordings)
        road_map = load_road_map(config.town, maps_dirs=config.maps, cache_dir=config.cache_dir)
        self._start_episode(road_map, self._new_world(road_map, build_statics(road_map), first_id=1))

    def _new_world(self, road_map: RoadMap, statics: StaticBoxes | None, *, first_id: int) -> World:
        return World(road_map, statics, seed=self._config.seed, first_id=first_id)

    def _start_episode(self, road_map: RoadMap, world: World) -> None:
        self.road_map = road_map
        self.world = world
        self._set_substeps()
        self.sensors = SensorSuite(
            self._hub, self.world, seed=self._config.seed, render_service=self._config.render_service
        )
        self.shapes = DebugShapes()
        self.street_lights = StreetLights(self.world.statics, self.world.weather.sun_altitude_angle)
        self.textures = Textures()
        self.skeletons = Skeletons(self.world)
        self.refused_physics: set[int] = set()
        """Actors of the episode whose clients asked for physics that this server has not."""
        self._writer = StateWriter(self.world)
        self.episode_id += 1
        self._map_changed = True
        self._boxes.clear()
        settle_memory()
        self.tick()

    def map_at_hand(self, name: str) -> BuiltMap | None:
        """Return the map of a name if nothing has to be built: "" or the present one's, or the OpenDRIVE text that was sent."""
        town = name.rsplit("/", 1)[-1]
        if town == GENERATED_MAP and self.generated is not None:
            return self.generated
        if self.world.statics is not None and town in ("", self.road_map.name):
            return BuiltMap(self.road_map, self.world.statics)
        return None

    def map_builder(self, town: str) -> Callable[[], BuiltMap]:
        """Return what builds the map of a town (InputError if it can not be); CallError for a town that is not known."""
        config = self._config
        known = available_towns(config.maps)
        if town not in known:
            raise CallError(f"map {town!r} not found; this server has {', '.join(known)}")

        def build() -> BuiltMap:
            road_map = load_road_map(town, maps_dirs=config.maps, cache_dir=config.cache_dir)
            return BuiltMap(road_map, build_statics(road_map))

        return build

    def prepare_episode(self, built: BuiltMap, *, reset_settings: bool, layers: int) -> NextEpisode:
        """Return a new episode on a map. The present episode goes on until `start_episode`."""
        world = self._new_world(built.road_map, built.statics, first_id=self.world.next_id)
        return NextEpisode(built.road_map, built.statics, world, reset_settings, layers)

    def start_episode(self, episode: NextEpisode) -> None:
        """End the present episode with its actors and sensors, and begin another one."""
        self.recordings.episode_ends()
        self.sensors.close()
        if episode.reset_settings:
            self.settings = EpisodeSettings()
        world = episode.world
        if world.actors.ids[0] < self.world.next_id:
            world = self._new_world(episode.road_map, episode.statics, first_id=self.world.next_id)
        world.frame = self.world.frame
        world.scene.unload_layers(MapLayer.ALL & ~episode.layers)
        self._start_episode(episode.road_map, world)
        _LOG.info("episode %d on %s", self.episode_id, episode.road_map.name)
        self.recordings.episode_began()

    def apply_settings(self, settings: EpisodeSettings) -> None:
        """Take over settings."""
        self.settings = settings
        self._set_substeps()

    def _set_substeps(self) -> None:
        settings = self.settings
        self.world.max_substep_s = settings.max_substep_delta_time if settings.substepping else MAX_STEP_S
        self.world.max_substeps = settings.max_substeps

    @property
    def map_name(self) -> str:
        """The map's name as CARLA writes it."""
        return f"Carla/Maps/{self.road_map.name}"

    def available_maps(self) -> list[str]:
        """Return the names of all maps, as CARLA writes them."""
        return [f"/Game/Carla/Maps/{name}" for name in available_towns(self._config.maps)]

    def tick(self, *, publish_after_s: float = 0.0, step_s: float | None = None) -> int:
        """Advance the world by one step (as the settings say, or `step_s`), publish sensors and state, and return the frame.

        The state is not published before `publish_after_s` (`time.monotonic`).
        """
        for actor_id in self.world.walkers_to_remove():
            self.destroy(actor_id)
        events = self.world.step(step_s or self.settings.step_s)
        self.skeletons.forget_gone()
        if self.street_lights.changed:
            self.world.scene.switch_lamps(self.street_lights.shining())
        self.recordings.after_step(events)
        self.sensors.publish(events, rendering=not self.settings.no_rendering_mode)
        self.shapes.expire(self.world.elapsed_s)
        message = self._writer.message(
            self.episode_id, map_changed=self._map_changed, lights_changed=self.street_lights.changed
        )
        early_s = publish_after_s - time.monotonic()
        if early_s > 0.0:
            time.sleep(early_s)
        self.world_stream.publish(message)
        self._map_changed = self.street_lights.changed = False
        return self.world.frame

    def spawn(
        self,
        type_id: str,
        attributes: dict[str, str],
        transform: Transform,
        parent_id: int = 0,
        attachment: int = 0,
        *,
        desired_id: int = 0,
    ) -> ActorInfo:
        """Create an actor, with a free id that is wished for if any; SpawnError or CallError when it can not be."""
        if len(self.world.actors) >= MAX_ACTORS:
            raise SpawnError(f"Spawn failed because there are {MAX_ACTORS} actors already")
        blueprint = catalogue().get(type_id)
        sensor = self.sensors.prepare(blueprint, attributes) if blueprint is not None and blueprint.is_sensor else None
        info = self.world.spawn(type_id, attributes, transform, parent_id=parent_id, attachment=attachment)
        if desired_id:
            info = renumber(self.world, info.id, desired_id)
            self._boxes.pop(desired_id, None)
        if sensor is not None:
            self.sensors.mount(info, sensor)
        return info

    def destroy(self, actor_id: int) -> bool:
        """Remove an actor with its stream; False if there is none."""
        if actor_id in (self.world.spectator_id,):
            return False
        self.box(actor_id)
        self.sensors.unmount(actor_id)
        self.refused_physics.discard(actor_id)
        return self.world.destroy(actor_id)

    def record(self, info: ActorInfo) -> list[Any]:
        """Return an actor as calls answer it."""
        return actor_record(info, self.sensors.token(info.id))

    def box(self, actor_id: int) -> Packed | None:
        """Return the packed box of an actor that lives or has lived, None for another id.

        Clients ask for boxes of actors that were just destroyed, and TrafficManager ends its process on an error.
        """
        packed = self._boxes.get(actor_id)
        if packed is None:
            try:
                packed = Packed(pack(bounding_box(self.world.info(actor_id))))
            except UnknownActor:
                return None
            self._boxes[actor_id] = packed
            if len(self._boxes) > MAX_TOMBSTONES + MAX_ACTORS:
                self._boxes.popitem(last=False)
        return packed
