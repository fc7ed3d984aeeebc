"""Maps that no artist made: one bare road, roads very far apart, a steep road, driving on the left."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.roads.lanes import LaneType
from alpamayo_sim.roads.markings import build_markings
from alpamayo_sim.roads.road_map import RoadMap, road_map_from_text
from alpamayo_sim.roads.statics import CLEARANCE_M, StaticKind, build_statics, drivable_cover
from alpamayo_sim.roads.surface import build_ground_mesh


def _road(number: int, x: float, y: float, *, length: float = 80.0, slope: float = 0.0, rule: str = "RHT") -> str:
    lanes = [
        f'<lane id="{k}" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>'
        '<roadMark sOffset="0" type="broken" color="white" width="0.12"/></lane>'
        for k in (1, -1)
    ]
    return f"""<road name="r" length="{length}" id="{number}" junction="-1" rule="{rule}"><link/>
    <planView><geometry s="0" x="{x}" y="{y}" hdg="0.3" length="{length}"><line/></geometry></planView>
    <elevationProfile><elevation s="0" a="0" b="{slope}" c="0" d="0"/></elevationProfile><lateralProfile/>
    <lanes><laneSection s="0"><left>{lanes[0]}</left><center><lane id="0" type="none" level="false"/></center>
    <right>{lanes[1]}</right></laneSection></lanes></road>"""


def _map(*roads: str) -> RoadMap:
    header = '<?xml version="1.0"?><OpenDRIVE><header revMajor="1" revMinor="4" name="odd"/>'
    return road_map_from_text("odd", header + "".join(roads) + "</OpenDRIVE>")


MAPS = {
    "bare": (_road(1, 0.0, 0.0),),
    "far apart": (_road(1, -40_000.0, 0.0), _road(2, 40_000.0, 30_000.0)),
    "steep": (_road(1, 0.0, 0.0, slope=0.3),),
    "left-hand": (_road(1, 0.0, 0.0, rule="LHT"),),
    "short": (_road(1, 0.0, 0.0, length=1.0),),
}


@pytest.fixture(scope="module", params=sorted(MAPS))
def odd_map(request: pytest.FixtureRequest) -> RoadMap:
    return _map(*MAPS[request.param])


def test_everything_is_built_and_the_road_stays_clear(odd_map: RoadMap) -> None:
    statics = build_statics(odd_map)
    cover = drivable_cover(odd_map)
    assert not cover.touched_by(statics.center, statics.extent, statics.yaw_deg, CLEARANCE_M).any()
    assert np.isfinite(statics.center).all()
    mesh, paint = build_ground_mesh(odd_map), build_markings(odd_map)
    assert np.isfinite(mesh.vertices).all() and np.isfinite(paint.vertices).all()
    assert mesh.triangles.max() < len(mesh.vertices) < 200_000


def test_a_bare_road_gets_houses_and_trees_beside_it() -> None:
    statics = build_statics(_map(*MAPS["bare"]))
    assert (statics.kind == int(StaticKind.BUILDING)).sum() >= 2
    assert (statics.kind == int(StaticKind.TREE)).sum() >= 2


def test_a_box_is_seen_on_a_lane_and_not_on_a_far_storey() -> None:
    road_map = _map(*MAPS["bare"])
    cover = drivable_cover(road_map)
    lanes = road_map.lanes
    assert (lanes.lane_type == int(LaneType.DRIVING)).all()
    center = lanes.xyz[len(lanes.xyz) // 3][None]
    size, yaw = np.full((1, 3), 0.1), np.zeros(1)
    assert cover.touched_by(center, size, yaw, 0.0).all()
    above = center + np.array([0.0, 0.0, 9.0])
    assert cover.touched_by(above, size, yaw, 0.0).all()
    assert not cover.touched_by(above, size, yaw, 0.0, storey_m=3.0).any()
