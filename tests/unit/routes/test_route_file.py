"""Leaderboard route files: both forms, and everything that can be wrong with them."""

from __future__ import annotations

from pathlib import Path

import carla
import pytest

from alpamayo_scenarios.route_file import MAX_FILE_BYTES, WEATHER_PARAMETERS, load_route, load_routes
from alpamayo_sim.errors import InputError
from alpamayo_sim.frames import Transform

VERSION_1 = """<?xml version="1.0"?>
<routes>
  <route id="7" town="Town03">
    <weather cloudiness="0" precipitation="0" sun_altitude_angle="90"/>
    <waypoint pitch="360.0" roll="0.0" x="338.7" y="226.75" yaw="269.9" z="0.0"/>
    <waypoint pitch="0.0" roll="0.0" x="321.98" y="194.67" yaw="179.8" z="0.5"/>
  </route>
</routes>"""

VERSION_2 = """<routes><route id="a" town="Town12">
  <weathers><weather route_percentage="100" cloudiness="100" wetness="50"/>
    <weather route_percentage="0" cloudiness="0"/></weathers>
  <waypoints><position x="1" y="2" z="3"/><position x="4.5" y="-6" z="7"/></waypoints>
  <scenarios><scenario name="S_1" type="Accident"><trigger_point x="1" y="2" z="3" yaw="40"/><distance value="40"/>
    <frequency from="32" to="184"/><other_actor model="vehicle.audi.tt" x="9" y="8" z="7" yaw="6" speed="3"/>
  </scenario></scenarios>
</route></routes>"""


def write(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "routes.xml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_leaderboard_1_form(tmp_path: Path) -> None:
    (route,) = load_routes(write(tmp_path, VERSION_1))
    assert (route.route_id, route.town) == ("7", "Town03")
    assert route.waypoints[1] == Transform(321.98, 194.67, 0.5, 0.0, 179.8, 0.0)
    assert route.weather[0].parameters["sun_altitude_angle"] == 90.0


def test_leaderboard_2_form(tmp_path: Path) -> None:
    route = load_route(write(tmp_path, VERSION_2), "a")
    assert route.waypoints == (Transform(1, 2, 3), Transform(4.5, -6, 7))
    assert [frame.route_percentage for frame in route.weather] == [0.0, 100.0]
    assert set(route.weather[0].parameters) == set(WEATHER_PARAMETERS)
    assert route.weather_at(25.0).parameters["cloudiness"] == pytest.approx(25.0)
    assert route.weather_at(25.0).parameters["wetness"] == pytest.approx(12.5)
    (scenario,) = route.scenarios
    assert scenario.type == "Accident" and scenario.trigger == Transform(1, 2, 3, 0, 40)
    assert scenario.parameters == {"distance": {"value": "40"}, "frequency": {"from": "32", "to": "184"}}
    assert scenario.other_actors[0].model == "vehicle.audi.tt"
    assert scenario.other_actors[0].transform == Transform(9, 8, 7, 0, 6)


def test_weather_names_are_those_of_the_client_library() -> None:
    weather = carla.WeatherParameters()
    assert all(isinstance(getattr(weather, name), float) for name in WEATHER_PARAMETERS)
    assert len(WEATHER_PARAMETERS) == 14


def test_weather_reaches_carla_unchanged(tmp_path: Path) -> None:
    weather = load_routes(write(tmp_path, VERSION_2))[0].weather_at(50.0).to_carla()
    assert weather.cloudiness == pytest.approx(50.0)
    assert weather.rayleigh_scattering_scale == pytest.approx(0.0331)


def test_real_files(shared_data: Path) -> None:
    counts = {path.name: len(load_routes(path)) for path in sorted((shared_data / "routes").glob("*.xml"))}
    assert counts["longest6_Town01.xml"] == counts["longest6_Town02.xml"] == counts["longest6_Town04.xml"] == 6
    devtest = load_routes(shared_data / "routes" / "routes_devtest.xml")
    assert len(devtest[0].scenarios) == 68 and devtest[0].town == "Town12"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a readable route file"),
        ("<routes>", "not a readable route file"),
        ("<scenarios/>", "root element is <routes>"),
        ("<routes/>", "holds no <route>"),
        ('<routes><route town="T"/></routes>', "has no id"),
        ('<routes><route id="1"/></routes>', "names no town"),
        ('<routes><route id="1" town="T"/></routes>', "at least 2 points"),
        ('<routes><route id="1" town="T"><waypoint x="1" y="2"/></route></routes>', "found 1"),
        (VERSION_1.replace('x="338.7"', 'x="north"'), "finite number x; found 'north'"),
        (VERSION_1.replace('x="338.7"', 'x="inf"'), "finite number x"),
        (VERSION_1.replace('x="338.7" ', ""), "found nothing"),
        (VERSION_2.replace('route_percentage="100"', 'route_percentage="101"'), "between 0 and 100"),
        (VERSION_2.replace('type="Accident"', ""), "S_1"),
        (VERSION_1.replace("</routes>", VERSION_1.split("<routes>")[1]), "two routes with the id '7'"),
        ('<!DOCTYPE r [<!ENTITY a "1"><!ENTITY b "&a;&a;">]><routes><route id="&b;"/></routes>', "document type"),
        ('<!DOCTYPE r SYSTEM "file:///etc/passwd"><routes/>', "document type"),
        (b"\xff\xfe\x00\x01\x02", "not a readable route file"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_routes(write(tmp_path, text))


def test_entities_are_refused_in_every_encoding(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE r [<!ENTITY a "1">]><routes><route id="&a;"/></routes>'
    with pytest.raises(InputError, match="document type"):
        load_routes(write(tmp_path, text.encode("utf-16")))


def test_missing_file_unknown_id_and_size_limit(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no route file at"):
        load_routes(tmp_path / "none.xml")
    with pytest.raises(InputError, match=r"no route .8. .* it holds 7"):
        load_route(write(tmp_path, VERSION_1), "8")
    big = tmp_path / "big.xml"
    with open(big, "wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(InputError, match="at most"):
        load_routes(big)
