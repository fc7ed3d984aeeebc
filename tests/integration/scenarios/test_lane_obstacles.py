"""Obstacles in the ego's lane on the embedded server: where they stand, what comes the other way, and when it is over."""

from __future__ import annotations

import math
from collections.abc import Generator

import pytest
from carried_ego import CarriedEgo, Motion, Play, Sight, carried_ego

from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.metrics.tick import ScenarioPhase

FREQUENCY = (30.0, 60.0)
ENDED = [ScenarioPhase.PLANNED, ScenarioPhase.TRIGGERED, ScenarioPhase.FINISHED]


@pytest.fixture(scope="module")
def server() -> Generator[EmbeddedServer]:
    with EmbeddedServer("Rampfield", seed=2) as running:
        yield running


@pytest.fixture
def arterial(server: EmbeddedServer) -> Generator[CarriedEgo]:
    """Two lanes a direction; the ego in the right one."""
    with carried_ego(server, "Rampfield", (-120.0, 7.0), (100.0, 7.0)) as ego:
        yield ego


@pytest.fixture
def narrow(server: EmbeddedServer) -> Generator[CarriedEgo]:
    """One lane a direction."""
    with carried_ego(server, "Rampfield", (389.0, 20.0), (230.0, 207.0)) as ego:
        yield ego


@pytest.fixture
def street(server: EmbeddedServer) -> Generator[CarriedEgo]:
    """One lane a direction and bays for parking."""
    with carried_ego(server, "Rampfield", (14.0, 209.0), (174.0, 213.0)) as ego:
        yield ego


def keeps_on(speed_mps: float, right_m: float = 0.0) -> Motion:
    return lambda _: (speed_mps, right_m)


def passes(from_m: float, to_m: float, right_m: float) -> Motion:
    """Go by at 8 m/s, to the side between two stations."""
    return lambda sight: (8.0, right_m if from_m < sight.station_m < to_m else 0.0)


def waits(at_m: float, until_s: float) -> Motion:
    return lambda sight: (0.0 if sight.station_m > at_m and sight.time_s < until_s else 8.0, 0.0)


def at_trigger(play: Play, part: str) -> list[tuple[float, float]]:
    """Where actors are from the trigger, ahead and to the right."""
    first = play.sights[1]
    return sorted((a.ahead_m, a.right_m) for a in first.of(part))


@pytest.mark.parametrize("direction", ["right", "left"])
def test_a_parked_car_stands_at_the_edge_of_the_lane(arterial: CarriedEgo, direction: str) -> None:
    play, background = arterial.play("ParkedObstacle", {"distance": "42", "direction": direction}, keeps_on(8.0, -3.5))
    side = 1.0 if direction == "right" else -1.0
    assert play.phases == ENDED and play.left_over == 0
    (car,) = at_trigger(play, "vehicle.")
    assert car[0] == pytest.approx(42.0, abs=3.0)
    assert car[1] - 3.5 == pytest.approx(side * 0.7 * 1.75, abs=0.2), "the ego is in the lane beside"
    assert len(play.sights[0].of("warningaccident")) == 1
    assert play.sights[-1].station_m == pytest.approx(20.0 + 42.0 + 50.0, abs=3.0), "50 m behind the car it is over"
    assert background.told[0] == ("space", 62.0) and background.told[-2:] == [("speed", 60.0), ("speed", None)]


def test_who_keeps_on_hits_the_parked_car_and_who_changes_lane_does_not(arterial: CarriedEgo) -> None:
    straight, _ = arterial.play("ParkedObstacle", {"distance": "42"}, keeps_on(10.0))
    aside, _ = arterial.play("ParkedObstacle", {"distance": "42"}, keeps_on(10.0, -3.5))
    assert straight.nearest_m == 0.0 and aside.nearest_m > 0.5


def test_an_accident_is_a_police_car_and_two_cars_behind_it(arterial: CarriedEgo) -> None:
    play, background = arterial.play("Accident", {"distance": "42", "speed": "55"}, keeps_on(8.0, 0.0))
    cars = play.sights[1].of("vehicle.")
    places = sorted((a.ahead_m, a.type_id) for a in cars)
    assert [round(ahead) for ahead, _ in places] == pytest.approx([42, 52, 58], abs=3)
    assert places[0][1] == "vehicle.dodge.charger_police_2020"
    assert all(a.right_m == pytest.approx(0.6 * 1.75, abs=0.3) for a in cars)
    assert play.nearest_m == 0.0, "an ego that keeps on drives into them"
    assert play.phases == ENDED and play.left_over == 0
    assert background.told[0] == ("space", 42.0 + 16.0 + 20.0) and ("speed", 55.0) in background.told


def test_a_construction_site_comes_up_at_the_trigger_and_closes_the_lane(arterial: CarriedEgo) -> None:
    play, background = arterial.play("ConstructionObstacle", {"distance": "42"}, keeps_on(8.0, -3.5))
    assert not play.before[-1].of("constructioncone") and len(play.before[-1].of("warningconstruction")) == 1
    cones = play.sights[2].of("constructioncone")
    assert len(cones) == 7 and len(play.sights[2].of("trafficwarning")) == 1
    rights = sorted(a.right_m + 0.0 for a in cones)
    assert rights[-1] - rights[0] == pytest.approx(3.0, abs=0.2), "they reach across the lane"
    assert max(a.ahead_m for a in cones) - min(a.ahead_m for a in cones) == pytest.approx(6.0, abs=0.3)
    assert play.phases == ENDED and play.left_over == 0
    assert background.told[0][0] == "remove" and background.told[-1][0] == "readd"


@pytest.mark.parametrize("kind", ["ParkedObstacleTwoWays", "AccidentTwoWays", "ConstructionObstacleTwoWays"])
def test_two_ways_leave_the_oncoming_lane_with_gaps_in_it(narrow: CarriedEgo, kind: str) -> None:
    play, background = narrow.play(kind, {"distance": "42", "frequency": FREQUENCY}, waits(45.0, 25.0), longest_s=45.0)
    assert play.phases == ENDED and play.left_over == 0
    opened = next(s for s in play.sights if s.wrong_way_allowed)
    assert 4.9 < opened.time_s < 15.0, "five seconds after the ego came near"
    standing = {a.actor_id for a in play.sights[1].of("vehicle.")}
    came = [a for s in play.sights for a in s.of("vehicle.") if a.actor_id not in standing]
    assert len({a.actor_id for a in came}) >= 3, "a flow"
    assert max(a.speed_mps for a in came) > 7.0
    passing = [a for a in came if -5.0 < a.ahead_m < 5.0]
    assert passing and all(a.right_m == pytest.approx(-3.5, abs=0.7) for a in passing)
    assert _least_spacing_m(play, standing) > 0.5 * FREQUENCY[0]
    assert ("opposite", False) in background.told and ("opposite", True) in background.told


def test_an_oncoming_driver_brakes_for_an_ego_in_its_lane(narrow: CarriedEgo) -> None:
    def motion(sight: Sight) -> tuple[float, float]:
        return (8.0 if sight.station_m < 45.0 else 0.0, -3.5 if sight.time_s > 5.0 else 0.0)

    parameters = {"distance": "42", "frequency": FREQUENCY}
    play, _ = narrow.play("ParkedObstacleTwoWays", parameters, motion, longest_s=20.0)
    late = [a for s in play.sights if s.time_s > 12.0 for a in s.of("vehicle.") if a.right_m > -1.0 and a.ahead_m > 0.0]
    assert any(a.speed_mps < 0.2 for a in late), "one stands before it"
    assert play.nearest_m > 1.0


def test_cyclists_ride_slowly_at_the_edge_and_are_left_behind(arterial: CarriedEgo) -> None:
    parameters = {"distance": "42", "bicycle_speed": "10", "bicycle_drive_distance": "60"}
    play, background = arterial.play("HazardAtSideLane", parameters, keeps_on(7.0, -3.5), longest_s=60.0)
    riders = play.sights[1].of("vehicle.")
    assert sorted(round(a.ahead_m) for a in riders) == pytest.approx([42, 51], abs=3)
    riding = [a for s in play.sights if 4.0 < s.time_s < 8.0 for a in s.of("vehicle.")]
    assert all(1.5 < a.speed_mps < 4.0 for a in riding), "about 10 km/h"
    assert all(a.right_m == pytest.approx(3.5 + 0.55 * 1.75, abs=0.4) for a in riding)
    assert play.phases == ENDED and play.left_over == 0
    assert background.told[0] == ("space", 42.0 + 9.0 + 20.0) and background.told[-1] == ("speed", None)
    straight, _ = arterial.play("HazardAtSideLane", parameters, keeps_on(10.0, 0.0), longest_s=12.0)
    assert straight.nearest_m == 0.0


def test_cyclists_between_two_ways_thin_the_oncoming_traffic_out(narrow: CarriedEgo) -> None:
    parameters = {"distance": "42", "frequency": "80"}
    play, background = narrow.play("HazardAtSideLaneTwoWays", parameters, waits(45.0, 12.0), longest_s=60.0)
    assert play.phases == ENDED and play.left_over == 0
    assert [value for what, value in background.told if what == "opposite"] == [80.0, 40.0]
    assert any(s.wrong_way_allowed for s in play.sights) and not play.sights[-1].wrong_way_allowed


def test_a_parked_car_stands_beside_the_lane_and_opens_its_door_in_time(street: CarriedEgo) -> None:
    play, background = street.play(
        "VehicleOpensDoorTwoWays", {"distance": "46", "frequency": FREQUENCY}, waits(58.0, 25.0), longest_s=45.0
    )
    assert play.phases == ENDED and play.left_over == 0
    (car,) = play.sights[1].of("vehicle.")
    assert car.ahead_m == pytest.approx(46.0, abs=3.0) and 1.6 < car.right_m < 3.2
    assert ("back", "stop") in background.told and background.told[-1] == ("back", "start")
    came = [a for s in play.sights for a in s.of("vehicle.") if a.actor_id != car.actor_id and abs(a.ahead_m) < 4.0]
    assert came and all(a.right_m < -2.0 for a in came), "in the oncoming lane"


def _least_spacing_m(play: Play, standing: set[int]) -> float:
    """The least distance between two vehicles of the flow while they drive."""
    least = math.inf
    for sight in play.sights:
        moving = [a for a in sight.of("vehicle.") if a.actor_id not in standing]
        for k, one in enumerate(moving):
            least = min([least, *(one.location.distance(other.location) for other in moving[k + 1 :])])
    return least
