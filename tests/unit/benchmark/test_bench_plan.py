from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_scenarios.benchmark.plan import Settings, make_plan, read_plan, store_plan, task_route, task_seed
from alpamayo_scenarios.route_file import RouteSpec, load_routes
from alpamayo_sim.errors import InputError
from alpamayo_sim.record.run_folder import RunFolder, check_name

SETTINGS = Settings(suite="made", agent="expert", profile="leaderboard-2.1", seed=5, repetitions=2)
_FILE = """<routes>
<route id="7" town="Gridvale"><waypoints><position x="0" y="0" z="0"/><position x="30" y="40" z="0"/></waypoints>
<scenarios><scenario name="A_1" type="ParkedObstacle"><trigger_point x="1" y="0" z="0" yaw="0"/></scenario></scenarios></route>
<route id="a/b" town="Oldwick"><waypoints><position x="0" y="0" z="0"/><position x="10" y="0" z="0"/></waypoints></route>
<route id="far" town="Town12"><waypoints><position x="0" y="0" z="0"/><position x="10" y="0" z="0"/></waypoints></route>
</routes>"""
TOWNS = ("Gridvale", "Oldwick")


@pytest.fixture
def routes(tmp_path: Path) -> tuple[RouteSpec, ...]:
    path = tmp_path / "some.xml"
    path.write_text(_FILE)
    return load_routes(path)


def test_every_route_whose_town_is_there_is_driven_as_often_as_asked(routes: tuple[RouteSpec, ...]) -> None:
    plan = make_plan(SETTINGS, routes, towns=TOWNS)
    assert [(t.route_id, t.repetition) for t in plan.tasks] == [("7", 0), ("7", 1), ("a/b", 0), ("a/b", 1)]
    assert plan.tasks[0].length_m == 50.0
    assert (plan.tasks[0].scenario_name, plan.tasks[0].scenario_types) == ("A_1", ("ParkedObstacle",))
    assert len({t.seed for t in plan.tasks}) == 4
    for task in plan.tasks:
        assert check_name(task.task_id)
    assert len({t.task_id for t in plan.tasks}) == 4
    ((skipped),) = plan.skipped
    assert (skipped.route_id, skipped.town) == ("far", "Town12")
    assert "Town12" in skipped.reason


def test_seeds_go_by_route_and_repetition_and_not_by_what_else_is_driven(routes: tuple[RouteSpec, ...]) -> None:
    whole = {t.task_id: t.seed for t in make_plan(SETTINGS, routes, towns=TOWNS).tasks}
    part = make_plan(replace(SETTINGS, repetitions=1), routes, towns=TOWNS, only=("a/b",)).tasks
    assert [t.route_id for t in part] == ["a/b"]
    assert part[0].seed == whole[part[0].task_id]
    other = make_plan(replace(SETTINGS, agent="other", profile="bench2drive"), routes, towns=TOWNS).tasks
    assert {t.task_id: t.seed for t in other} == whole


@given(seed=st.integers(0, 2**63), route_id=st.text(min_size=1), repetition=st.integers(0, 1000))
def test_a_seed_is_one_that_everybody_takes(seed: int, route_id: str, repetition: int) -> None:
    found = task_seed(seed, route_id, repetition)
    assert 0 <= found < 2**31
    assert found != task_seed(seed + 1, route_id, repetition)
    assert found != task_seed(seed, route_id, repetition + 1)


def test_routes_are_chosen_by_id_and_type(routes: tuple[RouteSpec, ...]) -> None:
    assert {t.route_id for t in make_plan(SETTINGS, routes, towns=TOWNS, types=("ParkedObstacle",)).tasks} == {"7"}
    with pytest.raises(InputError, match=r"--only .*nothing.* There are 7, a/b, far"):
        make_plan(SETTINGS, routes, towns=TOWNS, only=("nothing",))
    with pytest.raises(InputError, match=r"--type .*Accident"):
        make_plan(SETTINGS, routes, towns=TOWNS, types=("Accident",))
    with pytest.raises(InputError, match="both"):
        make_plan(SETTINGS, routes, towns=TOWNS, only=("a/b",), types=("ParkedObstacle",))


def test_a_suite_without_any_town_is_refused(routes: tuple[RouteSpec, ...]) -> None:
    with pytest.raises(InputError, match=r"no maps of Town12.*--maps"):
        make_plan(SETTINGS, routes, towns=TOWNS, only=("far",))


def test_two_routes_of_one_id_are_refused(routes: tuple[RouteSpec, ...]) -> None:
    with pytest.raises(InputError, match="several of 7"):
        make_plan(SETTINGS, (*routes, routes[0]), towns=TOWNS)


def test_a_stored_plan_is_read_back_with_the_routes_it_had(routes: tuple[RouteSpec, ...], tmp_path: Path) -> None:
    plan = make_plan(SETTINGS, routes, towns=TOWNS)
    run = RunFolder.create(tmp_path / "runs", "bench", {})
    store_plan(run, plan, routes)
    (tmp_path / "some.xml").write_text("gone")
    assert read_plan(run) == plan
    route = task_route(run.path, plan.tasks[0])
    assert (route.route_id, route.waypoints, route.scenarios) == ("7", routes[0].waypoints, routes[0].scenarios)


def test_a_run_folder_without_a_plan_is_no_benchmark(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, "drive", {})
    with pytest.raises(InputError, match="no benchmark run"):
        read_plan(run)
    (run.path / "plan.json").write_text('{"settings": 3}')
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(run)
