"""Traffic lights: how they cycle, how they are grouped, and what vehicles learn of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import carla

from alpamayo_sim.conformance.check import Family, Measured, Skip
from alpamayo_sim.conformance.context import CAR, STEP_S, Context

LIGHTS = Family("lights")
_CYCLES = "Carla/Traffic/TrafficLightController.cpp, TrafficLightGroup.cpp"
State = carla.TrafficLightState


def all_lights(context: Context) -> list[carla.TrafficLight]:
    """Return the town's lights in the order of their ids; Skip if it has none."""
    found = [
        a for a in context.world.get_actors().filter("traffic.traffic_light*") if isinstance(a, carla.TrafficLight)
    ]
    if not found:
        raise Skip("the town has no traffic lights")
    return sorted(found, key=lambda light: light.id)


def _smallest_group(context: Context, least: int = 2) -> list[carla.TrafficLight]:
    """Return the lights of the smallest group that has at least `least`."""
    groups: list[list[carla.TrafficLight]] = []
    seen: set[int] = set()
    for light in all_lights(context):
        if light.id not in seen:
            group = sorted(light.get_group_traffic_lights(), key=lambda member: member.id)
            seen.update(member.id for member in group)
            groups.append(group)
    large = [group for group in groups if len(group) >= least]
    if not large:
        raise Skip(f"the town has no group of {least} lights")
    return min(large, key=lambda group: (len(group), group[0].id))


def _restart(context: Context) -> None:
    context.world.freeze_all_traffic_lights(False)
    context.world.reset_all_traffic_lights()
    context.tick()


@LIGHTS.check(
    "times",
    "Lights have CARLA's default times, and times that are set come back",
    carla="Green 10 s, yellow 3 s, red 2 s for every light when a map is loaded.",
    source="CARLA recordings (times of every light at the start); " + _CYCLES,
)
def _times(context: Context) -> Iterator[Measured]:
    lights = all_lights(context)
    for name, expected in (("green", 10.0), ("yellow", 3.0), ("red", 2.0)):
        values = {round(getattr(light, f"get_{name}_time")(), 3) for light in lights}
        yield Measured(f"smallest {name} time", min(values), "s", expected, 0.01)
        yield Measured(f"largest {name} time", max(values), "s", expected, 0.01)
    light = lights[0]
    found = (light.get_green_time(), light.get_yellow_time(), light.get_red_time())
    try:
        light.set_green_time(7.5)
        light.set_yellow_time(2.5)
        light.set_red_time(4.5)
        context.tick(2)
        yield Measured("green after 7.5 was set", light.get_green_time(), "s", 7.5, 1e-3)
        yield Measured("yellow after 2.5 was set", light.get_yellow_time(), "s", 2.5, 1e-3)
        yield Measured("red after 4.5 was set", light.get_red_time(), "s", 4.5, 1e-3)
    finally:
        _set_times([light], *found)
        context.tick()


def _set_times(lights: Sequence[carla.TrafficLight], green: float, yellow: float, red: float) -> None:
    for light in lights:
        light.set_green_time(green)
        light.set_yellow_time(yellow)
        light.set_red_time(red)


@LIGHTS.check(
    "groups",
    "Lights of one junction form a group that all its members tell alike",
    carla="get_group_traffic_lights gives all lights of the junction's group, the asked one included.",
    source="CarlaServer.cpp get_group_traffic_lights; Docs/python_api.md",
)
def _groups(context: Context) -> Iterator[Measured]:
    lights = all_lights(context)
    groups = {light.id: frozenset(m.id for m in light.get_group_traffic_lights()) for light in lights}
    with_itself = all(light_id in members for light_id, members in groups.items())
    yield Measured("every light is in its own group", with_itself, expected=True)
    alike = all(groups.get(member) == members for members in groups.values() for member in members)
    yield Measured("all members tell the same group", alike, expected=True)
    yield Measured("lights", len(lights))
    yield Measured("groups", len(set(groups.values())))


@LIGHTS.check(
    "cycle",
    "A group runs green, yellow, red, controller by controller, for the times that are set",
    carla="The current controller runs its three stages; the others stand at red; then the next one is current.",
    source=_CYCLES,
)
def _cycle(context: Context) -> Iterator[Measured]:
    group = _smallest_group(context)
    found = [(light, light.get_green_time(), light.get_yellow_time(), light.get_red_time()) for light in group]
    try:
        _set_times(group, 1.0, 0.5, 0.4)
        _restart(context)
        yield from _measure_cycle(context, group, 1.0, 0.5, 0.4, 3 * len(group) + 3)
    finally:
        for light, *times in found:
            _set_times([light], *times)
        _restart(context)


@LIGHTS.check(
    "default_cycle",
    "With the default times the cycle is 10 s, 3 s, 2 s",
    carla="Green 10 s, yellow 3 s, then 2 s of red for all before the next controller's green.",
    source="CARLA recording: yellow at 9.88 s, red at 12.89 s, next head green at 14.90 s",
    quick=False,
    limit_s=180.0,
)
def _default_cycle(context: Context) -> Iterator[Measured]:
    group = _smallest_group(context)
    _restart(context)
    yield from _measure_cycle(context, group, 10.0, 3.0, 2.0, 16 * len(group) + 16)


def _measure_cycle(
    context: Context, group: Sequence[carla.TrafficLight], green: float, yellow: float, red: float, limit_s: float
) -> Iterator[Measured]:
    """Watch a group through more than one cycle and measure how long each state of one light lasts."""
    history: list[tuple[State, ...]] = []
    for _ in range(round(limit_s / STEP_S)):
        context.tick()
        history.append(tuple(light.get_state() for light in group))
    watched = [states[0] for states in history]
    tolerance = 1.6 * STEP_S
    yield Measured("length of green", _length_s(watched, State.Green), "s", green, tolerance)
    yield Measured("length of yellow", _length_s(watched, State.Yellow), "s", yellow, tolerance)
    controllers = len({tuple(states[k] for states in history) for k in range(len(group))})
    # A stage ends when more than its time has passed, so each may last a step longer.
    late = STEP_S * (1.6 + 3 * (controllers - 1))
    all_red = red + (controllers - 1) * (green + yellow + red)
    yield Measured("length of red", _length_s(watched, State.Red), "s", round(all_red, 3), late)
    yield Measured("controllers that take turns", controllers)
    at_once = max(len({watched_by for watched_by in _going(states, history, group)}) for states in history)
    yield Measured("controllers that are green or yellow at once", at_once, expected=1)
    order = [state for state, before in zip(watched[1:], watched[:-1], strict=True) if state != before]
    follows = {State.Green: State.Yellow, State.Yellow: State.Red, State.Red: State.Green}
    in_order = all(follows.get(one) == other for one, other in zip(order[:-1], order[1:], strict=True))
    yield Measured("green, yellow, red in this order", in_order, expected=True)


def _going(
    states: tuple[State, ...], history: Sequence[tuple[State, ...]], group: Sequence[carla.TrafficLight]
) -> list[tuple[State, ...]]:
    """Return the histories of the lights that may be passed; lights of one controller share theirs."""
    return [tuple(h[k] for h in history) for k in range(len(group)) if states[k] in (State.Green, State.Yellow)]


def _length_s(states: Sequence[State], wanted: State) -> float:
    """Return how long the first whole stretch of a state lasts; 0 if there is none."""
    start: int | None = None
    for k in range(1, len(states)):
        if states[k] == wanted and states[k - 1] != wanted:
            start = k
        elif states[k] != wanted and states[k - 1] == wanted and start is not None:
            return STEP_S * (k - start)
    return 0.0


@LIGHTS.check(
    "elapsed",
    "The elapsed time of the current stage grows with the simulation's",
    carla="elapsed grows by the step and starts anew with each stage.",
    source=_CYCLES,
)
def _elapsed(context: Context) -> Iterator[Measured]:
    group = _smallest_group(context, least=1)
    _restart(context)
    light = next((member for member in group if member.get_state() == State.Green), group[0])
    before = light.get_elapsed_time()
    context.tick(20)
    yield Measured("elapsed time's growth in one second", light.get_elapsed_time() - before, "s", 1.0, 0.06)


@LIGHTS.check(
    "freeze",
    "Frozen lights keep their states and their times",
    carla="freeze stops all groups: states and elapsed times stand; is_frozen tells; afterwards they go on.",
    source="CarlaServer.cpp freeze_all_traffic_lights; Docs/python_api.md, carla.TrafficLight.freeze",
)
def _freeze(context: Context) -> Iterator[Measured]:
    lights = all_lights(context)
    _restart(context)
    context.tick(3)
    try:
        lights[0].freeze(True)
        context.tick()
        states, elapsed = [light.get_state() for light in lights], [light.get_elapsed_time() for light in lights]
        yield Measured("all lights call themselves frozen", all(li.is_frozen() for li in lights), expected=True)
        context.tick(round(12.0 / STEP_S))
        changed = sum(light.get_state() != state for light, state in zip(lights, states, strict=True))
        drift = max(abs(li.get_elapsed_time() - e) for li, e in zip(lights, elapsed, strict=True))
        yield Measured("lights that changed in 12 s", changed, expected=0)
        yield Measured("largest change of an elapsed time", drift, "s", 0.0, 1e-3)
    finally:
        lights[0].freeze(False)
    context.tick(2)
    yield Measured("lights that stay frozen", sum(light.is_frozen() for light in lights), expected=0)


@LIGHTS.check(
    "set_state",
    "A state that is set shows at the next tick, and stays while frozen",
    carla="set_state changes this light at once; the group's timer goes on and overwrites it, unless frozen.",
    source="Docs/python_api.md, carla.TrafficLight.set_state; " + _CYCLES,
)
def _set_state(context: Context) -> Iterator[Measured]:
    light = all_lights(context)[0]
    _restart(context)
    context.world.freeze_all_traffic_lights(True)
    try:
        for state in (State.Yellow, State.Green, State.Off, State.Red):
            light.set_state(state)
            context.tick()
            yield Measured(f"state after {state} was set", str(light.get_state()), expected=str(state))
        context.tick(30)
        yield Measured("state 1.5 s later", str(light.get_state()), expected=str(State.Red))
    finally:
        _restart(context)


@LIGHTS.check(
    "reset_group",
    "Resetting a group starts its cycle anew",
    carla="All lights of the group go to red, then the first controller begins its green.",
    source=_CYCLES,
)
def _reset_group(context: Context) -> Iterator[Measured]:
    group = _smallest_group(context)
    _restart(context)
    first = [light.get_state() for light in group]
    context.tick(round(14.0 / STEP_S))
    group[0].reset_group()
    context.tick()
    yield Measured("states as after the first start", [li.get_state() for li in group] == first, expected=True)
    going = sum(light.get_state() == State.Green for light in group)
    yield Measured("some are green and some red", 0 < going < len(group) or len(group) == 1, expected=True)
    youngest = min(light.get_elapsed_time() for light in group if light.get_state() == State.Green) if going else 99.0
    yield Measured("elapsed time of the green ones", youngest, "s", 0.0, 0.11)


@LIGHTS.check(
    "vehicle_at_light",
    "A vehicle in front of a light knows it, and forgets it when it is away",
    carla="In the trigger box is_at_traffic_light is true, with the light and its state; outside it is false and green.",
    source="Carla/Traffic/TrafficLightComponent.cpp, WheeledVehicleAIController; Docs/python_api.md",
)
def _vehicle_at_light(context: Context) -> Iterator[Measured]:
    away = context.places.straight(60.0).at(30.0)
    for light in all_lights(context):
        stops = [w for w in light.get_stop_waypoints() if w.lane_type == carla.LaneType.Driving]
        if stops:
            break
    else:
        raise Skip("no light of the town has stop waypoints")
    stop = stops[0]
    earlier = stop.previous(6.0)
    place = (earlier[0] if earlier else stop).transform
    place.location.z += 0.3
    vehicle = context.car(place)
    context.world.freeze_all_traffic_lights(True)
    try:
        light.set_state(State.Red)
        vehicle.enable_constant_velocity(carla.Vector3D(2.0, 0.0, 0.0))
        ticks = context.tick_until(vehicle.is_at_traffic_light, 120)
        yield Measured("it comes to be at a light", ticks <= 120, expected=True)
        context.tick()
        seen = vehicle.get_traffic_light()
        yield Measured("which light", "none" if seen is None else seen.get_opendrive_id(), diff_tolerance=0.0)
        yield Measured("the light that was approached", seen is not None and seen.id == light.id, expected=True)
        yield Measured("state that it is told", str(vehicle.get_traffic_light_state()), expected=str(State.Red))
        light.set_state(State.Green)
        context.tick(2)
        yield Measured("state after it turned green", str(vehicle.get_traffic_light_state()), expected=str(State.Green))
        vehicle.disable_constant_velocity()
        vehicle.set_transform(away)
        context.tick(10)
        yield Measured("at a light when it is away", vehicle.is_at_traffic_light(), expected=False)
        yield Measured("state when away", str(vehicle.get_traffic_light_state()), expected=str(State.Green))
    finally:
        _restart(context)


@LIGHTS.check(
    "places",
    "Lights know their signal, their stop lines and the lanes that they rule",
    carla="get_opendrive_id is a signal of the map; stop waypoints and affected lanes are driving lanes; boxes exist.",
    source="LibCarla/source/carla/client/TrafficLight.cpp; Docs/python_api.md",
)
def _places(context: Context) -> Iterator[Measured]:
    lights = all_lights(context)
    signals = {landmark.id for landmark in context.map.get_all_landmarks()}
    unknown = sum(light.get_opendrive_id() not in signals for light in lights)
    yield Measured("lights whose signal the map does not have", unknown, expected=0)
    yield Measured("lights without stop waypoints", sum(not light.get_stop_waypoints() for light in lights))
    lanes = [light.get_affected_lane_waypoints() for light in lights]
    yield Measured("lights without affected lanes", sum(not found for found in lanes))
    yield Measured("lights without light boxes", sum(not light.get_light_boxes() for light in lights), expected=0)
    extents = [light.trigger_volume.extent for light in lights]
    yield Measured("lights without a trigger volume", sum(e.x <= 0.0 or e.y <= 0.0 for e in extents), expected=0)


@LIGHTS.check(
    "speed_limit",
    "A vehicle that has passed no speed sign has a limit of 30 km/h",
    carla="The limit is 30 km/h at the spawn, until a speed sign's box is entered.",
    source="Carla/Vehicle/WheeledVehicleAIController.h (SpeedLimit = 30)",
)
def _speed_limit(context: Context) -> Iterator[Measured]:
    high = context.places.straight(40.0).at(12.0)
    high.location.z += 50.0
    vehicle = context.spawn(carla.Vehicle, CAR, high)
    context.tick()
    yield Measured("limit of a vehicle spawned in the air", vehicle.get_speed_limit(), "km/h", 30.0, 0.01)
