"""What asking cost: requests, answers from the cache, tokens, seconds, money."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from alpamayo_training.endpoint.outcome import Reply


@dataclass(frozen=True)
class Price:
    """Money for a million tokens; 0 where nothing is known or the server is one's own."""

    input_per_million: float = 0.0
    output_per_million: float = 0.0

    def of(self, prompt_tokens: int, completion_tokens: int) -> float:
        """Return what so many tokens cost."""
        return (prompt_tokens * self.input_per_million + completion_tokens * self.output_per_million) / 1e6


@dataclass(frozen=True)
class Usage:
    """Counts up to now."""

    questions: int = 0
    """Answered or failed."""
    requests: int = 0
    """Sent, retries and second askings included."""
    retries: int = 0
    second_askings: int = 0
    cache_hits: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    """As the server counts them, of what was sent in this run."""
    cached_prompt_tokens: int = 0
    cached_completion_tokens: int = 0
    """Of the answers from the cache: what this run did not cost."""
    request_seconds: float = 0.0
    """Summed over requests, which overlap."""
    seconds: float = 0.0
    """Since the first question."""
    failures: dict[str, int] = field(default_factory=dict[str, int])
    """By kind."""

    def report(self, price: Price) -> dict[str, Any]:
        """Return the figures as JSON takes them, with cost and rates."""
        figures = asdict(self)
        figures["request_seconds"] = round(self.request_seconds, 3)
        figures["seconds"] = round(self.seconds, 3)
        figures["questions_per_second"] = round(self.questions / self.seconds, 3) if self.seconds > 0.0 else 0.0
        figures["cost"] = round(price.of(self.prompt_tokens, self.completion_tokens), 6)
        figures["cost_saved_by_cache"] = round(price.of(self.cached_prompt_tokens, self.cached_completion_tokens), 6)
        return figures

    def line(self) -> str:
        """Return the counts as a line of progress."""
        failed = sum(self.failures.values())
        return (
            f"{self.questions} questions  {self.requests} requests  {self.cache_hits} from cache  {self.retries} retries  "
            f"{failed} failed  {self.prompt_tokens} tokens in  {self.completion_tokens} out"
        )


class UsageMeter:
    """Counts from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._request_seconds = 0.0
        self._began_s: float | None = None

    def begin(self) -> None:
        """Note that there is a question."""
        with self._lock:
            self._began_s = time.monotonic() if self._began_s is None else self._began_s

    def count(self, name: str) -> None:
        """Count one of a field of Usage."""
        with self._lock:
            self._counts[name] += 1

    def failed(self, kind: str) -> None:
        """Count a failure of a kind."""
        with self._lock:
            self._failures[kind] += 1

    def sent(self, seconds: float) -> None:
        """Count a request and how long it took."""
        with self._lock:
            self._counts["requests"] += 1
            self._request_seconds += seconds

    def tokens(self, reply: Reply, *, cached: bool) -> None:
        """Count a reply's tokens."""
        prefix = "cached_" if cached else ""
        with self._lock:
            self._counts[f"{prefix}prompt_tokens"] += reply.prompt_tokens
            self._counts[f"{prefix}completion_tokens"] += reply.completion_tokens

    def usage(self) -> Usage:
        """Return the counts up to now."""
        with self._lock:
            lapse = time.monotonic() - self._began_s if self._began_s is not None else 0.0
            return Usage(
                **self._counts,
                request_seconds=self._request_seconds,
                seconds=lapse,
                failures=dict(sorted(self._failures.items())),
            )
