"""Text on images: Pillow's bundled font, or a font of the system for scripts that it lacks; any string can be drawn."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

_SYSTEM_FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/System/Library/Fonts/Hiragino Sans GB.ttc",
)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@lru_cache(maxsize=64)
def font(size_px: int, *, wide_script: bool = False) -> Font:
    """Return a sans-serif font; `wide_script` asks for one of the system's that may hold more than Latin letters."""
    if wide_script:
        for path in _SYSTEM_FONTS:
            if Path(path).is_file():
                return ImageFont.truetype(path, size_px)
    return ImageFont.load_default(size_px)


def font_for(text: str, size_px: int) -> Font:
    """Return a font that suits the text, as far as one is at hand."""
    return font(size_px, wide_script=any(ord(letter) > 0x24F and letter not in "–—‘’“”…•" for letter in text))


def printable(text: str) -> str:
    """Return the text without what no font can draw: control, unassigned and private characters, lone surrogates."""
    spaced = "".join(" " if letter in "\n\r\t\v\f" else letter for letter in text)
    return "".join(letter for letter in spaced if not unicodedata.category(letter).startswith("C"))


@lru_cache(maxsize=256)
def wrap(text: str, face: Font, width_px: int, max_lines: int) -> tuple[str, ...]:
    """Return the text in lines no wider than `width_px`; words that are too long are cut, a text that is too long ends
    in …
    """
    lines: list[str] = []
    line = ""
    for word in printable(text).split():
        candidate = f"{line} {word}" if line else word
        if face.getlength(candidate) <= width_px:
            line = candidate
            continue
        if line:
            lines.append(line)
        while face.getlength(word) > width_px and len(lines) <= max_lines:
            fitting = max(1, _fitting(word, face, width_px))
            lines.append(word[:fitting])
            word = word[fitting:]
        line = word
        if len(lines) > max_lines:
            break
    if line:
        lines.append(line)
    if len(lines) > max_lines:
        lines = lines[:max_lines]
        while lines[-1] and face.getlength(lines[-1] + " …") > width_px:
            lines[-1] = lines[-1][:-1]
        lines[-1] = lines[-1].rstrip() + " …"
    return tuple(lines)


def _fitting(word: str, face: Font, width_px: int) -> int:
    """How many letters of a word fit into a width, by bisection."""
    low, high = 0, len(word)
    while low < high:
        middle = (low + high + 1) // 2
        if face.getlength(word[:middle]) <= width_px:
            low = middle
        else:
            high = middle - 1
    return low
