"""Episode settings: what clients may choose about how the world runs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from alpamayo_sim.server.registry import CallError

DEFAULT_STEP_S = 0.05
"""Step of an asynchronous world, and of a synchronous one whose client did not fix it."""
MAX_STEP_S = 1.0
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EpisodeSettings:
    """CARLA's `EpisodeSettings`, fields and defaults in the order of the wire."""

    synchronous_mode: bool = False
    no_rendering_mode: bool = False
    fixed_delta_seconds: float | None = None
    substepping: bool = True
    max_substep_delta_time: float = 0.01
    max_substeps: int = 10
    max_culling_distance: float = 0.0
    deterministic_ragdolls: bool = True
    tile_stream_distance: float = 3000.0
    actor_active_distance: float = 2000.0
    spectator_as_ego: bool = True

    @property
    def step_s(self) -> float:
        """Length of one step of the world."""
        return self.fixed_delta_seconds or DEFAULT_STEP_S

    def record(self) -> list[Any]:
        """Return the fields as the wire has them."""
        fixed = self.fixed_delta_seconds
        return [
            self.synchronous_mode, self.no_rendering_mode, [False] if fixed is None else [True, fixed],
            self.substepping, self.max_substep_delta_time, self.max_substeps, self.max_culling_distance,
            self.deterministic_ragdolls, self.tile_stream_distance, self.actor_active_distance, self.spectator_as_ego,
        ]  # fmt: skip


def checked_settings(fields: Sequence[Any]) -> EpisodeSettings:
    """Return the settings that a client asked for; CallError for ones that the world can not run with."""
    settings = EpisodeSettings(*fields)
    fixed = settings.fixed_delta_seconds
    if fixed is not None and not 0.0 <= fixed <= MAX_STEP_S:
        raise CallError(f"fixed_delta_seconds must lie in [0, {MAX_STEP_S:g}] s, found {fixed:g}")
    if not 1 <= settings.max_substeps <= 16:
        raise CallError(f"max_substeps must lie in [1, 16], found {settings.max_substeps}")
    if not 0.0 < settings.max_substep_delta_time <= MAX_STEP_S:
        raise CallError(f"max_substep_delta_time must lie in (0, 1] s, found {settings.max_substep_delta_time:g}")
    if fixed == 0.0:
        settings = replace(settings, fixed_delta_seconds=None)
    if settings.synchronous_mode and settings.fixed_delta_seconds is None:
        _LOG.warning("synchronous mode without fixed_delta_seconds: steps of %g s", DEFAULT_STEP_S)
    if settings.actor_active_distance > settings.tile_stream_distance:
        settings = replace(settings, tile_stream_distance=settings.actor_active_distance)
    return settings
