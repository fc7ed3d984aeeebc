"""HTTP with a limit on the whole time and on the bytes of a response: httpx limits only the gaps between bytes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import httpx2


class OversizedBody(Exception):
    """A response has more bytes than it may."""


class BoundedStream(httpx2.SyncByteStream):
    """A response's bytes, up to a number and a moment.

    Iterating raises OversizedBody beyond the number, and httpx2.ReadTimeout after the moment.
    """

    def __init__(self, stream: httpx2.SyncByteStream, most_bytes: int, until_s: float) -> None:
        self._stream = stream
        self._left = most_bytes
        self._until_s = until_s

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise OversizedBody
            if time.monotonic() > self._until_s:
                raise httpx2.ReadTimeout("the response went on for too long")
            yield chunk

    def close(self) -> None:
        """Close the connection's side of it."""
        self._stream.close()


class BoundedTransport(httpx2.BaseTransport):
    """Hands out responses of bounded size and time, and none that is compressed: those could unfold to any size."""

    def __init__(self, inner: httpx2.BaseTransport, most_bytes: int, timeout_s: float) -> None:
        self._inner = inner
        self._most_bytes = most_bytes
        self._timeout_s = timeout_s

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; see BoundedStream for what reading the response may raise."""
        until_s = time.monotonic() + self._timeout_s
        request.headers["Accept-Encoding"] = "identity"
        response = self._inner.handle_request(request)
        if response.headers.get("Content-Encoding", "identity") != "identity":
            response.close()
            raise httpx2.RemoteProtocolError("the response is compressed, which was not asked for")
        assert isinstance(response.stream, httpx2.SyncByteStream)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=BoundedStream(response.stream, self._most_bytes, until_s),
            extensions=response.extensions,
        )

    def close(self) -> None:
        """Close all connections."""
        self._inner.close()
