"""Camera pictures as parts of a chat message."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 88


def picture_part(picture: NDArray[np.uint8], longest_px: int) -> dict[str, Any]:
    """Return the message part of a picture [h, w, 3]: a JPEG as data URL, its longer side at most so many pixels.

    The same picture gives the same bytes, so that the cache knows it again.
    """
    image = Image.fromarray(np.ascontiguousarray(picture))
    scale = longest_px / max(image.size)
    if scale < 1.0:
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    url = "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": url}}


def text_part(text: str) -> dict[str, Any]:
    """Return the message part of a text."""
    return {"type": "text", "text": text}
