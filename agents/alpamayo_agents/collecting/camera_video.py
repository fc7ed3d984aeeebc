"""The video of one camera of one episode: H.264 that is read frame by frame, so with a key frame every half second."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError

FPS = 10
KEY_EVERY = 5


class CameraVideo:
    """Writes frames as they come; all files of one size and quality can be joined without encoding again."""

    def __init__(self, path: Path, *, width: int, height: int, crf: int, chroma: str) -> None:
        """Start the file; InputError for odd sizes, which yuv420p does not have."""
        if chroma == "yuv420p" and (width % 2 or height % 2):
            raise InputError(f"pictures in yuv420p have an even width and height; found {width} x {height}")
        self._container = av.open(str(path), "w", format="mp4")
        stream = self._container.add_stream("libx264", rate=FPS)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, chroma
        stream.time_base = Fraction(1, FPS)
        stream.codec_context.time_base = Fraction(1, FPS)
        stream.codec_context.thread_count = 1
        stream.options = {
            "preset": "veryfast",
            "crf": str(crf),
            "g": str(KEY_EVERY),
            "bf": "0",
            "sc_threshold": "0",
            "x264-params": f"keyint={KEY_EVERY}:min-keyint={KEY_EVERY}:scenecut=0:bframes=0",
        }
        self._stream = stream
        self._is_open = True
        self.frames = 0

    def write(self, image: NDArray[np.uint8]) -> None:
        """Append one picture [height, width, 3] RGB."""
        frame = VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = self.frames, Fraction(1, FPS)
        self.frames += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file; safe to call twice."""
        if self._is_open:
            self._is_open = False
            self._container.mux(self._stream.encode(None))
            self._container.close()
