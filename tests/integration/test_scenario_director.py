"""The director on the embedded server: what is planned, skipped, triggered, finished and timed out, and that nothing is left."""

from __future__ import annotations

from collections.abc import Generator
from typing import ClassVar

import carla
import pytest
from standing_world import begin_anew

from alpamayo_scenarios.background.commands import Background
from alpamayo_scenarios.director import ScenarioDirector
from alpamayo_scenarios.library.conditions import driven
from alpamayo_scenarios.library.errors import ScenarioSetupError
from alpamayo_scenarios.library.lanes import ahead
from alpamayo_scenarios.library.parameters import number
from alpamayo_scenarios.library.scenario import Scenario
from alpamayo_scenarios.library.stage import Stage
from alpamayo_scenarios.library.timing import Behaviour, wait_s, wait_until
from alpamayo_scenarios.observe import to_carla
from alpamayo_scenarios.route_file import ScenarioSpec
from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.synchronous import SynchronousWorld
from alpamayo_sim.frames import Transform
from alpamayo_sim.metrics.tick import ScenarioEvent, ScenarioPhase
from alpamayo_sim.roads.road_map import load_road_map
from alpamayo_sim.roads.route_planner import RoutePlanner


class Cone(Scenario):
    """A cone on the lane, until the ego has come 20 m farther."""

    types: ClassVar[tuple[str, ...]] = ("Cone",)

    def setup(self) -> None:
        distance_m = number(self.spec, "distance", 30.0)
        if distance_m > 100.0:
            raise ScenarioSetupError("too far")
        place = ahead(self.trigger_waypoint, distance_m)
        self.cone = self.actors.spawn("static.prop.constructioncone", place.transform)

    def run(self) -> Behaviour:
        self.wrong_way_allowed = True
        yield from wait_until(driven(self.stage, 20.0))
        self.wrong_way_allowed = False
        yield from wait_s(self.stage, 0.2)

    def ego_control(self, control: carla.VehicleControl) -> carla.VehicleControl:
        return carla.VehicleControl(brake=1.0)


class Endless(Cone):
    """Never ends by itself."""

    types: ClassVar[tuple[str, ...]] = ("Endless",)
    time_limit_s: ClassVar[float | None] = 1.0

    def run(self) -> Behaviour:
        while True:
            yield


TYPES = {"Cone": Cone, "Endless": Endless}


class Play:
    """An ego that is carried along its route."""

    def __init__(self, world: SynchronousWorld, stage: Stage) -> None:
        self.world, self.stage = world, stage
        self.at_m = 0.0

    def direct(self, *specs: ScenarioSpec) -> ScenarioDirector:
        director = ScenarioDirector(self.stage, specs, TYPES)
        director.set_up()
        return director

    def run(self, director: ScenarioDirector, seconds: float) -> list[ScenarioEvent]:
        events = list(director.take_events())
        for _ in range(round(seconds / 0.05)):
            self.at_m += 0.5
            self.stage.ego.set_transform(to_carla(self.stage.route.transform(int(self.at_m))))
            self.stage.update(self.world.tick())
            director.step(carla.VehicleControl(throttle=1.0))
            events += director.take_events()
        return events

    def at(self, station_m: float) -> Transform:
        return self.stage.route.transform(int(self.stage.route.arc_length_m.searchsorted(station_m)))

    def props(self) -> int:
        self.world.tick()
        return len(self.world.world.get_actors().filter("static.prop.*"))


@pytest.fixture(scope="module")
def server() -> Generator[EmbeddedServer]:
    with EmbeddedServer("Gridvale", seed=2) as running:
        yield running


@pytest.fixture
def play(server: EmbeddedServer) -> Generator[Play]:
    client = connect(server.address)
    road_map = load_road_map("Gridvale")
    route = RoutePlanner(road_map.carla_map).trace([(240.0, -210.1, 0.0), (440.0, -210.1, 0.0)])
    begin_anew(client)
    with SynchronousWorld(client, step_s=0.05, rendering=False) as world:
        ego = world.world.spawn_actor(
            world.world.get_blueprint_library().find("vehicle.lincoln.mkz_2020"), to_carla(route.transform(0))
        )
        assert isinstance(ego, carla.Vehicle)
        ego.set_simulate_physics(False)
        stage = Stage(client, world.world, road_map, ego, route, Background(), seed=1, step_s=0.05)
        stage.update(world.tick())
        yield Play(world, stage)
        ego.destroy()


def spec(kind: str, trigger: Transform, name: str = "one", **parameters: str) -> ScenarioSpec:
    return ScenarioSpec(name, kind, trigger, (), {key: {"value": value} for key, value in parameters.items()})


def phases(events: list[ScenarioEvent]) -> list[ScenarioPhase]:
    return [event.phase for event in events]


def test_a_scenario_is_set_up_triggered_finished_and_cleaned_up(play: Play) -> None:
    director = play.direct(spec("Cone", play.at(20.0)))
    assert play.props() == 1, "it waits for the ego"
    assert phases(play.run(director, 1.0)) == [ScenarioPhase.PLANNED], "10 m along the route it has not begun"
    assert director.step(carla.VehicleControl(throttle=1.0)).throttle == 1.0 and not director.wrong_way_allowed
    assert phases(play.run(director, 1.1)) == [ScenarioPhase.TRIGGERED]
    assert director.wrong_way_allowed
    assert director.step(carla.VehicleControl(throttle=1.0)).brake == 1.0, "it acts on the ego's pedals"
    assert phases(play.run(director, 3.0)) == [ScenarioPhase.FINISHED]
    assert play.props() == 0 and not director.wrong_way_allowed
    assert play.run(director, 0.5) == [], "and does not begin anew"


def test_what_does_not_fit_is_skipped_and_says_why(play: Play) -> None:
    off_route = play.at(20.0)._replace(y=play.at(20.0).y + 3.0)
    turned = play.at(20.0)._replace(yaw=play.at(20.0).yaw + 15.0)
    director = play.direct(
        spec("Cone", off_route, "off"),
        spec("Cone", turned, "turned"),
        spec("NoSuchType", play.at(20.0), "unknown"),
        spec("Cone", play.at(20.0), "misfit", distance="1000"),
        spec("Cone", play.at(20.0), "bad", distance="near"),
        spec("Cone", play.at(20.0), "good"),
    )
    events = play.run(director, 3.0)
    skipped = {event.name: event.reason for event in events if event.phase is ScenarioPhase.SKIPPED}
    assert set(skipped) == {"off", "turned", "unknown", "misfit", "bad"}
    assert "off the route" in skipped["off"] and "off the route" in skipped["turned"]
    assert "NoSuchType" in skipped["unknown"] and skipped["misfit"] == "too far" and "'near'" in skipped["bad"]
    assert [e.name for e in events if e.phase is ScenarioPhase.TRIGGERED] == ["good"]
    assert sum(event.phase is ScenarioPhase.PLANNED for event in events) == 6
    director.destroy()
    director.destroy()
    assert play.props() == 0


def test_a_scenario_runs_out_of_time(play: Play) -> None:
    director = play.direct(spec("Endless", play.at(5.0)), spec("Endless", play.at(8.0)))
    events = play.run(director, 3.0)
    assert phases(events).count(ScenarioPhase.TIMED_OUT) == 2
    assert len({event.name for event in events}) == 2, "two of one name are told apart"
    triggered = next(event for event in events if event.phase is ScenarioPhase.TRIGGERED)
    assert triggered.suspends_blocked
    assert play.props() == 0


def test_the_end_of_the_route_ends_everything(play: Play) -> None:
    director = play.direct(spec("Endless", play.at(5.0)), spec("Cone", play.at(150.0), "later"))
    play.run(director, 0.8)
    assert play.props() == 2
    director.destroy()
    assert play.props() == 0
