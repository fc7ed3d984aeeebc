"""What a world and a render service say to each other over a Unix socket: one fixed struct a message, text at its end for people.

A message is one packet (SOCK_SEQPACKET). Arrays travel in shared memory, whose descriptors go along with messages: it has no
name, and is gone when both ends are.
"""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from enum import IntEnum

from alpamayo_sim.errors import InfrastructureError

_FIXED = struct.Struct("<4sHHIIQ32s")
MAGIC = b"ALRS"
VERSION = 1
MOST_BYTES = 4096


class Say(IntEnum):
    """What a message says."""

    HELLO = 1
    """World: first message."""
    WELCOME = 2
    """Service: `number` rows of pixels at most in a batch; the text names the graphics device."""
    SCENE = 3
    """World: the scene of `digest`, without its data."""
    SCENE_DATA = 4
    """World: `size` bytes of the scene of `digest` in the memory that comes along."""
    KNOWN = 5
    """Service: that scene is number `number`."""
    UNKNOWN = 6
    """Service: send the scene's data."""
    MEMORY = 7
    """World: `size` bytes of memory for pictures to come along, as block `number`; there is no answer."""
    DRAW = 8
    """World: the batch in block `block`, of scene `number`."""
    DONE = 9
    """Service: its pictures are in the block."""
    REFUSED = 10
    """Service: the text says why."""


class RenderServiceLost(InfrastructureError):
    """The render service is gone, silent or of another version."""


@dataclass(frozen=True)
class Message:
    """One message; which fields mean something depends on `say`."""

    say: Say
    number: int = 0
    block: int = 0
    size: int = 0
    digest: bytes = bytes(32)
    text: str = ""

    def packed(self) -> bytes:
        """Return the packet."""
        fixed = _FIXED.pack(MAGIC, VERSION, self.say, self.number, self.block, self.size, self.digest)
        return fixed + self.text.encode()[: MOST_BYTES - _FIXED.size]


def parse(packet: bytes) -> Message:
    """Return the message of a packet; RenderServiceLost for one of another version or none at all."""
    if len(packet) < _FIXED.size:
        raise RenderServiceLost(f"a message of {len(packet)} bytes; expected at least {_FIXED.size}")
    magic, version, say, number, block, size, digest = _FIXED.unpack_from(packet)
    if magic != MAGIC or version != VERSION:
        raise RenderServiceLost(
            f"the other end speaks {magic!r} version {version}, this one {MAGIC!r} version {VERSION}; "
            "render service and worlds must come from the same installation"
        )
    try:
        kind = Say(say)
    except ValueError as error:
        raise RenderServiceLost(f"an unknown message {say}") from error
    return Message(kind, number, block, size, digest, packet[_FIXED.size :].decode(errors="replace"))


def send(sock: socket.socket, message: Message, descriptor: int | None = None) -> None:
    """Send a message, with a descriptor of memory if given. Raises OSError."""
    if descriptor is None:
        sock.send(message.packed())
    else:
        socket.send_fds(sock, [message.packed()], [descriptor])


def receive(sock: socket.socket) -> tuple[Message, int | None]:
    """Return the next message and the descriptor that came along, which is the caller's to close.

    Raises RenderServiceLost when there is no next one, OSError (BlockingIOError, TimeoutError) from the socket.
    """
    packet, descriptors, _, _ = socket.recv_fds(sock, MOST_BYTES, 1)
    descriptor = descriptors[0] if descriptors else None
    try:
        if not packet:
            raise RenderServiceLost("the other end has closed the connection")
        return parse(packet), descriptor
    except RenderServiceLost:
        if descriptor is not None:
            os.close(descriptor)
        raise
