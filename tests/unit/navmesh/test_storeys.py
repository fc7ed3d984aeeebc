"""Sidewalks under and over a bridge."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.roads import road_map
from alpamayo_sim.roads.cache import content_digest
from alpamayo_sim.roads.navmesh.kinds import Area
from alpamayo_sim.roads.navmesh.mesh import NavMesh, build_mesh
from alpamayo_sim.roads.navmesh.reader import defects, read_tile_set
from alpamayo_sim.roads.navmesh.tiles import tile_set

BRIDGE_M = 7.0


def _road(number: int, x: float, y: float, heading: float, z: float, *, sidewalk: bool) -> str:
    def lane(k: int, kind: str, width: float) -> str:
        return f'<lane id="{k}" type="{kind}" level="false"><width sOffset="0" a="{width}" b="0" c="0" d="0"/></lane>'

    left = lane(2, "sidewalk", 2.0) if sidewalk else ""
    right = lane(-2, "sidewalk", 2.0) if sidewalk else ""
    return f"""<road name="" length="120" id="{number}" junction="-1"><link/>
    <planView><geometry s="0" x="{x}" y="{y}" hdg="{heading}" length="120"><line/></geometry></planView>
    <elevationProfile><elevation s="0" a="{z}" b="0" c="0" d="0"/></elevationProfile><lateralProfile/>
    <lanes><laneSection s="0"><left>{left}{lane(1, "driving", 3.5)}</left><center><lane id="0" type="none"/></center>
    <right>{lane(-1, "driving", 3.5)}{right}</right></laneSection></lanes></road>"""


def _crossing(street_m: float, bridge_m: float) -> road_map.RoadMap:
    """Return a street with sidewalks along x and a road without along y, at these heights."""
    street = _road(1, -60.0, 0.0, 0.0, street_m, sidewalk=True)
    other = _road(2, 0.0, -60.0, 1.5707963267948966, bridge_m, sidewalk=False)
    text = f'<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="4"/>{street}{other}</OpenDRIVE>'
    road_map._checked.add(content_digest(text))
    return road_map.road_map_from_text("crossing", text)


@pytest.fixture(params=[(0.0, BRIDGE_M), (BRIDGE_M, 0.0)], ids=["under", "over"])
def crossing(request: pytest.FixtureRequest) -> tuple[float, NavMesh]:
    """Height of a street with sidewalks under or over a road, and the mesh."""
    street_m, bridge_m = request.param
    return street_m, build_mesh(_crossing(street_m, bridge_m))


def test_a_sidewalk_goes_on_under_and_over_a_bridge(crossing: tuple[float, NavMesh]) -> None:
    street_m, mesh = crossing
    assert defects(read_tile_set(tile_set(mesh))) == []
    sidewalk = np.unique(mesh.corners[mesh.area == Area.SIDEWALK])
    places = mesh.vertices[sidewalk[sidewalk >= 0]]
    assert np.abs(places[:, 2] - street_m - 0.12).max() < 0.03
    total = 0.0
    for ring in mesh.corners[mesh.area == Area.SIDEWALK]:
        xy = mesh.vertices[ring[ring >= 0], :2]
        total += -0.5 * float(np.sum(xy[:, 0] * np.roll(xy[:, 1], -1) - np.roll(xy[:, 0], -1) * xy[:, 1]))
    assert total == pytest.approx(2 * 120.0 * (2.0 - 0.3), rel=0.05), "nothing is cut out where the roads cross"


def test_the_mesh_has_no_polygon_between_storeys(crossing: tuple[float, NavMesh]) -> None:
    _, mesh = crossing
    for ring in mesh.corners:
        assert np.ptp(mesh.vertices[ring[ring >= 0], 2]) < 0.5
