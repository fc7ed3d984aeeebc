"""People and vehicles that get into the ego's way, on the embedded server: hidden before, in time to be hit, avoidable, gone."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import carla
import pytest
from carried_ego import STEP_S, Motion, Parameters, Play, Sight, carried_ego

from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.metrics.tick import ScenarioPhase

ENDED = [ScenarioPhase.PLANNED, ScenarioPhase.TRIGGERED, ScenarioPhase.FINISHED]
TOUCH_M = 0.3
"""A carried ego pushes people away, who then are this close to it."""


@dataclass(frozen=True)
class Place:
    """Where a type is played: the route, and the trigger's distance along it."""

    kind: str
    through: tuple[tuple[float, float], ...]
    trigger_m: float
    parameters: Parameters
    part: str
    """Of the blueprint's name of who gets into the way."""
    people: int = 1


OBJECT = Place(
    "DynamicObjectCrossing", ((-1.8, -277.1), (-1.8, -130.0)), 5.0,
    {"distance": "48", "blocker_model": "static.prop.advertisement"}, "walker.",
)  # fmt: skip
AVENUE_TURN = ((169.9, -331.8), (133.9, -331.8), (113.2, -307.9), (113.2, -261.9))
LEFT = ((297.9, -1.8), (249.9, -1.8), (226.8, -26.0), (226.8, -68.1), (226.8, -95.0))
RIGHT_OF_WAY = ((116.8, -263.2), (116.8, -310.8), (94.0, -331.8), (46.0, -331.8))
STRAIGHT = ((170.0, -213.3), (206.0, -213.3), (241.0, -213.3), (294.0, -213.3))
INTO_ITS_WAY = ((170.0, -213.3), (206.0, -213.3), (226.8, -250.0), (226.8, -285.0))
PLACES = (
    OBJECT,
    Place("PedestrianCrossing", AVENUE_TURN, 4.0, {}, "walker.", 3),
    Place("VehicleTurningRoute", LEFT, 22.0, {}, "diamondback"),
    Place("VehicleTurningRoutePedestrian", LEFT, 22.0, {}, "walker."),
    Place("OppositeVehicleTakingPriority", RIGHT_OF_WAY, 17.0, {"direction": "right"}, "vehicle."),
    Place("OppositeVehicleRunningRedLight", INTO_ITS_WAY, 4.0, {"direction": "right"}, "vehicle."),
    Place("OppositeVehicleRunningRedLight", STRAIGHT, 4.0, {"direction": "left"}, "vehicle."),
)


@pytest.fixture(scope="module")
def gridvale() -> Generator[EmbeddedServer]:
    with EmbeddedServer("Gridvale", seed=2) as running:
        yield running


@pytest.fixture(scope="module")
def oldwick() -> Generator[EmbeddedServer]:
    with EmbeddedServer("Oldwick", seed=2) as running:
        yield running


def play(server: EmbeddedServer, place: Place, motion: Motion, town: str = "Gridvale") -> Play:
    with carried_ego(server, town, *place.through) as ego:
        return ego.play(
            place.kind, place.parameters, motion, trigger_m=place.trigger_m, longest_s=45.0, with_velocity=True
        )[0]


def keeps_on(speed_mps: float) -> Motion:
    return lambda _: (speed_mps, 0.0)


def gives_way(part: str) -> Motion:
    """Drive at 8 m/s; brake by 6 m/s^2 while somebody is under way and still before the ego."""
    speed = 8.0

    def motion(sight: Sight) -> tuple[float, float]:
        nonlocal speed
        someone = any(a.speed_mps > 0.5 and a.ahead_m > 0.0 for a in sight.of(part))
        speed = max(0.0, speed - 6.0 * STEP_S) if someone else min(8.0, speed + 2.0 * STEP_S)
        return speed, 0.0

    return motion


def gap_m(seen: Play, part: str) -> float:
    return min((a.gap_m for s in seen.sights for a in s.of(part)), default=math.inf)


def sets_out(seen: Play, part: str) -> Sight:
    return next(s for s in seen.sights if any(a.speed_mps > 0.5 for a in s.of(part)))


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.kind)
def test_who_keeps_on_is_met_and_who_gives_way_gets_through(gridvale: EmbeddedServer, place: Place) -> None:
    straight = play(gridvale, place, keeps_on(8.0))
    careful = play(gridvale, place, gives_way(place.part))
    assert straight.phases == ENDED and straight.left_over == 0
    assert careful.phases == ENDED and careful.left_over == 0
    assert max(len(s.of(place.part)) for s in straight.sights) == place.people
    assert gap_m(straight, place.part) < TOUCH_M < 0.5 < gap_m(careful, place.part)
    if place.part == "walker.":
        assert not any(s.of("walker.") for s in straight.before), "out of sight before the trigger"


@pytest.mark.parametrize("speed_mps", [5.0, 8.0, 12.0])
def test_the_pedestrian_steps_out_in_time_for_the_egos_speed(gridvale: EmbeddedServer, speed_mps: float) -> None:
    seen = play(gridvale, OBJECT, keeps_on(speed_mps))
    left_m = OBJECT.trigger_m + 48.0 - sets_out(seen, "walker.").station_m
    assert left_m / speed_mps == pytest.approx(2.1, abs=0.3)
    assert gap_m(seen, "walker.") < TOUCH_M
    (walker,) = sets_out(seen, "walker.").of("walker.")
    (hides,) = seen.sights[1].of("advertisement")
    assert walker.right_m > 2.5 and hides.right_m > 2.5, "both stand beside the ego's lane"
    free = [a.speed_mps for s in seen.sights for a in s.of("walker.") if a.speed_mps > 0.5 and a.ahead_m > 4.0]
    assert free[len(free) // 2] == pytest.approx(2.0, abs=0.1), "until the ego hits it"


def test_a_pedestrian_hides_behind_a_parked_car(oldwick: EmbeddedServer) -> None:
    through = ((17.9, 152.2), (52.4, 159.8), (87.5, 169.0), (122.8, 160.8))
    parameters = {"distance": "38", "direction": "right", "crossing_angle": "6"}
    place = Place("ParkingCrossingPedestrian", through, 13.9, parameters, "walker.")
    straight = play(oldwick, place, keeps_on(8.0), "Oldwick")
    careful = play(oldwick, place, gives_way("walker."), "Oldwick")
    assert straight.phases == careful.phases == ENDED and straight.left_over == careful.left_over == 0
    assert gap_m(straight, "walker.") < TOUCH_M < 0.5 < gap_m(careful, "walker.")
    (car,) = straight.sights[1].of("vehicle.")
    assert car.right_m > 2.0 and straight.nearest_m > 0.5, "the car itself leaves the lane free"
    out = sets_out(straight, "walker.")
    (walker,), (parked,) = out.of("walker."), out.of("vehicle.")
    assert 0.5 < walker.ahead_m - parked.ahead_m < 5.0, "just beyond the car"


def test_the_red_light_is_run_while_the_egos_is_green(gridvale: EmbeddedServer) -> None:
    shown: list[int] = []
    place = PLACES[-1]
    with carried_ego(gridvale, "Gridvale", *place.through) as ego:
        world = ego.world.world
        entry = next(k for k in range(len(ego.route.points)) if ego.route.in_junction[k])
        x, y, z = (float(v) for v in ego.route.points[entry])
        junction = world.get_map().get_waypoint(carla.Location(x, y, z)).get_junction()
        lights = world.get_traffic_lights_in_junction(junction.id)

        def motion(sight: Sight) -> tuple[float, float]:
            shown.append(sum(light.get_state() == carla.TrafficLightState.Green for light in lights))
            return 8.0, 0.0

        seen, _ = ego.play(place.kind, place.parameters, motion, trigger_m=place.trigger_m, with_velocity=True)
    assert seen.phases == ENDED
    assert len(lights) > 1 and set(shown[2:]) == {1}, "one light is green, all others are red"
    assert max(a.speed_mps for s in seen.sights for a in s.of("vehicle.")) == pytest.approx(60.0 / 3.6, abs=0.5)
