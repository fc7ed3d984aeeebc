"""Suites are read from YAML that is checked, and name what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpamayo_scenarios.suite import Suite, load_suite, route_file_suite, suite_names
from alpamayo_sim.errors import InputError

ROUTES = """<routes><route id="7" town="Gridvale"><waypoints><position x="1" y="2" z="0"/><position x="9" y="2" z="0"/>
</waypoints><scenarios><scenario name="a" type="ParkedObstacle"><trigger_point x="1" y="2" z="0" yaw="0"/></scenario>
</scenarios></route></routes>"""


@pytest.fixture
def routes(tmp_path: Path) -> Path:
    path = tmp_path / "own.xml"
    path.write_text(ROUTES)
    return path


def described(folder: Path, text: str) -> str:
    path = folder / "own.yaml"
    path.write_text(text)
    return str(path)


def test_the_suites_of_the_package() -> None:
    assert suite_names() == ("abilities", "bench2drive220", "longest6", "smoke")
    for name in ("abilities", "smoke"):
        suite = load_suite(name)
        assert suite.name == name and suite.title and suite.background and suite.scenarios_required
        assert suite.profile == "bench2drive"
        assert all(len(types) == 1 for types in suite.types.values()), "one scenario a route"
        assert set(suite.types) == {route.route_id for route in suite.routes}
    assert len(load_suite("smoke").routes) == 12


def test_a_suite_of_ones_own(tmp_path: Path, routes: Path) -> None:
    text = "title: Mine\nroutes: own.xml\nprofile: leaderboard-2.1\nvehicles: 3\nwalkers: 4\n"
    suite = load_suite(described(tmp_path, text))
    assert isinstance(suite, Suite)
    assert (suite.name, suite.title, suite.profile, suite.vehicles, suite.walkers) == (
        "own", "Mine", "leaderboard-2.1", 3, 4,
    )  # fmt: skip
    assert not suite.background and not suite.scenarios_required
    assert suite.types == {"7": ("ParkedObstacle",)}


def test_routes_that_the_user_brings(routes: Path) -> None:
    assert [route.route_id for route in load_suite("longest6", routes_file=routes).routes] == ["7"]
    assert load_suite("bench2drive220", routes_file=routes).profile == "bench2drive"
    alone = route_file_suite(routes)
    assert alone.background and alone.name == "own"
    with pytest.raises(InputError, match="--routes FILE"):
        load_suite("longest6")
    with pytest.raises(InputError, match="has its own routes"):
        load_suite("smoke", routes_file=routes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: a\nroutes: gone.xml\n", "no route file"),
        ("title: a\nprofile: best\nroutes: own.xml\n", "profile: .*unknown scoring profile 'best'"),
        ('title: a\nbackground: "yes"\n', "background: .*found 'yes'"),
        ("title: a\nwalkers: -1\n", "walkers: .*greater than or equal to 0, found -1"),
        ("title: a\nspeed: 3\n", "speed: Extra inputs"),
        ("routes: own.xml\n", "title: Field required"),
        ("- a\n- b\n", "expected a mapping.*found list"),
        ("title: [\n", "not readable YAML"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, routes: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_suite(described(tmp_path, text), routes_file=None if "routes" in text or "title" not in text else routes)


def test_an_unknown_name_lists_those_there_are() -> None:
    with pytest.raises(InputError, match=r"'smok'.*abilities, bench2drive220, longest6, smoke"):
        load_suite("smok")
