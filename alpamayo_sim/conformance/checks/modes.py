"""Synchronous and asynchronous mode, and the settings that choose between them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured, Value
from alpamayo_sim.conformance.context import Context
from alpamayo_sim.conformance.round_trip import changed, come_back

MODES = Family("modes")
_SYNC = "Docs/adv_synchrony_timestep.md"
_PATIENCE_S = 30.0
"""For one frame."""
_RATE_ATTEMPTS = 20


@MODES.check(
    "tick",
    "tick() steps once and returns the frame of the state that follows",
    carla="tick() gives the frame's number, which get_snapshot() then has; without it nothing moves.",
    source=_SYNC + "; LibCarla/source/carla/client/detail/Simulator.cpp",
)
def _tick(context: Context) -> Iterator[Measured]:
    before = context.tick().frame
    frame = context.world.tick(_PATIENCE_S)
    yield Measured("frame that tick returns less the one before", frame - before, expected=1)
    yield Measured("frame of the snapshot less tick's", context.world.get_snapshot().frame - frame, expected=0)
    time.sleep(0.5)
    yield Measured("frames in 0.5 s without a tick", context.world.get_snapshot().frame - frame, expected=0)


@MODES.check(
    "on_tick",
    "Callbacks of on_tick are called with every state until they are removed",
    carla="Each state that arrives is given to the callbacks.",
    source="Docs/python_api.md, carla.World.on_tick",
)
def _on_tick(context: Context) -> Iterator[Measured]:
    seen: list[int] = []
    number = context.world.on_tick(lambda snapshot: seen.append(snapshot.frame))
    frames = [context.tick().frame for _ in range(10)]
    while not seen or seen[-1] < frames[-1]:
        context.check_time()
        time.sleep(0.05)
    context.world.remove_on_tick(number)
    yield Measured("frames of ten that were told", len(set(frames) & set(seen)), expected=10)
    yield Measured("they came in order", seen == sorted(seen), expected=True)
    told = len(seen)
    context.tick(3)
    time.sleep(0.2)
    yield Measured("further calls after it was removed", len(seen) - told, expected=0)


@MODES.check(
    "asynchronous",
    "In asynchronous mode the world runs by itself",
    carla="Frames follow each other without ticks; wait_for_tick gives the next state; a fixed step is kept.",
    source=_SYNC,
)
def _asynchronous(context: Context) -> Iterator[Measured]:
    settings = context.world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, 0.05
    context.world.apply_settings(settings)
    before = context.world.wait_for_tick(_PATIENCE_S)
    rising = True
    steps: list[float] = []
    for _ in range(10):
        after = context.world.wait_for_tick(_PATIENCE_S)
        rising &= after.frame > before.frame
        steps.append(after.timestamp.delta_seconds)
        before = after
        context.check_time()
    yield Measured("frames rise", rising, expected=True)
    yield Measured("smallest delta_seconds", min(steps), "s", 0.05, 1e-6)
    yield Measured("largest delta_seconds", max(steps), "s", 0.05, 1e-6)


@MODES.check(
    "variable_step",
    "Without a fixed step the world follows the clock",
    carla="fixed_delta_seconds None: steps vary, and simulated time passes as fast as the clock.",
    source=_SYNC,
)
def _variable_step(context: Context) -> Iterator[Measured]:
    settings = context.world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = False, None
    context.world.apply_settings(settings)
    context.world.wait_for_tick(_PATIENCE_S)
    rates: list[float] = []
    # A machine on which others work too may lose a second now and then.
    while not rates or (abs(rates[-1] - 1.0) > 0.25 and len(rates) < _RATE_ATTEMPTS):
        context.check_time()
        first, started_s = context.world.wait_for_tick(_PATIENCE_S), time.monotonic()
        time.sleep(1.0)
        last, ended_s = context.world.wait_for_tick(_PATIENCE_S), time.monotonic()
        rates.append((last.timestamp.elapsed_seconds - first.timestamp.elapsed_seconds) / (ended_s - started_s))
    yield Measured("simulated seconds per second", rates[-1], "", 1.0, 0.25)


@MODES.check(
    "settings",
    "Settings come back as they were applied",
    carla="All fields of WorldSettings are kept; a fixed step of 0 is none.",
    source="Docs/python_api.md, carla.WorldSettings; Carla/Settings/EpisodeSettings.h",
)
def _settings(context: Context) -> Iterator[Measured]:
    wanted: dict[str, Value] = {
        "synchronous_mode": True,
        "no_rendering_mode": True,
        "fixed_delta_seconds": 0.04,
        "substepping": True,
        "max_substep_delta_time": 0.005,
        "max_substeps": 12,
        "max_culling_distance": 0.0,
        "deterministic_ragdolls": False,
        "tile_stream_distance": 2500.0,
        "actor_active_distance": 1500.0,
        "spectator_as_ego": False,
    }
    world = context.world
    settings = changed(world.get_settings(), wanted)
    yield from come_back(context, world.get_settings, world.apply_settings, settings, wanted, ticks=1, tolerance=1e-6)


@MODES.check(
    "many_ticks",
    "A thousand ticks are a thousand frames",
    carla="No frame is skipped or counted twice in synchronous mode.",
    source=_SYNC,
    quick=False,
    limit_s=180.0,
)
def _many_ticks(context: Context) -> Iterator[Measured]:
    before = context.tick()
    after = context.tick(1000)
    yield Measured("frames", after.frame - before.frame, expected=1000)
    elapsed = after.timestamp.elapsed_seconds - before.timestamp.elapsed_seconds
    yield Measured("simulated time", elapsed, "s", 50.0, 1e-3)


@MODES.check(
    "no_rendering",
    "Without rendering the world goes on and cameras are silent",
    carla="no_rendering_mode: GPU sensors give nothing, everything else works.",
    source="Docs/adv_rendering_options.md",
)
def _no_rendering(context: Context) -> Iterator[Measured]:
    found = context.world.get_settings()
    settings = context.world.get_settings()
    settings.no_rendering_mode = True
    try:
        context.world.apply_settings(settings)
        before = context.tick()
        after = context.tick(5)
        images: list[int] = []
        place = carla.Transform(carla.Location(z=30.0))
        attributes = {"image_size_x": "32", "image_size_y": "32"}
        camera = context.spawn(carla.Sensor, "sensor.camera.rgb", place, attributes)
        camera.listen(lambda image: images.append(image.frame))
        context.tick(5)
        time.sleep(0.3)
        camera.stop()
    finally:
        context.world.apply_settings(found)
    yield Measured("frames in five ticks", after.frame - before.frame, expected=5)
    yield Measured("images", len(images), expected=0)
