"""The HTTP and WebSocket server of the page, on the loopback only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from typing import TypeVar

import carla
from aiohttp import WSMsgType, web

from alpamayo_sim.view.camera import KINDS, PictureCamera
from alpamayo_sim.view.watcher import Watcher

HOST = "127.0.0.1"
T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_PERIOD_S = 0.05
_TYPES = {"index.html": "text/html", "view.js": "text/javascript", "view.css": "text/css"}


class Site:
    """Serves the page; every call of the simulator happens in one worker thread."""

    def __init__(self, client: carla.Client, port: int) -> None:
        self._client, self._wanted_port = client, port
        self._worker = ThreadPoolExecutor(1)
        self._watcher: Watcher | None = None
        self._sockets: set[web.WebSocketResponse] = set()
        self.port = port

    async def start(self) -> None:
        """Listen; `port` says where afterwards. Raises OSError if the port is taken, RuntimeError without a server."""
        self._watcher = await self._call(Watcher, self._client)
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/live", self._live)
        app.router.add_get("/{name:.*}", self._page)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self._wanted_port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close all pages, which destroys their cameras, and stop following the world."""
        for socket in list(self._sockets):
            await socket.close()
        await self._runner.cleanup()
        if self._watcher is not None:
            await self._call(self._watcher.close)
        self._worker.shutdown()

    async def _call(self, function: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, function, *arguments)

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse other names of this host (DNS rebinding) and pages of other origins."""
        names = {f"{HOST}:{self.port}", f"localhost:{self.port}"}
        origin = request.headers.get("Origin")
        if request.host not in names or (origin is not None and origin not in {f"http://{name}" for name in names}):
            raise web.HTTPForbidden(text="this page answers to its own address only")
        return await handler(request)

    async def _page(self, request: web.Request) -> web.Response:
        name = request.match_info["name"] or "index.html"
        if name not in _TYPES:
            raise web.HTTPNotFound()
        text = files("alpamayo_sim.view").joinpath("page", name).read_text("utf-8")
        return web.Response(text=text, content_type=_TYPES[name])

    async def _live(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(heartbeat=10)
        await socket.prepare(request)
        self._sockets.add(socket)
        wish: list[tuple[str, int] | None] = [None]
        sender = asyncio.create_task(self._send(socket, wish))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    kind, _, number = message.data.partition(" ")
                    wish[0] = (kind, int(number)) if kind in KINDS and number.isdecimal() else None
        finally:
            self._sockets.discard(socket)
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
        return socket

    async def _send(self, socket: web.WebSocketResponse, wish: list[tuple[str, int] | None]) -> None:
        """Send the newest state, then wait until the browser took it: what happens meanwhile is left out."""
        assert self._watcher is not None
        watcher, drawn, last, had = self._watcher, None, -1, None
        camera: PictureCamera | None = None
        world_id = watcher.world.id
        try:
            while not socket.closed:
                try:
                    state = await self._call(watcher.look)
                    if world_id != watcher.world.id:
                        camera, had, world_id, last = None, None, watcher.world.id, -1
                    if wish[0] != had:
                        had = wish[0]
                        if camera is not None:
                            old, camera = camera, None
                            await self._call(old.close)
                        if had is not None:
                            # Shielded: a page that closes now must still get its sensor destroyed.
                            making = asyncio.ensure_future(self._call(PictureCamera, watcher.world, *had))
                            try:
                                camera = await asyncio.shield(making)
                            except asyncio.CancelledError:
                                camera = await making
                                raise
                except RuntimeError as error:
                    await socket.send_json({"type": "problem", "text": str(error)})
                    await asyncio.sleep(1.0)
                    continue
                if drawn is not watcher.map:
                    drawn = watcher.map
                    await socket.send_json(drawn)
                if state is not None and state["frame"] != last:
                    last = state["frame"]
                    await socket.send_json(state)
                picture = await self._call(camera.jpeg) if camera is not None else None
                if picture is not None:
                    await socket.send_bytes(picture)
                await asyncio.sleep(_PERIOD_S)
        finally:
            if camera is not None:
                await self._call(camera.close)
