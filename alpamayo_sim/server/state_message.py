"""The world state on the wire: one packed record of 119 bytes for each actor (CARLA 0.9.16's `ActorDynamicState`)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.layouts.layout import LAYOUT
from alpamayo_sim.sensors.message import HEADER, WORLD_OBSERVER

if TYPE_CHECKING:
    from alpamayo_sim.world.world import World

_RECORD = LAYOUT.packed["actor"]
RECORD_BYTES = _RECORD.size
OWN_BYTES = _RECORD.offset("state")
"""Where the part begins that each kind of actor has for itself."""
EPISODE_HEADER = LAYOUT.packed["episode_header"].packer()
"""Episode id, platform time in seconds, step length, map origin, state bits; 36 bytes."""
MAP_CHANGED, LIGHTS_CHANGED = 1, 2
"""State bits: clients drop their map; clients ask for the street lights."""


ACTOR = _RECORD.dtype(
    {
        "id": "id",
        "state": "actor_state",
        "location": "transform.location",
        "rotation": "transform.rotation",
        "velocity": "velocity",
        "angular_velocity": "angular_velocity",
        "acceleration": "acceleration",
    }
)
VEHICLE = _RECORD.dtype(
    {
        "throttle": "state.vehicle_data.control.throttle",
        "steer": "state.vehicle_data.control.steer",
        "brake": "state.vehicle_data.control.brake",
        "hand_brake": "state.vehicle_data.control.hand_brake",
        "reverse": "state.vehicle_data.control.reverse",
        "manual_gear_shift": "state.vehicle_data.control.manual_gear_shift",
        "gear": "state.vehicle_data.control.gear",
        "speed_limit": "state.vehicle_data.speed_limit",
        "light_state": "state.vehicle_data.traffic_light_state",
        "has_light": "state.vehicle_data.has_traffic_light",
        "light_id": "state.vehicle_data.traffic_light_id",
        "failure": "state.vehicle_data.failure_state",
    }
)
WALKER = _RECORD.dtype(
    {
        "direction": "state.walker_control.direction",
        "speed": "state.walker_control.speed",
        "jump": "state.walker_control.jump",
    }
)
LIGHT = _RECORD.dtype(
    {
        "sign_id": "state.traffic_light_data.sign_id",
        "green": "state.traffic_light_data.green_time",
        "yellow": "state.traffic_light_data.yellow_time",
        "red": "state.traffic_light_data.red_time",
        "elapsed": "state.traffic_light_data.elapsed_time",
        "pole_index": "state.traffic_light_data.pole_index",
        "frozen": "state.traffic_light_data.time_is_frozen",
        "state": "state.traffic_light_data.state",
    }
)
SIGN = _RECORD.dtype({"sign_id": "state.traffic_sign_data.sign_id"})


class StateWriter:
    """Packs the state of one world; what never changes is kept as long as the set of actors stays the same."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ids: NDArray[Any] = np.zeros(0, np.uint32)
        self._records: NDArray[Any] = np.zeros(0, ACTOR)

    def message(self, episode_id: int, *, map_changed: bool, lights_changed: bool = False) -> tuple[bytes, bytes]:
        """Return (headers, records) of the current state: the two parts of a world-observer payload."""
        world = self._world
        headers = HEADER.pack(WORLD_OBSERVER, world.frame, world.elapsed_s, 0, 0, 0, 0, 0, 0) + EPISODE_HEADER.pack(
            episode_id,
            time.monotonic(),
            world.delta_s,
            0,
            0,
            0,
            MAP_CHANGED * map_changed + LIGHTS_CHANGED * lights_changed,
        )
        return headers, self._pack_records()

    def _pack_records(self) -> bytes:
        actors = self._world.actors
        ids = actors.ids
        if len(ids) != len(self._ids) or not np.array_equal(ids, self._ids):
            self._start_over()
        records = self._records
        source = actors.records
        records["state"] = source["state"]
        records["location"] = source["location"]
        records["rotation"] = source["rotation_deg"]
        records["velocity"] = source["velocity_mps"]
        records["angular_velocity"] = source["angular_velocity_dps"]
        records["acceleration"] = source["acceleration_mps2"]
        self._pack_vehicles()
        self._pack_walkers()
        self._pack_lights()
        return records.tobytes()

    def _start_over(self) -> None:
        world = self._world
        self._ids = world.actors.ids.copy()
        self._records = np.zeros(len(self._ids), ACTOR)
        self._records["id"] = self._ids
        signs = self._records.view(SIGN)
        for row, actor_id in enumerate(self._ids.tolist()):
            sign_id = world.info(actor_id).sign_id
            if sign_id:
                signs["sign_id"][row] = sign_id.encode("utf-8", errors="replace")[:32]

    def _pack_vehicles(self) -> None:
        source = self._world.vehicles.records
        if not len(source):
            return
        block = np.zeros(len(source), VEHICLE)
        for name in ("throttle", "steer", "brake", "hand_brake", "reverse", "manual_gear_shift", "gear"):
            block[name] = source[name]
        block["speed_limit"] = source["speed_limit_kmh"]
        for name in ("light_state", "has_light", "light_id", "failure"):
            block[name] = source[name]
        self._place(block, source["row"])

    def _pack_walkers(self) -> None:
        source = self._world.walkers.records
        if not len(source):
            return
        block = np.zeros(len(source), WALKER)
        for name in ("direction", "speed", "jump"):
            block[name] = source[name]
        self._place(block, source["row"])

    def _pack_lights(self) -> None:
        source = self._world.lights.records
        if not len(source):
            return
        rows = source["row"]
        lights = self._records.view(LIGHT)
        block = lights[rows]
        block["green"] = source["green_s"]
        block["yellow"] = source["yellow_s"]
        block["red"] = source["red_s"]
        block["elapsed"] = source["elapsed_s"]
        block["pole_index"] = source["pole_index"]
        block["frozen"] = source["frozen"]
        block["state"] = source["state"]
        self._place(block, rows)

    def _place(self, block: NDArray[Any], rows: NDArray[Any]) -> None:
        """Write the kind's own 54 bytes of `block` into the records of `rows`."""
        all_bytes = self._records.view(np.uint8).reshape(-1, RECORD_BYTES)
        all_bytes[rows, OWN_BYTES:] = block.view(np.uint8).reshape(-1, RECORD_BYTES)[:, OWN_BYTES:]
