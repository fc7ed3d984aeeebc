"""Loading: names, files, bad input of every kind, the child process, the cache."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from straight_road import straight_map, straight_road

from alpamayo_sim.errors import InputError
from alpamayo_sim.roads.cache import MapCache
from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.map_check import check_in_child
from alpamayo_sim.roads.map_data import LANE_ARRAYS, MapDataError, from_bytes, to_bytes
from alpamayo_sim.roads.map_defects import map_defects
from alpamayo_sim.roads.road_map import RoadMap, available_towns, load_road_map, road_map_from_text


def test_an_unknown_town_names_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"unknown town 'Atlantis'.*Gridvale"):
        load_road_map("Atlantis")


def test_names_may_be_written_as_carla_does() -> None:
    for name in ("Gridvale", "/Game/Carla/Maps/Gridvale", "Carla/Maps/Gridvale", "Gridvale_Opt"):
        assert load_road_map(name).name == "Gridvale"


def test_maps_are_found_in_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "Lane.xodr").write_text(straight_road())
    (tmp_path / "b" / "Other.xodr").write_text(straight_road())
    monkeypatch.setenv("ALPAMAYO_MAPS", str(tmp_path / "b"))
    assert available_towns([tmp_path / "a"])[-2:] == ["Lane", "Other"]
    assert load_road_map("Lane", maps_dirs=[tmp_path / "a"]).name == "Lane"
    assert load_road_map("Other").name == "Other"
    assert load_road_map(tmp_path / "a" / "Lane.xodr").name == "Lane"
    with pytest.raises(InputError, match=r"there is no map file .*missing\.xodr"):
        load_road_map(tmp_path / "missing.xodr")
    with pytest.raises(InputError, match="there is no map file"):
        load_road_map(tmp_path)


def test_text_in_other_guises_is_read(tmp_path: Path) -> None:
    with_mark = tmp_path / "mark.xodr"
    with_mark.write_bytes(b"\xef\xbb\xbf" + straight_road().replace("\n", "\r\n").encode())
    assert len(load_road_map(with_mark).lanes) == 3
    stray = straight_road().replace('name="one"', 'name="Stra\udcdfe"')
    assert len(road_map_from_text("st\0ray", stray).lanes) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("this is a shopping list", "not well-formed XML"),
        ("\x00\x01\x02", "not well-formed XML"),
        ("<OpenDRIVE><road>", "not well-formed XML"),
        ("<osm/>", "not OpenDRIVE: its root is <osm>"),
        ("<OpenDRIVE/>", "has no <road>"),
        (straight_road().replace("driving", "sidewalk"), "no lane of type 'driving'"),
        (straight_road().replace('length="60.0" id', 'length="sixty" id'), "length='sixty'"),
        (straight_road().replace('length="60.0" id', 'length="nan" id'), "length='nan'"),
        (straight_road().replace('id="7"', 'id="99999999999"'), "out of range"),
        (straight_road(length=1e8), "km of road"),
        ('<!DOCTYPE x [<!ENTITY a "b">]>' + straight_road().split("?>")[1], "document type"),
    ],
)
def test_what_is_not_a_map_is_refused_with_its_reason(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        road_map_from_text("bad", text)


def test_entities_are_never_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    text = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><OpenDRIVE>&e;</OpenDRIVE>'
    with pytest.raises(InputError) as refusal:
        road_map_from_text("entity", text)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("part", "replacement", "place"),
    [
        ("<line/>", "", r"line 8: <geometry> without a shape"),
        (
            "</road>",
            '<signals><signalReference id="77" s="3" t="0" orientation="+"/></signals></road>',
            r"line 2\d: <signalReference id='77'> is no <signal>",
        ),
    ],
)
def test_a_map_that_ends_the_process_is_bad_input(part: str, replacement: str, place: str) -> None:
    text = straight_road().replace(part, replacement)
    with pytest.raises(InputError, match=r"'crash' crashes carla\.Map \(SIG.*" + place):
        road_map_from_text("crash", text)


def test_a_map_that_carla_refuses_is_bad_input() -> None:
    text = straight_road().replace('<lane id="-1"', '<lane id="0"')
    with pytest.raises(InputError, match=r"cannot be parsed by carla\.Map .*line 17: a second lane 0"):
        road_map_from_text("refused", text)


def test_a_crosswalk_out_of_this_world_is_bad_input() -> None:
    town = resources.files("alpamayo_sim.roads").joinpath("towns/data/Oldwick.xodr").read_text(encoding="utf-8")
    far = re.sub(r'(<object [^>]*\bt=")[^"]*(?="[^>]*\btype="crosswalk")', r"\g<1>-1e12", town, count=1)
    assert far != town
    with pytest.raises(InputError, match=r"a crosswalk .* from its origin"):
        road_map_from_text("Far", far)


def test_a_road_that_winds_round_itself_is_bad_input() -> None:
    turning = straight_road(length=100_000.0).replace("<line/>", '<arc curvature="0.5"/>')
    assert "arc" in turning
    with pytest.raises(InputError, match=r"m of lanes within 16 m at .* Check the curvature"):
        road_map_from_text("Coil", turning)


@pytest.mark.parametrize("t", ["-1e12", "999999999"])
def test_a_signal_out_of_this_world_is_bad_input(t: str) -> None:
    town = resources.files("alpamayo_sim.roads").joinpath("towns/data/Oldwick.xodr").read_text(encoding="utf-8")
    far = re.sub(r'(<signal [^>]*\bt=")[^"]*', rf"\g<1>{t}", town, count=1)
    with pytest.raises(InputError, match=r"traffic lights or signs .* from its origin"):
        road_map_from_text("Far", far)


def test_geometry_that_carla_cannot_place_is_bad_input() -> None:
    text = straight_road().replace('x="0" y="0" hdg="0"', 'x="inf" y="0" hdg="0"')
    with pytest.raises(InputError, match=r"finite|carla\.Map"):
        road_map_from_text("infinite", text)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_looking_for_defects_never_fails(data: st.DataObject) -> None:
    text = straight_road(lane_records='<link><successor id="-1"/></link>')
    values = list(re.finditer(r'="([^"]*)"', text.split("?>")[1]))
    chosen = data.draw(st.sampled_from(values))
    new = data.draw(st.sampled_from(["", "--5", "nan", "1e999", "²", "abc", "-7", "+3", " "]))
    body = text.split("?>")[1]
    found = map_defects(body[: chosen.start(1)] + new + body[chosen.end(1) :])
    assert len(found) <= 3 and all(defect.startswith("line ") for defect in found)


def test_the_child_is_limited_in_time() -> None:
    with pytest.raises(InputError, match="not parsed within"):
        check_in_child("slow", straight_road(), time_limit_s=0.05)


def test_the_cache_gives_back_what_was_computed(tmp_path: Path, gridvale: RoadMap) -> None:
    first = road_map_from_text("Gridvale", gridvale.xodr, cache_dir=tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    second = road_map_from_text("Gridvale", gridvale.xodr, cache_dir=tmp_path)
    for one in (first, second):
        for name in LANE_ARRAYS:
            np.testing.assert_array_equal(getattr(one.lanes, name), getattr(gridvale.lanes, name))
        assert one.signals.groups == gridvale.signals.groups
        assert one.signals.signs == gridvale.signals.signs
        for light, other in zip(one.signals.lights, gridvale.signals.lights, strict=True):
            assert (light.transform, light.trigger_box, light.lane_boxes) == (
                other.transform, other.trigger_box, other.lane_boxes,
            )  # fmt: skip
            assert light.affected_lanes == other.affected_lanes
            np.testing.assert_array_equal(light.stop_line, other.stop_line)
        assert one.geo_reference == gridvale.geo_reference
        assert [p.shape for p in one.crosswalks] == [p.shape for p in gridvale.crosswalks]


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "foreign"])
def test_a_damaged_cache_is_rebuilt(tmp_path: Path, damage: str) -> None:
    expected = road_map_from_text("straight", straight_road(), cache_dir=tmp_path)
    (entry,) = tmp_path.iterdir()
    stored = bytearray(entry.read_bytes())
    if damage == "flip":
        stored[len(stored) // 2] ^= 0xFF
    elif damage == "truncate":
        del stored[len(stored) // 2 :]
    entry.write_bytes({"empty": b"", "foreign": b"PK" * 100}.get(damage, bytes(stored)))
    assert MapCache(tmp_path).read(expected.digest) is None
    again = road_map_from_text("straight", straight_road(), cache_dir=tmp_path)
    np.testing.assert_array_equal(again.lanes.xyz, expected.lanes.xyz)
    assert MapCache(tmp_path).read(expected.digest) is not None


def test_stored_arrays_that_do_not_fit_together_are_refused() -> None:
    data = check_in_child("straight", straight_road())
    wrong = data.lanes.replaced(lane_index=data.lanes.lane_index + 100)
    with pytest.raises(MapDataError):
        from_bytes(to_bytes(type(data)(wrong, data.signals, data.crosswalks, data.spawn_points, data.geo_reference)))
    with pytest.raises(MapDataError):
        from_bytes(b"not an archive")


def test_a_cache_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert road_map_from_text("straight", straight_road(), cache_dir=blocked / "sub").name == "straight"


def test_records_of_a_road() -> None:
    town_speed = '<type s="0" type="town"><speed max="50" unit="km/h"/></type>'
    road_map = straight_map(road_records=town_speed)
    lanes = road_map.lanes
    assert road_map.geo_reference == (48.5, 9.25)
    assert set(lanes.lane_type.tolist()) == {LaneType.DRIVING, LaneType.SIDEWALK}
    assert (lanes.speed_limit_kmh == 50.0).all()
    lane_speed = '<speed sOffset="0" max="20" unit="mph"/>'
    lanes = straight_map(lane_records=lane_speed).lanes
    assert lanes.speed_limit_kmh[lanes.lane_id == -1] == pytest.approx(32.18688)
    assert lanes.speed_limit_kmh[lanes.lane_id == 1] == pytest.approx(30.0)


def test_crosswalks_are_polygons_near_the_lanes(real_town) -> None:
    town = real_town("Town10HD")
    assert len(town.crosswalks) == 16
    for polygon in town.crosswalks:
        assert polygon.shape[1] == 3 and len(polygon) >= 4
        assert np.linalg.norm(polygon[0] - polygon[-1]) > 0.1
        hits = town.lanes.nearest(polygon[:, :2], polygon[:, 2])
        assert (hits.distance < 12.0).all()
