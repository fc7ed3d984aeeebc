"""Which endpoint is asked, how patiently, and where its key comes from."""

from __future__ import annotations

import ipaddress
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from alpamayo_sim.errors import InputError

NO_KEY = "none"
"""Servers without keys take any; the OpenAI client insists on one."""
LEAST_SECRET = 8
"""Characters of a key from which on it is one, and not a word like "EMPTY"."""


@dataclass(frozen=True)
class EndpointSettings:
    """An OpenAI-compatible endpoint. Holds the name of the key's environment variable, never the key."""

    base_url: str
    """Up to and with /v1."""
    model: str
    api_key_variable: str = "OPENAI_API_KEY"
    concurrency: int = 8
    """Requests under way at a time."""
    requests_per_minute: float = 0.0
    """Begun, over all threads; 0 for as many as go."""
    timeout_s: float = 300.0
    """Of a whole response, and of any silence within it: after twice as much at the latest there is an outcome."""
    retries: int = 5
    """After a time-out, a 429, a 5xx or a broken connection."""
    backoff_s: float = 1.0
    """Before the first retry; doubled each time, where the server does not say how long."""
    longest_wait_s: float = 120.0
    """Of a backoff; a Retry-After beyond it ends the question as RateLimited."""
    give_up_after: int = 8
    """So many questions in a row without an answer end the work: the server is gone."""
    max_response_bytes: int = 4 << 20
    max_tokens: int = 4096
    """Of an answer, with what the model thinks before it."""
    temperature: float = 0.0
    request_fields: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Put into every request over what is there by default; None takes a field away ({"response_format": None})."""

    def __post_init__(self) -> None:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InputError(
                f"the endpoint's URL is like http://localhost:8000/v1; found {parts.scheme}://{parts.hostname}"
            )
        if parts.username or parts.password or parts.query:
            raise InputError(
                "the endpoint's URL holds a user, a password or a query, which would end up in files; "
                "put the key into an environment variable and name it with --api-key-variable"
            )
        if self.concurrency < 1 or self.retries < 0 or self.give_up_after < 1:
            raise InputError("concurrency and give_up_after are at least 1, retries at least 0")
        waits = (self.timeout_s, self.backoff_s, self.longest_wait_s)
        if not all(math.isfinite(wait) and wait > 0.0 for wait in waits) or self.requests_per_minute < 0.0:
            raise InputError("times of an endpoint are positive seconds, requests_per_minute is 0 or more")

    @property
    def is_loopback(self) -> bool:
        """Whether the endpoint is on this machine, where no proxy is wanted."""
        host = urlsplit(self.base_url).hostname or ""
        if host == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def key(self) -> str:
        """Return the key from the environment, NO_KEY if the variable is not set."""
        return os.environ.get(self.api_key_variable) or NO_KEY
