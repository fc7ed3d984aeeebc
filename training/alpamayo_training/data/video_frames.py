"""Single frames out of a video, by seeking to the key frame before them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError

FPS = 10
_SEEK_AHEAD = 12
"""From one wanted frame to the next, so many frames are rather decoded than sought."""


def read_frames(path: Path, numbers: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the frames with these numbers [n, height, width, 3] RGB, in the order asked for; the video has 10 a second.

    Raises InputError for a file that cannot be read and for a frame that it does not have.
    """
    found: dict[int, NDArray[np.uint8]] = {}
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            tick = float(stream.time_base or 0.0) * FPS
            at = None
            frames = None
            for number in sorted(set(numbers.tolist())):
                if frames is None or at is None or not at <= number <= at + _SEEK_AHEAD:
                    container.seek(round(number / tick), stream=stream, backward=True)
                    frames = container.decode(stream)
                for frame in frames:
                    at = round((frame.pts or 0) * tick) + 1
                    if at - 1 >= number:
                        break
                if at != number + 1:
                    raise InputError(f"{path} has no frame {number}; the video is shorter than its dataset says")
                found[number] = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)  # pyright: ignore[reportPossiblyUnboundVariable]
            if not found:
                return np.zeros((0, stream.height, stream.width, 3), dtype=np.uint8)
    except (FFmpegError, IndexError, StopIteration) as error:
        raise InputError(f"{path} cannot be read as a video: {error}") from error
    return np.stack([found[number] for number in numbers.tolist()])
