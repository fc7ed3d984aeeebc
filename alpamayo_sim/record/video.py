"""An H.264 video that every browser plays, written frame by frame."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError

VIDEO_FPS = 10


class VideoWriter:
    """Writes RGB frames to an mp4 (H.264, yuv420p, index in front); memory does not grow with its length."""

    def __init__(self, path: Path, *, width: int, height: int, fps: int = VIDEO_FPS, crf: int = 26) -> None:
        """Start the file; odd sizes are cut by a pixel, because yuv420p has even ones. `path` may have any suffix."""
        self._width, self._height = width - width % 2, height - height % 2
        if self._width < 2 or self._height < 2:
            raise InputError(f"a video frame is at least 2 x 2 pixels; found {width} x {height}")
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"})
        stream = self._container.add_stream("libx264", rate=fps)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = self._width, self._height
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": str(crf), "g": str(fps)}
        self._stream = stream
        self._frame_time = Fraction(1, fps)
        self._is_open = True
        self.frames = 0

    def write(self, image: NDArray[np.uint8]) -> None:
        """Append one frame [height, width, 3] RGB; InputError for any other size."""
        if image.ndim != 3 or image.shape[2] != 3 or image.shape[0] < self._height or image.shape[1] < self._width:
            raise InputError(f"expected a frame [{self._height}, {self._width}, 3]; found {list(image.shape)}")
        frame = VideoFrame.from_ndarray(np.ascontiguousarray(image[: self._height, : self._width]), format="rgb24")
        frame.pts, frame.time_base = self.frames, self._frame_time
        self.frames += 1
        self._container.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file; safe to call twice."""
        if self._is_open:
            self._is_open = False
            self._container.mux(self._stream.encode(None))
            self._container.close()


def frame_size(path: Path) -> tuple[int, int]:
    """Return width and height in pixels of a video's frames."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return stream.width, stream.height


def still(path: Path, share: float) -> NDArray[np.uint8]:
    """Return one frame [height, width, 3] RGB near the given share (0 to 1) of a video's length."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if stream.duration is not None:
            container.seek(int(share * stream.duration), stream=stream)
        for frame in container.decode(stream):
            return frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
    raise InputError(f"{path} holds no frame")
