"""`alpamayo view`: a web page that shows the world of a CARLA server that runs already."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import dataclass
from types import TracebackType

from alpamayo_sim.errors import InfrastructureError, InputError


@dataclass(frozen=True)
class Arguments:
    """Show the world of a running CARLA 0.9.16 server, ours or the original, in a browser; stop it with Ctrl-C."""

    host: str = "127.0.0.1"
    """Host of the CARLA server."""
    port: int = 2000
    """RPC port of the CARLA server."""
    view_port: int = 0
    """Port of the page on the loopback; 0 takes a free one."""

    def run(self) -> int:
        """Serve the page until interrupted."""
        from alpamayo_sim.client.connection import ServerAddress, connect
        from alpamayo_sim.view.site import HOST, Site

        if not 0 <= self.view_port < 65536:
            raise InputError(f"--view-port is a port, 0 to 65535; found {self.view_port}")
        address = ServerAddress(self.host, self.port)
        site = Site(connect(address, otherwise=""), self.view_port)

        async def serve() -> None:
            try:
                await site.start()
            except OSError as error:
                raise InfrastructureError(
                    f"the page cannot listen on port {self.view_port} ({error}). Choose another --view-port"
                ) from error
            except RuntimeError as error:
                raise InfrastructureError(f"the server at {address} does not answer: {error}") from error
            print(f"view: http://{HOST}:{site.port}", flush=True)
            try:
                await asyncio.Event().wait()
            finally:
                await site.stop()

        asyncio.run(serve())
        return 0


class Page:
    """`alpamayo view` in a process of its own, beside a server in this one; a context manager that ends it."""

    def __init__(self, view_port: int) -> None:
        self._view_port = view_port
        self._process: subprocess.Popen[bytes] | None = None

    def show(self, port: int) -> None:
        """Start it for the server on `port` of the loopback interface; it prints its address or why it can not start."""
        from alpamayo_sim.client.embedded import die_with_parent

        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "alpamayo_training.cli",
                "view",
                "--port",
                str(port),
                "--view-port",
                str(self._view_port),
            ],
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent if sys.platform == "linux" else None,
        )

    def __enter__(self) -> Page:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=3.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
