"""Worlds of OpenDRIVE text: walls as asked for, nothing else beside the roads, and odd maps that are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

import carla
import pytest

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

LENGTH_M = 240.0
XODR = f"""<?xml version="1.0" standalone="yes"?>
<OpenDRIVE><header revMajor="1" revMinor="4" name="" version="1.00" north="0" south="0" east="0" west="0">
<geoReference><![CDATA[+proj=tmerc +lat_0=48.8566 +lon_0=2.3522]]></geoReference></header>
<road name="only" length="{LENGTH_M}" id="1" junction="-1"><link/><type s="0.0" type="town"/>
<planView><geometry s="0.0" x="0.0" y="0.0" hdg="0.3" length="{LENGTH_M}"><line/></geometry></planView>
<elevationProfile><elevation s="0.0" a="0.0" b="0.02" c="0.0" d="0.0"/></elevationProfile><lateralProfile/>
<lanes><laneOffset s="0.0" a="0.0" b="0.0" c="0.0" d="0.0"/><laneSection s="0.0">
<left><lane id="1" type="driving" level="false"><link/><width sOffset="0.0" a="3.5" b="0.0" c="0.0" d="0.0"/></lane></left>
<center><lane id="0" type="none" level="false"><link/><roadMark sOffset="0.0" type="broken" color="standard" width="0.1"/>
</lane></center>
<right><lane id="-1" type="driving" level="false"><link/><width sOffset="0.0" a="3.5" b="0.0" c="0.0" d="0.0"/></lane>
</right></laneSection></lanes><objects/><signals/></road></OpenDRIVE>
"""
Label = carla.CityObjectLabel


@pytest.fixture(scope="module")
def own_client() -> Iterator[carla.Client]:
    """A client of a server that no other test uses."""
    with EmbeddedServer("Gridvale") as server:
        yield connect(server.address)


@pytest.mark.parametrize("height_m", [1.5, 0.0])
def test_walls_as_high_as_asked_for_and_no_houses(own_client: carla.Client, height_m: float) -> None:
    parameters = carla.OpendriveGenerationParameters(
        vertex_distance=2.0, max_road_length=500.0, wall_height=height_m, additional_width=0.6, smooth_junctions=True,
        enable_mesh_visibility=True,
    )  # fmt: skip
    world = own_client.generate_opendrive_world(XODR, parameters)
    assert world.get_map().to_opendrive() == XODR
    assert world.get_environment_objects(Label.Buildings) == []
    assert world.get_environment_objects(Label.Vegetation) == []
    walls = world.get_environment_objects(Label.Walls)
    assert bool(walls) is (height_m > 0.0)
    map_ = world.get_map()
    for wall in walls[:: max(1, len(walls) // 20)]:
        assert 2.0 * wall.bounding_box.extent.z == pytest.approx(height_m)
        waypoint = map_.get_waypoint(wall.bounding_box.location, lane_type=carla.LaneType.Driving)
        assert waypoint.transform.location.distance_2d(wall.bounding_box.location) > 0.5 * waypoint.lane_width - 0.05
        foot = wall.bounding_box.location - carla.Location(z=wall.bounding_box.extent.z)
        assert abs(foot.z - waypoint.transform.location.z) < 1.5
    for pose in map_.get_spawn_points():
        car = world.try_spawn_actor(world.get_blueprint_library().find("vehicle.audi.tt"), pose)
        assert car is not None, "no wall stands in a spawn point"
        car.destroy()


def test_a_wall_stops_a_car(own_client: carla.Client) -> None:
    world = own_client.generate_opendrive_world(XODR, carla.OpendriveGenerationParameters(wall_height=1.0))
    settings = world.get_settings()
    settings.synchronous_mode, settings.fixed_delta_seconds = True, 0.05
    world.apply_settings(settings)
    wall = world.get_environment_objects(Label.Walls)[20].bounding_box.location
    across = world.get_map().get_waypoint(wall).transform
    pose = carla.Transform(across.location + carla.Location(z=0.3), across.rotation)
    toward = wall - across.location
    car = world.spawn_actor(world.get_blueprint_library().find("vehicle.audi.tt"), pose)
    for _ in range(10):
        world.tick()
    start = car.get_location()
    distance_m = wall.distance_2d(start)
    car.set_target_velocity(carla.Vector3D(4.0 * toward.x / distance_m, 4.0 * toward.y / distance_m, 0.0))
    for _ in range(60):
        world.tick()
    assert car.get_location().distance_2d(start) < distance_m + 0.2
    car.destroy()
    settings.synchronous_mode = False
    world.apply_settings(settings)


ODD = {
    "no roads": "<?xml version='1.0'?><OpenDRIVE><header revMajor='1' revMinor='4'/></OpenDRIVE>",
    "no lanes": re.sub(r"<lanes>.*?</lanes>", "<lanes></lanes>", XODR, flags=re.DOTALL),
    "no geometry": re.sub(r"<planView>.*?</planView>", "<planView></planView>", XODR, flags=re.DOTALL),
    "endless roads": re.sub(r'length="[^"]*"', 'length="1e12"', XODR),
    "no numbers": re.sub(r'hdg="[^"]*"', 'hdg="nan"', XODR),
    "other worlds": re.sub(r' x="[^"]*"', ' x="1e30"', XODR),
    "links to nowhere": re.sub(r'elementId="[^"]*"', 'elementId="99999"', XODR),
    "negative widths": re.sub(r'(<width[^>]* a=)"[^"]*"', r'\1"-5.0"', XODR),
    "cut off": XODR[: len(XODR) * 2 // 3],
    "an entity bomb": "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'bbbbbbbb'>]><OpenDRIVE>&b;</OpenDRIVE>",
}


@pytest.mark.parametrize("kind", sorted(ODD))
def test_odd_maps_are_refused_or_served_and_the_server_lives(own_client: carla.Client, kind: str) -> None:
    try:
        world = own_client.generate_opendrive_world(ODD[kind])
        assert len(world.get_map().get_spawn_points()) >= 0
    except RuntimeError as error:
        assert "internal error" not in str(error)
    assert own_client.get_server_version() == "0.9.16"


def test_absurd_walls_are_refused(own_client: carla.Client) -> None:
    with pytest.raises(RuntimeError, match="wall_height"):
        own_client.generate_opendrive_world(XODR, carla.OpendriveGenerationParameters(wall_height=1.0e6))
