"""What a sensor is to the server: something that turns a tick of the world into messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgpack
import numpy as np

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.events import StepEvents
from alpamayo_sim.world.world import World

GRAVITY_MPS2 = 9.81
pack: Any = msgpack.Packer(use_bin_type=True, autoreset=True).pack
"""Packs the bodies that are msgpack (doubles)."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The world right after a step, and the sensor in it."""

    world: World
    events: StepEvents
    actor_id: int
    parent_id: int
    """0 for a sensor that is attached to nothing."""
    pose: Transform
    """The sensor's, CARLA world frame."""
    gravity_mps2: float = GRAVITY_MPS2
    """What IMUs measure at rest."""
    ignored_ids: tuple[int, ...] = ()
    """Vehicles that the sensor must not detect."""


class Sensor(Protocol):
    """One sensor actor. `measure` is called when the sensor is due and somebody listens."""

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return the bodies of this tick's messages, without headers; often one, none when there is nothing to say."""
        ...


def floats(attributes: Mapping[str, str], *names: str) -> tuple[float, ...]:
    """Return attributes as numbers; ValueError for text that is none."""
    return tuple(float(attributes[name].rstrip("f")) for name in names)


def noise_generator(attributes: Mapping[str, str], seed: int) -> np.random.Generator:
    """Return the generator of a sensor's noise: seeded by its `noise_seed`, or by `seed` where that is 0."""
    return np.random.default_rng(abs(int(attributes.get("noise_seed", "0"))) or (seed, 1))
