"""Stepping a world in lock-step, and leaving it as it was found."""

from __future__ import annotations

from types import TracebackType

import carla

from alpamayo_sim.errors import InfrastructureError


class SynchronousWorld:
    """A world in synchronous mode with a fixed step; a context manager that restores the settings it found.

    A server left in synchronous mode by a client that went away blocks the next one, so leave through the context.
    """

    def __init__(
        self, client: carla.Client, *, step_s: float = 0.05, rendering: bool = True, timeout_s: float = 60.0
    ) -> None:
        self.client = client
        self.world = client.get_world()
        self.step_s = step_s
        self._rendering = rendering
        self._timeout_s = timeout_s
        self._found = self.world.get_settings()

    def __enter__(self) -> SynchronousWorld:
        settings = self.world.get_settings()
        settings.synchronous_mode = True
        settings.fixed_delta_seconds = self.step_s
        settings.no_rendering_mode = not self._rendering
        settings.deterministic_ragdolls = True
        self.world.apply_settings(settings)
        return self

    def tick(self) -> carla.WorldSnapshot:
        """Advance the world by one step and return the state after it; InfrastructureError if the server does not answer."""
        try:
            frame = self.world.tick(self._timeout_s)
        except RuntimeError as error:
            raise InfrastructureError(
                f"the server did not answer a tick within {self._timeout_s:.0f} s: {error}"
            ) from error
        snapshot = self.world.get_snapshot()
        if snapshot.frame != frame:
            raise InfrastructureError(
                f"ticked to frame {frame}, but the world shows frame {snapshot.frame}: another client ticks this world too"
            )
        return snapshot

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.world.apply_settings(self._found)
        except RuntimeError:
            if kind is None:
                raise
