"""A folder that remembers what was computed from maps, by the content of the map and of the code that computed it.

A file is a SHA-256 of its payload followed by the payload; what does not match is computed again. That a map is in the
cache also says that it was parsed safely once.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from alpamayo_sim.roads.map_data import MapData, MapDataError, from_bytes, to_bytes

DIGEST_BYTES = 32
COMPUTING_MODULES = (
    "crosswalks", "ground", "lane_grid", "lane_sampling", "lanes", "light_groups", "map_data", "opendrive",
    "signal_boxes", "signal_lanes", "signals", "spawn_points", "speed_limits", "terrain",
)  # fmt: skip


def content_digest(xodr: str) -> str:
    """Return the SHA-256 of OpenDRIVE text, hexadecimal."""
    return hashlib.sha256(xodr.encode("utf-8", errors="replace")).hexdigest()


@lru_cache(maxsize=1)
def _code_digest() -> str:
    """Return a digest of the modules whose results are cached and of the carla version they ran on."""
    digest = hashlib.sha256(version("carla").encode())
    for module in COMPUTING_MODULES:
        digest.update((Path(__file__).parent / f"{module}.py").read_bytes())
    return digest.hexdigest()


class MapCache:
    """Map data in a folder; an unreadable or damaged entry counts as none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, map_digest: str) -> Path:
        """Return the file of a map."""
        return self._folder / f"{map_digest[:32]}-{_code_digest()[:8]}.map"

    def read(self, map_digest: str) -> MapData | None:
        """Return the stored data of a map, or None."""
        try:
            stored = self.path(map_digest).read_bytes()
        except OSError:
            return None
        payload = stored[DIGEST_BYTES:]
        if hashlib.sha256(payload).digest() != stored[:DIGEST_BYTES]:
            return None
        try:
            return from_bytes(payload)
        except MapDataError:
            return None

    def write(self, map_digest: str, data: MapData) -> None:
        """Store data atomically; a folder that cannot be written is no error, the cache then stays empty."""
        payload = to_bytes(data)
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._folder, suffix=".tmp")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(hashlib.sha256(payload).digest())
                    file.write(payload)
                os.replace(name, self.path(map_digest))
            finally:
                Path(name).unlink(missing_ok=True)
