"""Traffic lights take turns as CARLA's do; vehicles know the light, the sign and the stop line they are at."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from alpamayo_sim.frames import Transform
from alpamayo_sim.world.light_cycle import LightCycle
from alpamayo_sim.world.tables import LightColor, TrafficLightTable
from alpamayo_sim.world.world import World

RED, YELLOW, GREEN = LightColor.RED, LightColor.YELLOW, LightColor.GREEN


def cycle(lights: int, groups) -> LightCycle:
    table = TrafficLightTable()
    for _ in range(lights):
        table.append()
    return LightCycle(table, groups)


def test_controllers_of_a_junction_take_turns() -> None:
    lamps = cycle(3, (((0, 1), (2,)),))
    seen = []
    for _ in range(620):
        lamps.advance(0.05)
        state = tuple(lamps.lights.state.tolist())
        if not seen or seen[-1] != state:
            seen.append(state)
    assert seen == [(GREEN, GREEN, RED), (YELLOW, YELLOW, RED), (RED, RED, RED), (RED, RED, GREEN), (RED, RED, YELLOW),
                    (RED, RED, RED), (GREEN, GREEN, RED)]  # fmt: skip


@pytest.mark.parametrize(("color", "seconds"), [(GREEN, 10.0), (YELLOW, 3.0), (RED, 17.0)])
def test_stage_lengths_seen_by_a_light(color: LightColor, seconds: float) -> None:
    lamps = cycle(2, (((0,), (1,)),))
    states = []
    for _ in range(1200):
        lamps.advance(0.05)
        states.append(int(lamps.lights.state[0]))
    runs = np.flatnonzero(np.diff(states)) + 1
    lengths = {(states[a]): (b - a) * 0.05 for a, b in zip(runs[:-1], runs[1:], strict=True)}
    assert lengths[color] == pytest.approx(seconds, abs=0.16)


def test_a_light_without_controller_has_its_own_cycle_with_a_long_red() -> None:
    lamps = cycle(1, ())
    assert lamps.lights.red_s.tolist() == [10.0]
    assert lamps.lights.state.tolist() == [GREEN]


def town_with_light(flat_map, **kinds):
    box = SimpleNamespace(center=(200.0, 5.25, 0.5), extent=(1.5, 0.875, 1.0), yaw_deg=0.0)
    lights = tuple(
        SimpleNamespace(
            signal_id=f"{i}",
            transform=Transform(210.0, 10.0 + i, 0.0, 0.0, 90.0),
            trigger_box=box,
            lane_boxes=(box,) if i == 0 else (),
        )
        for i in range(kinds.get("lights", 0))
    )
    signs = tuple(
        SimpleNamespace(
            signal_id="s",
            type_id=kinds["sign"],
            transform=Transform(200.0, 12.0, 0.0),
            boxes=(box,),
            value=kinds.get("value", 0.0),
        )
        for _ in range("sign" in kinds)
    )
    groups = ((tuple((i,) for i in range(len(lights)))),) if lights else ()
    return World(
        SimpleNamespace(
            ground=flat_map.ground,
            lanes=flat_map.lanes,
            signals=SimpleNamespace(lights=lights, signs=signs, groups=groups),
        ),
        None,
    )


def drive_through(world: World, speed: float = 8.0, ticks: int = 120):
    car = world.spawn("vehicle.lincoln.mkz_2020", {}, Transform(180.0, 5.25, 0.0))
    world.enable_constant_velocity(car.id, (speed, 0.0, 0.0))
    for _ in range(ticks):
        world.step(0.05)
        record = world.vehicles.records[0]
        yield world.transform(car.id).x, record


def test_a_vehicle_has_the_light_while_it_is_in_the_box(flat_map) -> None:
    world = town_with_light(flat_map, lights=2)
    world.set_light_state(2, RED)
    world.freeze_all_lights(True)
    half = 2.4462
    seen = []
    for x, record in drive_through(world):
        if record["has_light"]:
            seen.append(x)
            assert record["light_id"] == 2 and record["light_state"] == RED
        else:
            assert record["light_id"] == 0 and record["light_state"] == GREEN
    assert seen[0] + half == pytest.approx(198.5, abs=0.5)
    assert seen[-1] - half == pytest.approx(201.5, abs=0.5)


def test_freeze_set_times_and_reset(flat_map) -> None:
    world = town_with_light(flat_map, lights=2)
    assert world.actors.ids.tolist() == [1, 2, 3]
    assert sorted(world.group_lights(3)) == [2, 3]
    world.set_light_green_time(2, 1.0)
    for _ in range(22):
        world.step(0.05)
    assert world.lights.state.tolist() == [YELLOW, RED]
    world.freeze_all_lights(True)
    for _ in range(200):
        world.step(0.05)
    assert world.lights.state.tolist() == [YELLOW, RED] and world.lights.frozen.all()
    world.freeze_all_lights(False)
    world.reset_light_group(3)
    assert world.lights.state.tolist() == [GREEN, RED]


def test_speed_limits_persist_after_the_sign(flat_map) -> None:
    world = town_with_light(flat_map, sign="traffic.speed_limit.60", value=60.0)
    limits = [(x, float(record["speed_limit_kmh"])) for x, record in drive_through(world)]
    assert limits[0][1] == 30.0 and limits[-1][1] == 60.0


def test_a_stop_sign_shows_red_for_two_seconds_without_a_light(flat_map) -> None:
    world = town_with_light(flat_map, sign="traffic.stop")
    states = [(int(record["light_state"]), bool(record["has_light"])) for _, record in drive_through(world)]
    assert not any(has for _, has in states)
    assert 0.05 * sum(state == RED for state, _ in states) == pytest.approx(2.0, abs=0.11)
    assert states[-1][0] == GREEN


def test_a_stop_sign_waits_for_traffic_on_the_junction(flat_map) -> None:
    world = town_with_light(flat_map, sign="traffic.stop")
    other = world.spawn("vehicle.audi.tt", {}, Transform(212.0, 8.75, 0.0))
    world.set_simulate_physics(other.id, False)
    world.actors.velocity_mps[world.row(other.id)] = (0.0, 1.0, 0.0)
    states = []
    car = world.spawn("vehicle.lincoln.mkz_2020", {}, Transform(199.0, 5.25, 0.0))
    for tick in range(120):
        world.step(0.05)
        states.append(int(world.vehicles.light_state[world.vehicle(car.id, "")]))
        if tick == 70:
            world.actors.velocity_mps[world.row(other.id)] = 0.0
    assert states[65] == RED and states[-1] == GREEN
