"""A world in which nothing depends on how long it has run before a test came to it."""

from __future__ import annotations

import carla


def begin_anew(client: carla.Client, step_s: float = 0.05) -> None:
    """Begin the world's episode again, in synchronous mode: its clock, its lights and its seed stand where they began."""
    world = client.get_world()
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, step_s
    world.apply_settings(settings)
    client.reload_world(False)
