"""Scenarios that push the ego on the embedded server: cars over the line, an ambulance, dirt, a green light, hard braking."""

from __future__ import annotations

from collections.abc import Generator

import carla
import pytest
from carried_ego import CarriedEgo, Sight, carried_ego

from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.metrics.tick import ScenarioPhase
from alpamayo_sim.roads.road_map import load_road_map

ENDED = [ScenarioPhase.PLANNED, ScenarioPhase.TRIGGERED, ScenarioPhase.FINISHED]
BEND = {"distance": "55", "offset": "0.3"}
HALF_LANE_M = 1.75


@pytest.fixture(scope="module")
def server() -> Generator[EmbeddedServer]:
    with EmbeddedServer("Gridvale", seed=2) as running:
        yield running


@pytest.fixture
def avenue(server: EmbeddedServer) -> Generator[CarriedEgo]:
    """Two lanes a direction up to a junction with lights, and on."""
    with carried_ego(server, "Gridvale", (240.0, -210.1), (440.0, -210.1)) as ego:
        yield ego


@pytest.fixture
def bend(server: EmbeddedServer) -> Generator[CarriedEgo]:
    """One lane a direction round a corner of the town."""
    with carried_ego(server, "Gridvale", (359.0, 2.0), (472.0, -82.0)) as ego:
        yield ego


def test_oncoming_cars_come_over_the_line_beside_cones(bend: CarriedEgo) -> None:
    play, background = bend.play("InvadingTurn", BEND, lambda s: (6.0 if s.time_s > 8.0 else 0.0, 0.0))
    assert play.phases == ENDED and play.left_over == 0
    assert not play.before[-1].of("constructioncone") and len(play.sights[2].of("constructioncone")) == 6
    along = [s for s in play.sights if s.time_s < 16.0]
    beside = [a for s in along for a in s.of("vehicle.") if abs(a.ahead_m) < 2.0]
    assert beside, "they pass the ego"
    wanted = -HALF_LANE_M - (HALF_LANE_M - (0.3 + HALF_LANE_M - 0.7))
    assert all(a.right_m == pytest.approx(wanted, abs=0.35) for a in beside)
    told = [what for what, _ in background.told]
    assert told == ["remove", "opposite", "readd", "opposite"]


def test_keeping_to_the_right_makes_room_in_the_bend(bend: CarriedEgo) -> None:
    def nearest(right_m: float) -> float:
        return bend.play("InvadingTurn", BEND, lambda s: (6.0 if s.time_s > 8.0 else 0.0, right_m))[0].nearest_m

    middle, right = nearest(0.0), nearest(0.6)
    assert middle < 0.45 and right > middle + 0.4


def test_who_does_not_make_way_has_the_ambulance_behind_until_it_is_over(avenue: CarriedEgo) -> None:
    play, background = avenue.play("YieldToEmergencyVehicle", {"distance": "28"}, lambda _: (6.0, 0.0), trigger_m=45.0)
    assert play.phases == ENDED and play.left_over == 0
    assert not play.before[-1].of("vehicle."), "it waits below the ground"
    track = [(s.time_s, a) for s in play.sights for a in s.of("vehicle.") if a.actor_id == play.emergency_vehicle_id]
    assert track[2][1].ahead_m == pytest.approx(-28.0, abs=3.0)
    assert all(a.ahead_m < -4.0 for _, a in track[2:]) and play.nearest_m > 2.0, "it does not run into the ego"
    assert track[-1][0] == pytest.approx(10.0, abs=0.5)
    assert background.told == [("remove", background.told[0][1]), ("readd", background.told[0][1])]


def test_who_makes_way_is_passed_at_great_speed(avenue: CarriedEgo) -> None:
    def motion(sight: Sight) -> tuple[float, float]:
        return 6.0, -3.5 if sight.time_s > 2.0 else 0.0

    play, _ = avenue.play("YieldToEmergencyVehicle", {"distance": "28"}, motion, trigger_m=45.0)
    assert play.phases == ENDED and play.left_over == 0
    last = [a for a in play.sights[-1].of("vehicle.") if a.actor_id == play.emergency_vehicle_id]
    assert last and last[0].ahead_m > 20.0, "it is ahead"
    assert max(a.speed_mps for s in play.sights for a in s.of("vehicle.")) > 20.0
    assert play.sights[-1].time_s < 9.0


def test_dirt_disturbs_steering_and_throttle_only_where_it_lies(avenue: CarriedEgo) -> None:
    wanted = carla.VehicleControl(throttle=0.5, steer=0.1)
    play, _ = avenue.play("ControlLoss", {}, lambda _: (8.0, 0.0), wanted=wanted)
    assert play.phases == ENDED and play.left_over == 0
    assert len(play.sights[0].of("dirtdebris")) == 3
    travelled = [s.station_m - play.sights[0].station_m for s in play.sights]
    disturbed = [
        m for m, c in zip(travelled, play.controls, strict=True) if abs(c.steer - 0.1) > 1e-6 or c.throttle != 0.5
    ]
    assert disturbed and all(min(abs(m - place) for place in (14.0, 48.0, 74.0)) < 5.0 for m in disturbed)
    for place in (14.0, 48.0, 74.0):
        assert any(abs(m - place) < 2.0 for m in disturbed)
    steers = [c.steer - 0.1 for c in play.controls if abs(c.steer - 0.1) > 1e-6]
    assert max(abs(s) for s in steers) == pytest.approx(0.08, abs=0.04)
    assert travelled[-1] == pytest.approx(110.0, abs=2.0)
    again, _ = avenue.play("ControlLoss", {}, lambda _: (8.0, 0.0), wanted=wanted)
    assert [c.steer for c in again.controls] == [c.steer for c in play.controls], "the same for the same seed"


def test_the_traffic_ahead_brakes_for_ten_seconds(avenue: CarriedEgo) -> None:
    play, background = avenue.play("HardBreakRoute", {}, lambda s: (0.0 if s.time_s < 12.0 else 8.0, 0.0))
    assert play.phases == ENDED
    assert background.told == [("front", "stop"), ("front", "start")]
    assert play.sights[-1].time_s == pytest.approx(12.0 + 15.0 / 8.0, abs=0.3), "15 m after they have gone"


def test_the_light_is_green_until_the_ego_is_through(avenue: CarriedEgo) -> None:
    world = avenue.world.world
    states: list[tuple[float, int, int]] = []

    def motion(sight: Sight) -> tuple[float, float]:
        lights = [a for a in world.get_actors().filter("traffic.traffic_light") if isinstance(a, carla.TrafficLight)]
        near = sorted(lights, key=lambda light: light.id)
        green = sum(light.get_state() == carla.TrafficLightState.Green for light in near if light.id in ids)
        states.append((sight.time_s, green, len(ids)))
        return 8.0, 0.0

    entry = next(k for k in range(len(avenue.route.points)) if avenue.route.in_junction[k])
    x, y, z = (float(v) for v in avenue.route.points[entry])
    junction = load_road_map("Gridvale").carla_map.get_waypoint(carla.Location(x, y, z)).get_junction()
    ids = {light.id for light in world.get_traffic_lights_in_junction(junction.id)}
    play, _ = avenue.play("PriorityAtJunction", {}, motion)
    assert play.phases == ENDED
    assert len(ids) > 1
    held = [green for time_s, green, _ in states if 0.2 < time_s < play.sights[-1].time_s - 0.2]
    assert held and all(green == 1 for green in held), "the ego's alone"
    assert play.sights[-1].station_m > float(avenue.route.arc_length_m[entry]) + 10.0
