"""Several embedded servers on one machine, whose cameras few processes draw: an OpenGL context costs a graphics card less
than switching between many.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.client.render_service import RenderService
from alpamayo_sim.errors import InfrastructureError, InputError

PORT_STEP = 10
MOST_WORLDS = 256
WORLDS_PER_SERVICE = 8
ONE_THREAD = {"LP_NUM_THREADS": "1"}
"""Several software renderers, each with a thread for every core, are in one another's way."""


class Worlds:
    """N servers that are ready; a context manager that ends them and their render services.

    `servers` are in the order of their seeds, `drawn_by` says for each what draws its cameras.
    """

    def __init__(
        self,
        town: str,
        count: int,
        *,
        port: int = 0,
        seed: int = 0,
        maps_dirs: Sequence[Path] = (),
        cache_dir: Path | None = None,
        recordings_dir: Path | None = None,
        render_services: int | None = None,
        extra_args: Sequence[str] = (),
    ) -> None:
        """Start `count` servers on `port`, `port` + 10 and so on (0: any free ones), with seeds `seed`, `seed` + 1 and so on.

        Without `render_services` there is one for 8 worlds on a graphics card, and none where the processor draws. Raises
        InputError for numbers that make no sense or a bad town, InfrastructureError when a process does not start.
        """
        if not 1 <= count <= MOST_WORLDS:
            raise InputError(f"1 to {MOST_WORLDS} worlds can be started, not {count}")
        if port and port + PORT_STEP * count > 65535:
            raise InputError(f"{count} worlds from port {port} on need ports beyond 65535; choose a lower one")
        if render_services is not None and not 0 <= render_services <= count:
            raise InputError(f"{count} worlds take 0 to {count} render services, not {render_services}")
        self._stack = ExitStack()
        try:
            self.services = self._start_services(count, render_services)
            self.servers: list[EmbeddedServer] = []
            self.drawn_by: list[str] = []
            for k in range(count):
                service = self.services[k % len(self.services)] if self.services else None
                arguments = ["--render-service", service.address] if service else []
                arguments += ["--recordings", str(recordings_dir / f"world{k}")] if recordings_dir else []
                server = EmbeddedServer(
                    town,
                    seed=seed + k,
                    maps_dirs=maps_dirs,
                    cache_dir=cache_dir,
                    port=port + PORT_STEP * k if port else 0,
                    extra_args=[*arguments, *extra_args],
                    environment=None if service or count == 1 else ONE_THREAD,
                    wait=False,
                )
                self.servers.append(self._stack.enter_context(server))
                self.drawn_by.append(f"{service.device}, process {service.pid}" if service else "the server itself")
                if k == 0:
                    # The first start on a machine compiles, and keeps what it compiled for the others.
                    _ = server.address
            for server in self.servers:
                _ = server.address
        except BaseException:
            self._stack.close()
            raise

    def _start_services(self, count: int, wanted: int | None) -> list[RenderService]:
        if wanted == 0:
            return []
        try:
            first = RenderService()
        except InfrastructureError:
            if wanted is None:
                return []
            raise
        if wanted is None and first.is_software:
            first.close()
            return []
        services = [self._stack.enter_context(first)]
        for _ in range(1, wanted or math.ceil(count / WORLDS_PER_SERVICE)):
            services.append(self._stack.enter_context(RenderService()))
        return services

    def wait(self) -> None:
        """Wait until a process ends, which raises InfrastructureError: worlds live until `close` or an interrupt."""
        while True:
            for k, server in enumerate(self.servers):
                if not server.running:
                    raise InfrastructureError(f"world {k} at {server.address} has ended: {server.log()[-2000:]}")
            time.sleep(0.5)

    def close(self) -> None:
        """End all processes. Safe to call twice."""
        self._stack.close()

    def __enter__(self) -> Worlds:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
