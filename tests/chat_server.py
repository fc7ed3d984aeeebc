"""A real HTTP server on a loopback port that speaks /v1/chat/completions, well or badly, as a test tells it to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROMPT_TOKENS, COMPLETION_TOKENS = 1000, 50


@dataclass(frozen=True)
class Say:
    """A chat completion."""

    text: str | None
    finish_reason: str = "stop"
    message: dict[str, Any] = field(default_factory=dict[str, Any])
    """Further fields of the message, such as reasoning_content."""
    content_type: str = "application/json"


@dataclass(frozen=True)
class Send:
    """Any response."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    announced: int = -1
    """The Content-Length, where it is not the true one: the connection is cut after the body."""


@dataclass(frozen=True)
class Stall:
    """No answer at all."""


@dataclass(frozen=True)
class Trickle:
    """Bytes that never end, each in good time after the other."""


@dataclass(frozen=True)
class Flood:
    """A body of no end, in large pieces."""


@dataclass(frozen=True)
class Request:
    """What was asked."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


Act = Say | Send | Stall | Trickle | Flood
Script = Callable[[int, Request], Act]
"""(how many requests came before, the request) -> what to do."""


class ChatServer(ThreadingHTTPServer):
    """Answers by a script; keeps what it was asked."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.requests: list[Request] = []
        self.most_at_once = 0
        self.at_once = 0
        self.lock = threading.Lock()
        self.is_over = threading.Event()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that go away: that is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ChatServer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = Request(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        with self.server.lock:
            number = len(self.server.requests)
            self.server.requests.append(request)
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        try:
            act = self.server.script(number, request)
        finally:
            # Before the answer is sent: after it, the client's next request may be here first.
            with self.server.lock:
                self.server.at_once -= 1
        self._act(act, request)

    def _act(self, act: Act, request: Request) -> None:
        if isinstance(act, Say):
            self._send(Send(200, completion(act, request), {"Content-Type": act.content_type}))
        elif isinstance(act, Send):
            self._send(act)
        elif isinstance(act, Stall):
            self.server.is_over.wait()
            self.close_connection = True
        else:
            self._endless(b"x" * 65536 if isinstance(act, Flood) else b" ", 0.0 if isinstance(act, Flood) else 0.02)

    def _send(self, act: Send) -> None:
        self.send_response(act.status)
        for name, value in act.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(act.body) if act.announced < 0 else act.announced))
        self.end_headers()
        self.wfile.write(act.body)
        if act.announced >= 0:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def _endless(self, piece: bytes, pause_s: float) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Connection", "close")
        self.end_headers()
        while not self.server.is_over.wait(pause_s):
            self.wfile.write(piece)
            self.wfile.flush()


def completion(act: Say, request: Request) -> bytes:
    """Return the body of a chat completion."""
    whole = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": request.body["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": act.text, **act.message},
                "finish_reason": act.finish_reason,
            }
        ],
        "usage": {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": COMPLETION_TOKENS,
            "total_tokens": PROMPT_TOKENS + COMPLETION_TOKENS,
        },
    }
    return json.dumps(whole).encode()


def in_turn(*acts: Act) -> Script:
    """Return the script of doing one thing after the other, and the last one ever after."""
    return lambda number, _: acts[min(number, len(acts) - 1)]


@contextmanager
def serving(script: Script | Act, *more: Act) -> Iterator[ChatServer]:
    """Yield a running server; `script` is a function, or the first of several acts."""
    server = ChatServer(script if callable(script) else in_turn(script, *more))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.is_over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def texts_of(request: Request) -> str:
    """Return all text of a request's messages."""
    found: list[str] = []
    for message in request.body["messages"]:
        content: str | Sequence[dict[str, Any]] = message["content"]
        found += [content] if isinstance(content, str) else [part.get("text", "") for part in content]
    return "\n".join(found)


def images_of(request: Request) -> list[str]:
    """Return the URLs of all images of a request's messages."""
    parts = [
        part
        for message in request.body["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
    ]
    return [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
