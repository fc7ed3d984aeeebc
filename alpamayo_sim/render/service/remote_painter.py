"""The world's end of a render service: draws batches like a painter, in another process."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.batch import Batch
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.service import wire
from alpamayo_sim.render.service.memory import SharedMemory
from alpamayo_sim.render.service.messages import Message, RenderServiceLost, Say, receive, send
from alpamayo_sim.render.service.scene_data import scene_bytes

TIMEOUT_S = 60.0
"""A service that says nothing for so long is lost: the first batch of a scene takes seconds on a busy machine."""
MOST_BLOCKS = 8


@dataclass
class _Block:
    number: int
    memory: SharedMemory
    pixels: NDArray[np.uint8]
    free_references: int
    """Of `pixels` when nobody holds a picture in it."""

    @property
    def free(self) -> bool:
        """Whether nobody holds a picture in it any more."""
        return sys.getrefcount(self.pixels) <= self.free_references


class RemotePainter:
    """Draws the batches of one scene by a render service."""

    def __init__(self, address: str, scene: Scene) -> None:
        """Connect and hand the scene over; RenderServiceLost when nobody answers at the Unix socket `address`."""
        self._address = address
        self._blocks: list[_Block] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(TIMEOUT_S)
        try:
            self._socket.connect(address)
        except OSError as error:
            self._socket.close()
            raise RenderServiceLost(
                f"no render service answers at {address} ({error}); start one with: alpamayo render --listen {address}"
            ) from error
        welcome = self._ask(Message(Say.HELLO), Say.WELCOME)
        self.device, self.most_rows = welcome.text, welcome.number
        data, digest = scene_bytes(scene)
        known = self._ask(Message(Say.SCENE, digest=digest), Say.KNOWN, Say.UNKNOWN)
        if known.say is Say.UNKNOWN:
            memory, descriptor = SharedMemory.create(len(data))
            memory.view[:] = data
            known = self._ask(Message(Say.SCENE_DATA, size=len(data), digest=digest), Say.KNOWN, descriptor=descriptor)
        self._scene = known.number

    def paint(self, batch: Batch) -> list[NDArray]:
        """Return the pictures of a batch in its order, as `Painter.paint` does; RenderServiceLost when the service is gone."""
        layout = wire.Layout.for_batch(batch)
        block = self._block(layout.bytes_needed(batch))
        wire.write(batch, layout, block.memory.view)
        self._ask(Message(Say.DRAW, self._scene, block.number), Say.DONE)
        return wire.pictures(block.pixels, batch, layout)

    def release(self) -> None:
        """Leave the service."""
        self._socket.close()
        self._blocks.clear()

    def _block(self, size: int) -> _Block:
        """Return memory of at least `size` bytes that holds no picture in use."""
        for block in self._blocks:
            if block.free and len(block.pixels) >= size:
                return block
        number = next((block.number for block in self._blocks if block.free), len(self._blocks))
        if number >= MOST_BLOCKS:
            raise RenderServiceLost(f"pictures of {MOST_BLOCKS} batches are still held")
        self._blocks = [block for block in self._blocks if block.number != number]
        size += -size % 65536
        memory, descriptor = SharedMemory.create(size)
        self._tell(Message(Say.MEMORY, number, size=size), descriptor)
        pixels = np.frombuffer(memory.view, np.uint8)
        block = _Block(number, memory, pixels, 0)
        del pixels
        block.free_references = sys.getrefcount(block.pixels)
        self._blocks.append(block)
        return block

    def _tell(self, message: Message, descriptor: int | None = None) -> None:
        try:
            send(self._socket, message, descriptor)
        except OSError as error:
            raise RenderServiceLost(f"the render service at {self._address} is gone: {error}") from error
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _ask(self, message: Message, *expected: Say, descriptor: int | None = None) -> Message:
        """Send a message and return the answer, which must be one of those expected."""
        self._tell(message, descriptor)
        try:
            answer, unwanted = receive(self._socket)
        except TimeoutError as error:
            raise RenderServiceLost(
                f"the render service at {self._address} has not answered for {TIMEOUT_S:g} s"
            ) from error
        except OSError as error:
            raise RenderServiceLost(f"the render service at {self._address} is gone: {error}") from error
        if unwanted is not None:
            os.close(unwanted)
        if answer.say not in expected:
            raise RenderServiceLost(f"the render service at {self._address} answered {answer.say.name}: {answer.text}")
        return answer
