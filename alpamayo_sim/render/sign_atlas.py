"""The pictures on signs, posters and machines: one square texture of 8 x 8 cells, drawn by this module alone."""

from __future__ import annotations

from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
CELLS = 8
CELL_PX = 128
_DRAWN_PX = 512
"""Cells are drawn large and shrunk, which smooths their edges."""
RED, WHITE, BLACK, BLUE, YELLOW = (190, 22, 28), (242, 242, 240), (18, 18, 20), (24, 70, 160), (246, 190, 20)


class Cell(IntEnum):
    """What each cell shows; the speed limits of a map follow from FIRST_SPEED on."""

    STOP = 0
    YIELD = 1
    WORKS = 2
    ACCIDENT = 3
    ARROW_BOARD = 4
    ADVERT = 5
    VENDING = 6
    BUS_STOP = 7
    PLATE = 8
    STRIPES = 9
    POLICE = 10
    AMBULANCE = 11
    FIRE = 12
    ATM = 13
    ADVERT_2 = 14
    STREET_NAME = 15
    STAR_OF_LIFE = 16
    COLA = 17
    PARKING = 18
    RECYCLING = 19
    TAXI = 20
    FIRST_SPEED = 24


MOST_SPEEDS = CELLS * CELLS - int(Cell.FIRST_SPEED)


def speed_cell(speed_limits: tuple[int, ...], value: int) -> int:
    """Return the cell of a speed limit of the map."""
    return int(Cell.FIRST_SPEED) + speed_limits.index(value)


def sign_atlas(speed_limits: tuple[int, ...]) -> Image:
    """Return the atlas [1024, 1024, 4] RGBA for a map with these speed limits; what is transparent is no part of the sign."""
    atlas = np.zeros((CELLS * CELL_PX, CELLS * CELL_PX, 4), dtype=np.uint8)
    faces = {int(cell): draw() for cell, draw in _FACES.items()}
    for value in speed_limits[:MOST_SPEEDS]:
        faces[speed_cell(speed_limits, value)] = _speed_limit(value)
    for cell, face in faces.items():
        row, column = divmod(cell, CELLS)
        small = cv2.resize(face, (CELL_PX, CELL_PX), interpolation=cv2.INTER_AREA)
        atlas[row * CELL_PX : (row + 1) * CELL_PX, column * CELL_PX : (column + 1) * CELL_PX] = small
    return atlas


def _blank(color: tuple[int, int, int], alpha: int = 255) -> Image:
    return np.full((_DRAWN_PX, _DRAWN_PX, 4), (*color, alpha), dtype=np.uint8)


def _text(
    image: Image,
    text: str,
    center: tuple[float, float],
    height: float,
    color: tuple[int, int, int],
    weight: float = 0.2,
) -> None:
    """Write bold letters round a point; all sizes are shares of the cell."""
    stroke = max(1, round(height * weight * _DRAWN_PX))
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, 1.0
    (_, unit), _ = cv2.getTextSize(text, font, scale, 1)
    scale = (height * _DRAWN_PX - stroke) / unit
    (width, tall), _ = cv2.getTextSize(text, font, scale, stroke)
    widest = 0.94 * _DRAWN_PX
    canvas_width = int(width + 2 * stroke)
    canvas = np.zeros((int(tall + 3 * stroke), canvas_width), dtype=np.uint8)
    cv2.putText(canvas, text, (stroke, tall + stroke), font, scale, 255, stroke, cv2.LINE_AA)
    if canvas_width > widest:
        canvas = cv2.resize(canvas, (int(widest), canvas.shape[0]), interpolation=cv2.INTER_AREA)
    inked = np.nonzero(canvas.max(axis=1))[0]
    canvas = canvas[inked[0] : inked[-1] + 1]
    y = int(center[1] * _DRAWN_PX - canvas.shape[0] / 2)
    x = int(center[0] * _DRAWN_PX - canvas.shape[1] / 2)
    y0, x0 = max(0, y), max(0, x)
    part = canvas[y0 - y : y0 - y + _DRAWN_PX - y0, x0 - x : x0 - x + _DRAWN_PX - x0]
    place = image[y0 : y0 + part.shape[0], x0 : x0 + part.shape[1]]
    share = part[..., None].astype(np.float64) / 255.0
    place[..., :3] = (place[..., :3] * (1.0 - share) + np.array(color) * share).astype(np.uint8)


def _polygon(image: Image, points: list[tuple[float, float]], color: tuple[int, int, int]) -> None:
    where = np.rint(np.array(points) * _DRAWN_PX).astype(np.int32)
    cv2.fillPoly(image, [where], (*color, 255), cv2.LINE_AA)


def _ring(image: Image, radius: float, color: tuple[int, int, int], center: tuple[float, float] = (0.5, 0.5)) -> None:
    middle = (round(center[0] * _DRAWN_PX), round(center[1] * _DRAWN_PX))
    cv2.circle(image, middle, round(radius * _DRAWN_PX), (*color, 255), -1, cv2.LINE_AA)


def _octagon(radius: float) -> list[tuple[float, float]]:
    angle = (np.arange(8) + 0.5) * np.pi / 4
    return [(0.5 + radius * float(np.cos(a)), 0.5 + radius * float(np.sin(a))) for a in angle]


def _stop() -> Image:
    image = _blank(RED, 0)
    _polygon(image, _octagon(0.50), WHITE)
    _polygon(image, _octagon(0.455), RED)
    _text(image, "STOP", (0.5, 0.5), 0.33, WHITE, 0.22)
    return image


def _yield() -> Image:
    image = _blank(RED, 0)
    _polygon(image, [(0.0, 0.07), (1.0, 0.07), (0.5, 0.94)], RED)
    _polygon(image, [(0.22, 0.195), (0.78, 0.195), (0.5, 0.68)], WHITE)
    return image


_Stroke = tuple[float, ...]
_DIGITS: dict[str, tuple[_Stroke, ...]] = {
    "0": ((0.5, 0.5, 0.31, 0.42, 0.0, 360.0),),
    "1": ((0.28, 0.28, 0.56, 0.08), (0.56, 0.08, 0.56, 0.92)),
    "2": ((0.5, 0.36, 0.30, 0.28, 185.0, 395.0), (0.745, 0.52, 0.20, 0.92), (0.20, 0.92, 0.82, 0.92)),
    "3": ((0.46, 0.29, 0.29, 0.21, 195.0, 450.0), (0.46, 0.70, 0.32, 0.22, 270.0, 525.0)),
    "4": ((0.60, 0.08, 0.14, 0.66), (0.14, 0.66, 0.90, 0.66), (0.66, 0.40, 0.66, 0.92)),
    "5": ((0.78, 0.08, 0.28, 0.08), (0.28, 0.08, 0.24, 0.46), (0.48, 0.65, 0.32, 0.27, 222.0, 508.0)),
    "6": ((0.5, 0.65, 0.30, 0.27, 0.0, 360.0), (0.66, 0.08, 0.23, 0.56)),
    "7": ((0.18, 0.08, 0.84, 0.08), (0.84, 0.08, 0.42, 0.92)),
    "8": ((0.5, 0.29, 0.25, 0.20, 0.0, 360.0), (0.5, 0.70, 0.31, 0.22, 0.0, 360.0)),
    "9": ((0.5, 0.35, 0.30, 0.27, 0.0, 360.0), (0.34, 0.92, 0.77, 0.44)),
}
"""Strokes in a box of height 1: lines (x, y, x, y) and arcs (middle x, y, radii x, y, first and last angle in degrees)."""


def _number(image: Image, text: str, height: float) -> None:
    """Write upright figures, wide strokes, round the middle of the cell."""
    tall = height * _DRAWN_PX
    wide, stroke = 0.66 * tall, max(1, round(0.17 * tall))
    pitch = wide + 0.14 * tall
    for k, digit in enumerate(text):
        left = 0.5 * _DRAWN_PX + (k - 0.5 * len(text)) * pitch + 0.5 * (pitch - wide)
        top = 0.5 * (_DRAWN_PX - tall)

        def at(x: float, y: float, left: float = left, top: float = top) -> tuple[int, int]:
            return round(left + x * wide), round(top + y * tall)

        for part in _DIGITS[digit]:
            if len(part) == 4:
                cv2.line(image, at(*part[:2]), at(*part[2:]), (*BLACK, 255), stroke, cv2.LINE_AA)
            else:
                radii = (round(part[2] * wide), round(part[3] * tall))
                cv2.ellipse(image, at(*part[:2]), radii, 0.0, part[4], part[5], (*BLACK, 255), stroke, cv2.LINE_AA)


def _speed_limit(value: int) -> Image:
    image = _blank(RED, 0)
    _ring(image, 0.495, RED)
    _ring(image, 0.385, WHITE)
    _number(image, str(value), 0.44 if value < 100 else 0.34)
    return image


def _warning() -> Image:
    image = _blank(RED, 0)
    _polygon(image, [(0.5, 0.05), (1.0, 0.93), (0.0, 0.93)], RED)
    _polygon(image, [(0.5, 0.24), (0.83, 0.83), (0.17, 0.83)], (250, 205, 30))
    return image


def _works() -> Image:
    image = _warning()
    _ring(image, 0.045, BLACK, (0.55, 0.45))
    for start, end in (
        ((0.53, 0.50), (0.45, 0.64)),
        ((0.45, 0.64), (0.38, 0.79)),
        ((0.45, 0.64), (0.53, 0.79)),
        ((0.53, 0.52), (0.64, 0.64)),
    ):
        points = [(round(x * _DRAWN_PX), round(y * _DRAWN_PX)) for x, y in (start, end)]
        cv2.line(image, points[0], points[1], (*BLACK, 255), 26, cv2.LINE_AA)
    _polygon(image, [(0.58, 0.79), (0.68, 0.64), (0.77, 0.79)], BLACK)
    return image


def _accident() -> Image:
    image = _warning()
    _polygon(image, [(0.465, 0.40), (0.535, 0.40), (0.52, 0.64), (0.48, 0.64)], BLACK)
    _ring(image, 0.042, BLACK, (0.5, 0.735))
    return image


def _arrow_board() -> Image:
    image = _blank((30, 32, 30))
    for x in np.linspace(0.30, 0.86, 8):
        _ring(image, 0.032, YELLOW, (float(x), 0.5))
    for k in range(1, 5):
        for side in (-1.0, 1.0):
            _ring(image, 0.032, YELLOW, (0.14 + 0.075 * k, 0.5 + side * 0.075 * k))
    _ring(image, 0.032, YELLOW, (0.14, 0.5))
    return image


def _advert(ground: tuple[int, int, int], words: tuple[str, str], sun: tuple[int, int, int]) -> Image:
    image = _blank(ground)
    _ring(image, 0.24, sun, (0.62, 0.42))
    _polygon(
        image,
        [(0.0, 0.78), (0.28, 0.48), (0.52, 0.72), (0.70, 0.56), (1.0, 0.80), (1.0, 1.0), (0.0, 1.0)],
        (ground[0] // 2, ground[1] // 2, ground[2] // 2),
    )
    _text(image, words[0], (0.5, 0.13), 0.12, WHITE, 0.2)
    _text(image, words[1], (0.5, 0.90), 0.09, WHITE, 0.18)
    return image


def _vending() -> Image:
    image = _blank((170, 20, 30))
    _polygon(image, [(0.07, 0.08), (0.68, 0.08), (0.68, 0.78), (0.07, 0.78)], (215, 226, 232))
    colors = ((200, 40, 40), (40, 120, 60), (230, 170, 30), (40, 70, 170), (230, 110, 40))
    for row in range(4):
        for column in range(5):
            x, y = 0.11 + 0.11 * column, 0.11 + 0.165 * row
            _polygon(
                image, [(x, y), (x + 0.07, y), (x + 0.07, y + 0.12), (x, y + 0.12)], colors[(row * 2 + column) % 5]
            )
    _polygon(image, [(0.75, 0.15), (0.92, 0.15), (0.92, 0.33), (0.75, 0.33)], (60, 190, 120))
    _polygon(image, [(0.12, 0.83), (0.64, 0.83), (0.64, 0.95), (0.12, 0.95)], BLACK)
    _text(image, "DRINKS", (0.5, 0.045), 0.06, WHITE, 0.2)
    return image


def _bus_stop() -> Image:
    image = _blank(BLUE)
    _polygon(image, [(0.2, 0.14), (0.8, 0.14), (0.8, 0.56), (0.2, 0.56)], WHITE)
    _polygon(image, [(0.25, 0.19), (0.75, 0.19), (0.75, 0.37), (0.25, 0.37)], BLUE)
    for x in (0.32, 0.68):
        _ring(image, 0.055, BLACK, (x, 0.57))
    _text(image, "BUS", (0.5, 0.80), 0.22, WHITE, 0.2)
    return image


def _words(
    ground: tuple[int, int, int], text: str, color: tuple[int, int, int], height: float = 0.3, weight: float = 0.2
) -> Image:
    image = _blank(ground)
    _text(image, text, (0.5, 0.5), height, color, weight)
    return image


def _plate() -> Image:
    image = _blank((236, 236, 226))
    _text(image, "A 16 SIM", (0.5, 0.5), 0.62, (25, 30, 60), 0.13)
    return image


def _stripes() -> Image:
    image = _blank(WHITE)
    for k in range(-2, 6):
        x = 0.25 * k
        _polygon(image, [(x, 0.0), (x + 0.125, 0.0), (x + 0.375, 1.0), (x + 0.25, 1.0)], RED)
    return image


def _star() -> Image:
    image = _blank(WHITE)
    for angle in np.radians((0.0, 60.0, 120.0)):
        along, across = np.array([np.sin(angle), np.cos(angle)]), np.array([np.cos(angle), -np.sin(angle)])
        corners = [0.5 + a * 0.40 * along + b * 0.11 * across for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        _polygon(image, [(float(c[0]), float(c[1])) for c in corners], BLUE)
    return image


def _cola() -> Image:
    image = _blank((196, 16, 30))
    _polygon(
        image,
        [(0.0, 0.70), (0.35, 0.60), (0.65, 0.72), (1.0, 0.58), (1.0, 0.66), (0.65, 0.80), (0.35, 0.68), (0.0, 0.78)],
        WHITE,
    )
    _text(image, "COLA", (0.5, 0.38), 0.34, WHITE, 0.16)
    return image


_FACES = {
    Cell.STOP: _stop,
    Cell.YIELD: _yield,
    Cell.WORKS: _works,
    Cell.ACCIDENT: _accident,
    Cell.ARROW_BOARD: _arrow_board,
    Cell.ADVERT: lambda: _advert((36, 120, 150), ("SUMMER", "by the sea"), (250, 205, 80)),
    Cell.VENDING: _vending,
    Cell.BUS_STOP: _bus_stop,
    Cell.PLATE: _plate,
    Cell.STRIPES: _stripes,
    Cell.POLICE: lambda: _words((240, 240, 240), "POLICE", (20, 30, 70), 0.42),
    Cell.AMBULANCE: lambda: _words((244, 244, 240), "AMBULANCE", (190, 30, 30), 0.36),
    Cell.FIRE: lambda: _words((180, 24, 24), "FIRE", WHITE, 0.5),
    Cell.ATM: lambda: _words((20, 70, 140), "ATM", WHITE, 0.4),
    Cell.ADVERT_2: lambda: _advert((120, 50, 110), ("NEW", "every day"), (240, 140, 120)),
    Cell.STREET_NAME: lambda: _words((20, 100, 60), "CENTRE", WHITE, 0.34),
    Cell.STAR_OF_LIFE: _star,
    Cell.COLA: _cola,
    Cell.PARKING: lambda: _words(BLUE, "P", WHITE, 0.7),
    Cell.RECYCLING: lambda: _words((40, 120, 60), "GLASS", WHITE, 0.3),
    Cell.TAXI: lambda: _words(YELLOW, "TAXI", BLACK, 0.5),
}  # fmt: skip
