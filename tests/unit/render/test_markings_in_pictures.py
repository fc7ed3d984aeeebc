"""Every type and colour of lane marking that OpenDRIVE knows and CARLA's client reads is in the picture."""

from __future__ import annotations

import numpy as np
import pytest

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.roads import road_map
from alpamayo_sim.roads.cache import content_digest
from alpamayo_sim.roads.statics import build_statics

LANE_M, LENGTH_M = 3.5, 80.0
MARKS = (
    ("broken", "white"), ("solid", "white"), ("solid solid", "yellow"), ("solid broken", "yellow"), ("broken solid", "white"),
    ("broken broken", "white"), ("botts dots", "white"), ("solid", "yellow"), ("solid", "red"), ("solid", "blue"),
    ("solid", "green"), ("none", "white"),
)  # fmt: skip
"""Type and colour of the marking on the outer side of lanes -1, -2, ..."""
SHADES = {
    "white": lambda r, g, b: min(r, g, b) > 165,
    "yellow": lambda r, g, b: r > g > 1.25 * b and r > 110,
    "red": lambda r, g, b: r > 1.6 * g and r > 1.6 * b,
    "blue": lambda r, g, b: b > 1.3 * r and b > 1.15 * g,
    "green": lambda r, g, b: g > 1.2 * r and g > 1.1 * b,
}


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """The road from 26 m above, +x to the top; [height, width, RGB], 32 pixels a metre."""
    lane = '<lane id="{}" type="driving" level="false"><width sOffset="0" a="3.5" b="0" c="0" d="0"/>{}</lane>'
    mark = '<roadMark sOffset="0" type="{}" color="{}" width="0.15"/>'
    lanes = "".join(lane.format(-k - 1, mark.format(*kind)) for k, kind in enumerate(MARKS))
    text = f"""<?xml version="1.0"?>
<OpenDRIVE><header revMajor="1" revMinor="4" name="marks"/>
<road name="one" length="{LENGTH_M}" id="1" junction="-1"><link/>
<planView><geometry s="0" x="0" y="0" hdg="0" length="{LENGTH_M}"><line/></geometry></planView>
<lanes><laneSection s="0"><center><lane id="0" type="none" level="false"/></center><right>{lanes}</right></laneSection></lanes>
</road></OpenDRIVE>"""
    road_map._checked.add(content_digest(text))
    marks = road_map.road_map_from_text("marks", text)
    renderer = Renderer(Scene.from_road_map(marks, build_statics(marks)))
    middle = 0.5 * LANE_M * len(MARKS)
    view = CameraView(Transform(40.0, middle, 26.0, -90.0, 0.0, 0.0), 1600, 900, 88.0)
    image = renderer.render([view], SceneFrame())[0][..., 2::-1]
    renderer.release()
    return image


def _strip(picture: np.ndarray, number: int) -> np.ndarray:
    """Return the pixels [height, about 0.9 m, RGB] round the marking of a lane."""
    scale = 800.0 / np.tan(np.radians(44.0)) / 26.0
    column = 800.0 + (LANE_M * (number + 1) - 0.5 * LANE_M * len(MARKS)) * scale
    return picture[60:840, int(column - 0.45 * scale) : int(column + 0.45 * scale)].astype(int)


@pytest.mark.parametrize("number", range(len(MARKS)))
def test_a_marking_is_painted_in_its_colour_and_rhythm(picture: np.ndarray, number: int) -> None:
    kind, color = MARKS[number]
    strip = _strip(picture, number)
    painted = np.apply_along_axis(lambda rgb: bool(SHADES[color](*rgb)), 2, strip)
    half = painted.shape[1] // 2
    left, right = painted[:, :half].any(axis=1).mean(), painted[:, half:].any(axis=1).mean()
    if kind == "none":
        assert painted.mean() < 0.002
        return
    parts = kind.split()
    if kind == "botts dots":
        assert 0.02 < painted.any(axis=1).mean() < 0.3, "dots with wide gaps"
    elif len(parts) == 1:
        share = painted.any(axis=1).mean()
        assert share > 0.97 if kind == "solid" else 0.2 < share < 0.65
        assert not painted[:, [0, -1]].any()
    else:
        for share, part in zip((left, right), parts, strict=True):
            assert share > 0.95 if part == "solid" else 0.2 < share < 0.7, (kind, left, right)
        assert not painted[:, half - 1 : half + 1].all(), "two lines, not one"
