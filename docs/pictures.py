"""Writes the pictures of this folder again: `python docs/pictures.py RUN_FOLDER [SHARE]`, after `make drive`.

`python docs/pictures.py report RUN_FOLDER EPISODE@SECONDS` takes a picture of a report, opened at a moment; it needs chromium and
chromedriver.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

import av
import cv2
import numpy as np

from alpamayo_sim.record.road_raster import RoadRaster
from alpamayo_sim.roads.road_map import available_towns, load_road_map

IMAGES = Path(__file__).parent / "images"
_SHEET_PX = 620
_REPORT_PX = (1240, 2620)


def town_sheet() -> None:
    """Draw our towns in two rows, from above."""
    views = []
    for town in available_towns():
        road_map = load_road_map(town)
        low, high = road_map.lanes.xyz[:, :2].min(axis=0), road_map.lanes.xyz[:, :2].max(axis=0)
        reach_m = float((high - low).max()) / 2.0 + 15.0
        center = (low + high) / 2.0
        scale = 2.0
        mosaic, corner = RoadRaster(road_map, scale).region((float(center[0]), float(center[1])), reach_m)
        offset = ((center - reach_m - np.array(corner)) * scale).astype(int)
        size = int(2 * reach_m * scale)
        view = mosaic[offset[1] : offset[1] + size, offset[0] : offset[0] + size]
        view = cv2.resize(view, (_SHEET_PX, _SHEET_PX), interpolation=cv2.INTER_AREA)
        cv2.putText(view, town, (18, 40), cv2.FONT_HERSHEY_DUPLEX, 0.9, (235, 235, 235), 1, cv2.LINE_AA)
        views.append(view)
    rows = [np.hstack(views[first : first + 2]) for first in range(0, len(views) - 1, 2)]
    cv2.imwrite(str(IMAGES / "towns.png"), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


def drive_frame(run: Path, share: float) -> None:
    """Take one frame of a run's video."""
    with av.open(run / "videos" / "drive.mp4") as container:
        stream = container.streams.video[0]
        wanted = int(stream.frames * share)
        for number, frame in enumerate(container.decode(stream)):
            if number == wanted:
                cv2.imwrite(str(IMAGES / "drive.png"), frame.to_ndarray(format="bgr24"))
                return


def report_page(run: Path, moment: str) -> None:
    """Take a picture of a run's report with one of its episodes open, as a browser of the tests shows it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from webdriver import open_browser

    width, height = _REPORT_PX
    clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
    with tempfile.TemporaryDirectory() as profile, open_browser(Path(profile)) as browser:
        browser.resize(width, 900)
        browser.post("/url", {"url": f"{(run / 'report.html').resolve().as_uri()}#{moment}"})
        browser.wait("return document.querySelector('.detail .world[transform]') !== null")
        browser.run("document.documentElement.style.scrollBehavior = 'auto'; scrollTo(0, 0)")
        browser.wait("const v = document.querySelector('video'); return !v || (v.readyState >= 2 && v.currentTime > 0)")
        parameters = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        picture = browser.post("/goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": parameters})["data"]
    (IMAGES / "report.png").write_bytes(base64.b64decode(picture))


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    if sys.argv[1:2] == ["report"]:
        report_page(Path(sys.argv[2]), sys.argv[3])
        sys.exit()
    town_sheet()
    if len(sys.argv) > 1:
        drive_frame(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.5)
