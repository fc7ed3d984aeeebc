"""Small OpenDRIVE texts."""

from __future__ import annotations

from alpamayo_sim.roads import road_map
from alpamayo_sim.roads.cache import content_digest


def straight_road(
    *, length: float = 60.0, road_records: str = "", lane_records: str = "", sidewalk_records: str = "", extra: str = ""
) -> str:
    """Return OpenDRIVE of a straight road along +x, 5 % uphill: driving lanes 1 and -1 of 3.5 m, sidewalk -2 of 2 m."""
    width = '<width sOffset="0" a="{}" b="0" c="0" d="0"/>'
    mark = '<roadMark sOffset="0" type="solid" color="white" width="0.12"/>'
    return f"""<?xml version="1.0"?>
<OpenDRIVE>
  <header revMajor="1" revMinor="4" name="straight">
    <geoReference>+proj=tmerc +lat_0=48.5 +lon_0=9.25 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m</geoReference>
  </header>
  <road name="one" length="{length}" id="7" junction="-1">
    <link/>{road_records if "<type" in road_records else ""}
    <planView><geometry s="0" x="0" y="0" hdg="0" length="{length}"><line/></geometry></planView>
    <elevationProfile><elevation s="0" a="0" b="0.05" c="0" d="0"/></elevationProfile>
    <lateralProfile/>
    <lanes>
      <laneOffset s="0" a="0" b="0" c="0" d="0"/>
      <laneSection s="0">
        <left><lane id="1" type="driving" level="false">{width.format(3.5)}{mark}</lane></left>
        <center><lane id="0" type="none" level="false">{mark}</lane></center>
        <right>
          <lane id="-1" type="driving" level="false">{width.format(3.5)}{mark}{lane_records}</lane>
          <lane id="-2" type="sidewalk" level="false">{width.format(2.0)}{mark}{sidewalk_records}</lane>
        </right>
      </laneSection>
    </lanes>
    {road_records if "<type" not in road_records else ""}
  </road>
  {extra}
</OpenDRIVE>
"""


def straight_map(**records: str | float) -> road_map.RoadMap:
    """Return the map of `straight_road`, parsed in this process as one that was checked before."""
    text = straight_road(**records)  # pyright: ignore[reportArgumentType]
    road_map._checked.add(content_digest(text))
    return road_map.road_map_from_text("straight", text)
