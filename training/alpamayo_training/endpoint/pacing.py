"""When the next request may begin: an even rate over all threads, pauses that the server asks for, growing waits."""

from __future__ import annotations

import email.utils
import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timezone


class Pacer:
    """Lets requests begin at an even rate; one thread's pause holds all of them."""

    def __init__(
        self,
        requests_per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._interval_s = 60.0 / requests_per_minute if requests_per_minute > 0.0 else 0.0
        self._clock = clock
        self._stopped = threading.Event()
        self._wait = wait or self._stopped.wait
        self._lock = threading.Lock()
        self._next_s = -math.inf

    def begin(self) -> None:
        """Return when the next request may begin."""
        with self._lock:
            now = self._clock()
            slot = max(now, self._next_s)
            self._next_s = slot + self._interval_s
        if slot > now:
            self._wait(slot - now)

    def hold(self, seconds: float) -> None:
        """Let no request begin for so long."""
        with self._lock:
            self._next_s = max(self._next_s, self._clock() + seconds)

    def pause(self, seconds: float) -> None:
        """Return after so long, or at once when stopped."""
        self._wait(seconds)

    def stop(self) -> None:
        """End all waits."""
        self._stopped.set()

    @property
    def is_stopped(self) -> bool:
        """Whether nobody is to wait, nor to ask, any more."""
        return self._stopped.is_set()


def backoff_s(first_s: float, longest_s: float, retry: int) -> float:
    """Return how long to wait before a retry, counted from 0: doubled each time, up to the longest."""
    return min(longest_s, first_s * 2.0 ** min(retry, 32))


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that a response asks to wait for (retry-after-ms, or Retry-After in seconds or as a date), or None."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000.0
    text = headers.get("retry-after", "").strip()
    seconds = _number(text)
    if seconds is not None or not text:
        return seconds
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - (now or datetime.now(timezone.utc))).total_seconds())


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0.0 else None
