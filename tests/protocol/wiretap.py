"""A relay between clients and a server that notes every remote call with its arguments and its answer.

It runs in a process of its own: CARLA's client holds Python's global lock while it waits for some answers.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack


@dataclass(frozen=True)
class Heard:
    """One call that was answered."""

    name: str
    arguments: list[Any]
    answer: Any

    @property
    def error(self) -> str | None:
        """The server's message if it refused, else None."""
        envelope = self.answer
        if type(envelope) is not list or len(envelope) != 1 or type(envelope[0]) is not list or len(envelope[0]) != 2:
            return None
        kind, value = envelope[0]
        refused = kind is True or (type(kind) is int and kind == 0)
        return value[0] if refused and type(value) is list and type(value[0]) is str else None


def _unpacker() -> msgpack.Unpacker:
    return msgpack.Unpacker(raw=False, strict_map_key=False, unicode_errors="surrogateescape", max_buffer_size=0)


class Wiretap:
    """A running relay on a free port of the loopback interface; what it notes is in `heard`."""

    def __init__(self, server_port: int, notes: Path) -> None:
        notes.touch()
        self._process = subprocess.Popen(
            [sys.executable, __file__, str(server_port), str(notes)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        self._notes = notes.open("rb")
        self._unpacker = _unpacker()
        self._heard: list[Heard] = []

    @property
    def heard(self) -> list[Heard]:
        """All calls that were answered so far, in the order of their answers."""
        self._unpacker.feed(self._notes.read())
        self._heard += [Heard(*note) for note in self._unpacker]
        return self._heard

    def since(self, mark: int) -> list[Heard]:
        """Return what was heard after the first `mark` calls."""
        return self.heard[mark:]

    def close(self) -> None:
        """End the relay with all its connections."""
        self._process.kill()
        self._process.wait()
        self._notes.close()


class _Line:
    """One connection, both ways."""

    def __init__(self, near: socket.socket, server_port: int, notes: Any, lock: threading.Lock) -> None:
        self._near, self._far = near, socket.create_connection(("127.0.0.1", server_port))
        self._notes, self._lock = notes, lock
        self._open: dict[int, list[Any]] = {}
        for one in (self._near, self._far):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._pass_on, args=(self._near, self._far, self._asked), daemon=True).start()
        threading.Thread(target=self._pass_on, args=(self._far, self._near, self._answered), daemon=True).start()

    def _asked(self, message: Any) -> None:
        _, number, name, arguments = message
        self._open[number] = [name, arguments[1:]]

    def _answered(self, message: Any) -> None:
        asked = self._open.pop(message[1], None)
        if asked is not None:
            with self._lock:
                self._notes.write(msgpack.packb([*asked, message[3]], unicode_errors="surrogateescape"))
                self._notes.flush()

    def _pass_on(self, source: socket.socket, target: socket.socket, note: Any) -> None:
        unpacker = _unpacker()
        try:
            while data := source.recv(1 << 16):
                unpacker.feed(data)
                for message in unpacker:
                    note(message)
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def _relay(server_port: int, notes_path: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    lock = threading.Lock()
    with open(notes_path, "ab") as notes:
        while True:
            near, _ = listener.accept()
            _Line(near, server_port, notes, lock)


if __name__ == "__main__":
    _relay(int(sys.argv[1]), sys.argv[2])
