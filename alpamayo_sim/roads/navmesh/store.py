"""Navigation meshes by the name under which clients ask for them, built once per map and kept in the maps' cache folder.

CARLA's clients keep such files for good, by name, so that the name says what is inside: the map's text and the code that
built the mesh.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from alpamayo_sim.roads.navmesh.build import build_navmesh
from alpamayo_sim.roads.road_map import RoadMap

FOLDER = "alpamayo-sim/Nav"
MAX_OFFERED = 4
"""Maps whose names stay known: another client may have loaded a map between asking for a name and for the file."""
DIGEST_BYTES = 32


@lru_cache(maxsize=1)
def _builder_digest() -> str:
    """Return a digest of the modules that shape a mesh: those of roads, and shapely's version."""
    digest = hashlib.sha256(version("shapely").encode())
    here = Path(__file__).parent
    for module in [*sorted(here.glob("*.py")), *sorted(here.parent.glob("*.py"))]:
        digest.update(module.read_bytes())
    return digest.hexdigest()


class NavMeshStore:
    """The meshes that one server hands out."""

    def __init__(self, cache_dir: Path | None) -> None:
        """Keep files in `cache_dir`, or only in memory with None."""
        self._cache_dir = cache_dir
        self._offered: OrderedDict[str, RoadMap] = OrderedDict()
        self._built: tuple[str, bytes] = ("", b"")

    def offer(self, road_map: RoadMap) -> str:
        """Return the name of a map's file, and know it from now on."""
        name = f"{FOLDER}/{_plain(road_map.name)}-{road_map.digest[:16]}-{_builder_digest()[:8]}.bin"
        self._offered[name] = road_map
        self._offered.move_to_end(name)
        if len(self._offered) > MAX_OFFERED:
            self._offered.popitem(last=False)
        return name

    def offers(self, name: str) -> bool:
        """Return whether a file of this name was offered."""
        return name in self._offered

    def built(self, name: str) -> bytes | None:
        """Return the bytes of the file that was kept last, None for another name."""
        return self._built[1] if self._built[0] == name else None

    def builder(self, name: str) -> Callable[[], bytes]:
        """Return what reads or builds a file that was offered; it may be called by another thread."""
        road_map = self._offered[name]
        return lambda: self._read(name) or self._build(name, road_map)

    def keep(self, name: str, content: bytes) -> None:
        """Keep the bytes of a file at hand, instead of those of another one."""
        self._built = (name, content)

    def content(self, name: str) -> bytes | None:
        """Return the bytes of a file that was offered, None for another name."""
        if not self.offers(name):
            return None
        content = self.built(name)
        if content is None:
            content = self.builder(name)()
            self.keep(name, content)
        return content

    def _path(self, name: str) -> Path | None:
        return None if self._cache_dir is None else self._cache_dir / f"{name.rsplit('/', 1)[-1][:-4]}.navmesh"

    def _read(self, name: str) -> bytes | None:
        path = self._path(name)
        if path is None:
            return None
        try:
            stored = path.read_bytes()
        except OSError:
            return None
        payload = stored[DIGEST_BYTES:]
        return payload if payload and hashlib.sha256(payload).digest() == stored[:DIGEST_BYTES] else None

    def _build(self, name: str, road_map: RoadMap) -> bytes:
        """Build a mesh and store it; a folder that cannot be written is no error."""
        content = build_navmesh(road_map)
        path = self._path(name)
        if path is not None:
            with suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
                try:
                    with os.fdopen(handle, "wb") as file:
                        file.write(hashlib.sha256(content).digest() + content)
                    os.replace(temporary, path)
                finally:
                    Path(temporary).unlink(missing_ok=True)
        return content


def _plain(name: str) -> str:
    """Return a map's name with what may stand in a file's name only."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)[:64] or "map"
