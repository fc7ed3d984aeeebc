"""The service: listens on a Unix socket, and draws the batches that worlds have put into shared memory."""

from __future__ import annotations

import hashlib
import logging
import os
import selectors
import socket
import stat
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.render.batch import Batch
from alpamayo_sim.render.context import create_context, release_context
from alpamayo_sim.render.painter import Drawing, Painter
from alpamayo_sim.render.service import wire
from alpamayo_sim.render.service.memory import SharedMemory
from alpamayo_sim.render.service.messages import Message, RenderServiceLost, Say, receive, send
from alpamayo_sim.render.service.scene_data import scene_of
from alpamayo_sim.render.target import most_rows

SCENES_KEPT = 4
"""Scenes that no world uses any more."""
MOST_BLOCKS = 16
"""Pieces of memory of one world."""
MOST_WORLDS = 256
PAUSE_S = 5.0e-5
"""Between two looks at whether a drawing is finished."""
_LOG = logging.getLogger(__name__)


@dataclass
class _World:
    """A connection."""

    sock: socket.socket
    blocks: dict[int, SharedMemory] = field(default_factory=dict)
    scenes: set[bytes] = field(default_factory=set)
    waits: bool = False
    """For its pictures."""


@dataclass(frozen=True)
class _Request:
    world: _World
    scene: int
    batch: Batch
    layout: wire.Layout
    memory: memoryview


class Service:
    """Draws for all worlds that connect; belongs to the thread that made it."""

    def __init__(self, path: Path, *, samples: int = 0) -> None:
        """Make the OpenGL context and listen; RendererUnavailable without OpenGL, InfrastructureError for a bad path."""
        self._context = create_context()
        self._samples = samples
        self._most_rows = most_rows(self._context)
        self._path = path
        self._listener = _listen(path)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._worlds: dict[socket.socket, _World] = {}
        self._numbers: dict[bytes, int] = {}
        self._painters: OrderedDict[int, Painter] = OrderedDict()
        self._drawings: deque[tuple[_Request, Painter, Drawing]] = deque()
        self._stopped = False
        self._next_scene = 1
        self.batches_drawn = 0

    @property
    def device(self) -> str:
        """The name of the graphics device."""
        return str(self._context.info["GL_RENDERER"])

    def stop(self) -> None:
        """Let `serve` return; safe in a signal handler."""
        self._stopped = True

    def serve(self) -> None:
        """Draw until `stop`."""
        while not self._stopped:
            self.serve_once(0.25)

    def serve_once(self, timeout_s: float) -> None:
        """Take what worlds have said within a time, begin to draw it, and finish the drawing that was begun first."""
        for key, _ in self._selector.select(0.0 if self._drawings else timeout_s):
            if key.fileobj is self._listener:
                self._accept()
            elif key.data in self._worlds:
                self._hear(self._worlds[key.data])
        if self._drawings:
            if self._drawings[0][2].target.ready():
                self._deliver()
            else:
                # A driver that is asked to wait keeps a core busy.
                time.sleep(PAUSE_S)
        elif len(self._painters) > SCENES_KEPT:
            self._forget_scenes()

    def close(self) -> None:
        """Leave all worlds and free the context."""
        for world in list(self._worlds.values()):
            self._leave(world, "")
        self._selector.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)
        release_context(self._context)

    def _accept(self) -> None:
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        if len(self._worlds) >= MOST_WORLDS:
            sock.close()
            return
        self._worlds[sock] = _World(sock)
        self._selector.register(sock, selectors.EVENT_READ, sock)

    def _leave(self, world: _World, reason: str) -> None:
        """Forget a world; its memory goes with the last view of it."""
        if self._worlds.pop(world.sock, None) is None:
            return
        _LOG.info("a world has left%s; %d remain", f": {reason}" if reason else "", len(self._worlds))
        self._selector.unregister(world.sock)
        world.sock.close()
        world.blocks.clear()

    def _hear(self, world: _World) -> None:
        """Take all messages that a world has sent."""
        while world.sock in self._worlds:
            try:
                message, descriptor = receive(world.sock)
            except BlockingIOError:
                return
            except (RenderServiceLost, OSError) as error:
                self._leave(world, str(error))
                return
            try:
                answer = self._take(world, message, descriptor)
            except InputError as error:
                _LOG.warning("a world's request is refused: %s", error)
                answer = Message(Say.REFUSED, text=str(error))
            if answer is not None:
                self._answer(world, answer)

    def _answer(self, world: _World, answer: Message) -> None:
        try:
            send(world.sock, answer)
        except OSError as error:
            self._leave(world, str(error))

    def _take(self, world: _World, message: Message, descriptor: int | None) -> Message | None:
        """Do what a message says; return the answer, if there is one now."""
        memory = SharedMemory(descriptor, message.size) if descriptor is not None else None
        if message.say is Say.HELLO:
            return Message(Say.WELCOME, self._most_rows, text=self.device)
        if message.say is Say.SCENE:
            return self._known(world, message.digest)
        if message.say is Say.SCENE_DATA and memory is not None:
            return self._build(world, message.digest, memory)
        if message.say is Say.MEMORY and memory is not None:
            if message.number >= MOST_BLOCKS:
                raise InputError(f"a block number {message.number}; a world has {MOST_BLOCKS}")
            world.blocks[message.number] = memory
            return None
        if message.say is Say.DRAW:
            block = world.blocks.get(message.block)
            if block is None or message.number not in self._painters:
                raise InputError(f"a batch of the unknown scene {message.number} or block {message.block}")
            if world.waits:
                raise InputError("a second batch before the answer to the first")
            batch, layout = wire.read(block.view)
            self._submit(_Request(world, message.number, batch, layout, block.view))
            return None
        raise InputError(f"a message {message.say.name} {'with' if memory else 'without'} memory")

    def _known(self, world: _World, digest: bytes) -> Message:
        number = self._numbers.get(digest)
        if number is None:
            return Message(Say.UNKNOWN)
        world.scenes.add(digest)
        return Message(Say.KNOWN, number)

    def _build(self, world: _World, digest: bytes, memory: SharedMemory) -> Message:
        if hashlib.sha256(memory.view).digest() != digest:
            raise InputError("a scene's data have another digest than was said")
        if digest not in self._numbers:
            number, self._next_scene = self._next_scene, self._next_scene + 1
            self._painters[number] = Painter(self._context, scene_of(memory.view), samples=self._samples)
            self._numbers[digest] = number
            _LOG.info("scene %d of %.1f MB", number, len(memory.view) / 1e6)
        return self._known(world, digest)

    def _forget_scenes(self) -> None:
        """Free the oldest scenes that no world uses."""
        used = {digest for world in self._worlds.values() for digest in world.scenes}
        unused = [digest for digest in self._numbers if digest not in used]
        for digest in unused[: max(0, len(unused) - SCENES_KEPT)]:
            number = self._numbers.pop(digest)
            self._painters.pop(number).release()
            _LOG.info("scene %d is forgotten", number)

    def _submit(self, request: _Request) -> None:
        painter = self._painters[request.scene]
        try:
            self._drawings.append((request, painter, painter.submit(request.batch)))
            request.world.waits = True
        except InfrastructureError as error:
            self._answer(request.world, Message(Say.REFUSED, text=str(error)))

    def _deliver(self) -> None:
        """Finish the oldest drawing and tell its world."""
        request, painter, drawing = self._drawings.popleft()
        outs = wire.pictures(np.frombuffer(request.memory, np.uint8), request.batch, request.layout)
        try:
            painter.collect(drawing, outs)
            answer = Message(Say.DONE)
        except InfrastructureError as error:
            answer = Message(Say.REFUSED, text=str(error))
        self.batches_drawn += 1
        request.world.waits = False
        if request.world.sock in self._worlds:
            self._answer(request.world, answer)


def _listen(path: Path) -> socket.socket:
    """Return a socket that only this user can connect to; a socket left behind by a dead service is replaced."""
    try:
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as probe:
                try:
                    probe.connect(str(path))
                except ConnectionRefusedError:
                    path.unlink()
                else:
                    raise InfrastructureError(f"a render service is listening at {path} already")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
    except OSError as error:
        raise InfrastructureError(f"a render service can not listen at {path}: {error}") from error
    listener.listen(64)
    listener.setblocking(False)
    return listener
