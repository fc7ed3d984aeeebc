"""Plans over the front camera's picture, with what the model says and what is right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, BENCH2DRIVE_RIG, CameraRig
from alpamayo_sim.record.text import font_for, printable, wrap
from alpamayo_training.openloop.evaluation import Evaluated
from alpamayo_training.sft.sample_table import SampleTable

Picture = NDArray[np.uint8]
_WIDTH_PX = 560
_TEXT_PX = 92
_MAP_M = 45.0
FLOW, NEAREST, TOKENS, TRUE = (255, 190, 40), (255, 90, 40), (70, 170, 255), (80, 255, 120)
_FRONT = ("front_wide", "CAM_FRONT", "front")


def plan_sheet(table: SampleTable, samples: Sequence[Evaluated], most: int = 12) -> Image.Image:
    """Return a sheet of moments: the front camera with the plans on the road, the plans from above, the words.

    Green is what was driven, orange the flow's samples (the nearest one red), blue the token head's.
    """
    step = max(1, len(samples) // most)
    tiles = [_tile(table, one) for one in samples[::step][:most]]
    columns = 2
    rows = [tiles[first : first + columns] for first in range(0, len(tiles), columns)]
    blank = np.full_like(tiles[0], 24) if tiles else np.zeros((1, 1, 3), dtype=np.uint8)
    stacked = [np.concatenate([*row, *[blank] * (columns - len(row))], axis=1) for row in rows]
    return Image.fromarray(np.concatenate(stacked) if stacked else blank)


def _tile(table: SampleTable, one: Evaluated) -> Picture:
    camera = _front(table.about.cameras)
    frame = np.asarray(table.frames[table.frame_rows[one.row, -1]])[camera]
    rig = _rig(table)
    height = round(_WIDTH_PX * frame.shape[0] / frame.shape[1])
    picture = cv2.resize(frame, (_WIDTH_PX, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    lines = [(TOKENS, own) for own in (one.tokens if one.tokens is not None else [])]
    lines += [(FLOW, own) for own in one.flow]
    lines += [(NEAREST, one.flow[one.nearest]), (TRUE, table.future_xyz[one.row])]
    above = np.full((height, height, 3), 40, dtype=np.uint8)
    for color, path in lines:
        if rig is not None:
            _on_road(
                picture, replace(rig, width_px=_WIDTH_PX, height_px=height), table.about.cameras[camera], path, color
            )
        _from_above(above, path, color)
    text = _text(f"said: {one.said or '(nothing)'}", f"label: {one.true_words or '(none)'}", one, _WIDTH_PX + height)
    return np.concatenate([np.concatenate([picture, above], axis=1), text])


def _front(cameras: Sequence[str]) -> int:
    for part in _FRONT:
        for index, name in enumerate(cameras):
            if part in name:
                return index
    return 0


def _rig(table: SampleTable) -> CameraRig | None:
    """The rig that the cameras' names tell of; None for others, whose pictures then show no plans."""
    for rig in (ALPAMAYO_RIG, BENCH2DRIVE_RIG):
        if set(table.about.cameras) <= set(rig.names):
            return rig
    return None


def _on_road(
    picture: Picture, rig: CameraRig, camera: str, path: NDArray[np.float64], color: tuple[int, int, int]
) -> None:
    points = np.concatenate([path[:, :2], np.zeros((len(path), 1))], axis=1)
    pixels, inside = rig.project(rig.camera(camera), points)
    kept = np.round(pixels[inside]).astype(np.int32)
    if len(kept) > 1:
        cv2.polylines(picture, [kept.reshape(-1, 1, 2)], False, color, 2, cv2.LINE_AA)


def _from_above(picture: Picture, path: NDArray[np.float64], color: tuple[int, int, int]) -> None:
    size = picture.shape[0]
    scale = size / (1.2 * _MAP_M)
    line = np.concatenate([np.zeros((1, 2)), path[:, :2]])
    pixels = np.stack([size / 2 - line[:, 1] * scale, size * 0.95 - line[:, 0] * scale], axis=1)
    kept = np.round(np.clip(pixels, -1e4, 1e4)).astype(np.int32)
    cv2.polylines(picture, [kept.reshape(-1, 1, 2)], False, color, 1, cv2.LINE_AA)


def _text(said: str, true: str, one: Evaluated, width_px: int) -> Picture:
    sheet = Image.new("RGB", (width_px, _TEXT_PX), (24, 24, 24))
    draw = ImageDraw.Draw(sheet)
    y = 4
    for text, color in ((said, (255, 220, 170)), (true, (150, 230, 160))):
        plain = printable(text)
        font = font_for(plain, 14)
        for line in wrap(plain, font, width_px - 12, 2):
            draw.text((6, y), line, font=font, fill=color)
            y += 18
    draw.text((6, y), f"plan: {', '.join(one.decisions.values())}", font=font_for("plan", 14), fill=(190, 190, 190))
    return np.asarray(sheet)
