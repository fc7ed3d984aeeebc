"""Bench2Drive's weather numbers, from a list beside the route file."""

from __future__ import annotations

from pathlib import Path

import pytest

from alpamayo_scenarios.benchmark.plan import Settings, make_plan
from alpamayo_scenarios.route_file import load_routes
from alpamayo_scenarios.weather_cases import weather_id
from alpamayo_sim.errors import InputError
from alpamayo_sim.metrics.results.schema import RouteRecord, RouteScores
from alpamayo_sim.metrics.results.vocabulary import LISTS_2

ROUTE = """<routes>{routes}</routes>"""
ONE = """<route id="{id}" town="Gridvale"><weathers>
<weather route_percentage="100" cloudiness="90.0" fog_density="1.0"/>
<weather route_percentage="0" cloudiness="{cloudiness}" fog_density="2.0" sun_altitude_angle="15.0"/></weathers>
<waypoints><position x="0" y="0" z="0"/><position x="50" y="0" z="0"/></waypoints><scenarios/></route>"""
LIST = """<weathers>
<case weather_id="7"><weather route_percentage="0" cloudiness="5.0" fog_density="2.0" sun_altitude_angle="15.0"/></case>
<case weather_id="9"><weather route_percentage="0" cloudiness="20.0" fog_density="2.0" sun_altitude_angle="15.0"/></case>
</weathers>"""


def write(folder: Path, *cloudiness: str) -> Path:
    folder.mkdir()
    path = folder / "routes.xml"
    path.write_text(ROUTE.format(routes="".join(ONE.format(id=k, cloudiness=c) for k, c in enumerate(cloudiness))))
    return path


def test_the_weather_at_the_start_is_looked_up(tmp_path: Path) -> None:
    path = write(tmp_path / "listed", "20.0", "5", "21.0")
    (path.parent / "weather.xml").write_text(LIST)
    routes = load_routes(path)
    assert [weather_id(route) for route in routes] == ["9", "7", None]
    plan = make_plan(Settings("own", "expert", "bench2drive", 0, 2), routes, towns={"Gridvale"})
    assert [task.weather_id for task in plan.tasks] == ["9", "9", "7", "7", None, None]


def test_without_a_list_there_is_no_number(tmp_path: Path) -> None:
    assert weather_id(load_routes(write(tmp_path / "alone", "20.0"))[0]) is None


@pytest.mark.parametrize(
    "text", ["no XML", "<weathers><case weather_id='1'/></weathers>", "<weathers><case><weather/></case></weathers>"]
)
def test_a_list_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "broken", "20.0")
    (path.parent / "weather.xml").write_text(text)
    with pytest.raises(InputError, match=r"weather\.xml"):
        weather_id(load_routes(path)[0])


@pytest.mark.parametrize(("number", "written"), [("9", "9"), (None, None)])
def test_records_of_bench2drive_always_have_it(number: str | None, written: str | None) -> None:
    scores = RouteScores(score_route=100.0, score_penalty=1.0, score_composed=100.0)
    record = RouteRecord(
        route_id="RouteScenario_1_rep0", scenario_name="Accident_1", weather_id=number, status="Completed",
        infractions={name: [] for name in LISTS_2}, scores=scores,
    )  # fmt: skip
    assert record.to_json()["weather_id"] == written
    assert "weather_id" not in record.model_copy(update={"scenario_name": None, "weather_id": None}).to_json()
