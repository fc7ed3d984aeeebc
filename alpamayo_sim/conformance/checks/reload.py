"""Loading worlds: what stays and what goes."""

from __future__ import annotations

from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured, Skip
from alpamayo_sim.conformance.context import CAR, Context

RELOAD = Family("reload")
_LOAD_TIMEOUT_S = 120.0
_CALL_TIMEOUT_S = 30.0


def _load(context: Context, name: str | None, *, reset_settings: bool) -> None:
    context.client.set_timeout(_LOAD_TIMEOUT_S)
    try:
        if name is None:
            context.client.reload_world(reset_settings)
        else:
            context.client.load_world(name, reset_settings)
    finally:
        context.client.set_timeout(_CALL_TIMEOUT_S)
    context.refresh()


@RELOAD.check(
    "reload",
    "Reloading keeps the map and the settings that are asked to stay, and ends the actors",
    carla="The name stays, the episode is another one, vehicles are gone; reset_settings=False keeps synchronous mode.",
    source="PythonAPI/test/smoke/test_map.py; Docs/python_api.md, carla.Client.reload_world",
    loads_world=True,
    limit_s=180.0,
)
def _reload(context: Context) -> Iterator[Measured]:
    vehicle = context.spawn(carla.Vehicle, CAR, context.places.spot(0))
    before = context.tick()
    name, episode = context.map.name, context.world.id
    _load(context, None, reset_settings=False)
    yield Measured("the map's name stays", context.map.name == name, expected=True)
    yield Measured("the episode is another one", context.world.id != episode, expected=True)
    yield Measured("synchronous mode stays", context.world.get_settings().synchronous_mode, expected=True)
    snapshot = context.tick()
    yield Measured("the vehicle is gone", snapshot.has_actor(vehicle.id), expected=False)
    yield Measured("vehicles", len(context.world.get_actors().filter("vehicle.*")), expected=0)
    yield Measured("frames go on", snapshot.frame > before.frame)
    yield Measured("elapsed seconds begin anew", snapshot.timestamp.elapsed_seconds < 5.0, expected=True)
    again = context.spawn(carla.Vehicle, CAR, context.places.spot(0))
    yield Measured("the new world can be spawned in", context.tick().has_actor(again.id), expected=True)


@RELOAD.check(
    "reset_settings",
    "Reloading resets the settings by default",
    carla="reset_settings=True: asynchronous mode, no fixed step.",
    source="Docs/python_api.md, carla.Client.reload_world; Carla/Game/CarlaEpisode.cpp LoadNewEpisode",
    loads_world=True,
    limit_s=180.0,
)
def _reset_settings(context: Context) -> Iterator[Measured]:
    _load(context, None, reset_settings=True)
    settings = context.world.get_settings()
    yield Measured("synchronous mode", settings.synchronous_mode, expected=False)
    yield Measured("a fixed step is kept", bool(settings.fixed_delta_seconds), expected=False)


@RELOAD.check(
    "other_map",
    "Another map can be loaded, and the first one again",
    carla="load_world shows the map that was asked for; the episode and the map's contents change.",
    source="PythonAPI/test/smoke/test_map.py",
    loads_world=True,
    limit_s=400.0,
    quick=False,
)
def _other_map(context: Context) -> Iterator[Measured]:
    first = context.map.name.rsplit("/", 1)[-1]
    names = sorted(path.rsplit("/", 1)[-1] for path in context.client.get_available_maps())
    others = [name for name in names if name != first]
    if not others or first not in names:
        raise Skip("the server has no other map")
    text = context.map.to_opendrive()
    _load(context, others[0], reset_settings=False)
    yield Measured("map", context.map.name.rsplit("/", 1)[-1], expected=others[0])
    yield Measured("its OpenDRIVE is another one", context.map.to_opendrive() != text, expected=True)
    _load(context, first, reset_settings=False)
    yield Measured("map after the way back", context.map.name.rsplit("/", 1)[-1], expected=first)
    yield Measured("its OpenDRIVE is as before", context.map.to_opendrive() == text, expected=True)
    context.tick()
