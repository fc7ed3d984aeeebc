"""One request to a chat completion endpoint, through the `openai` package: a reply, or what went wrong and what to do."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from alpamayo_sim.errors import InputError, MissingExtraError
from alpamayo_training.endpoint.outcome import (
    Failure,
    Oversized,
    RateLimited,
    Refused,
    Rejected,
    Reply,
    ServerError,
    TimedOut,
)
from alpamayo_training.endpoint.pacing import retry_after_s
from alpamayo_training.endpoint.settings import LEAST_SECRET, EndpointSettings

EXCERPT = 300
UNFIT = (400, 404, 405, 413, 415, 422)
REFUSAL_CODES = ("content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation")


@dataclass(frozen=True)
class Setback:
    """A try without a reply."""

    failure: Failure
    can_be_retried: bool
    after_s: float | None = None
    """What the server asked to wait for."""
    was_connected: bool = True


class _Part(BaseModel):
    text: str = ""


class _Message(BaseModel):
    content: str | list[_Part] | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Tokens(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int | None = 0


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Tokens | None = None
    model: str = ""


class Exchange:
    """Sends requests to one endpoint; safe to use from several threads."""

    def __init__(self, settings: EndpointSettings) -> None:
        try:
            import httpx2
            import openai
        except ImportError as error:
            raise MissingExtraError("label", "openai") from error
        from alpamayo_training.endpoint.transport import BoundedTransport, OversizedBody

        self._openai, self._oversized_body = openai, OversizedBody
        self._key = settings.key()
        limits = httpx2.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
        inner = httpx2.HTTPTransport(limits=limits, trust_env=not settings.is_loopback)
        self._client = openai.OpenAI(
            base_url=settings.base_url,
            api_key=self._key,
            max_retries=0,
            timeout=settings.timeout_s,
            http_client=openai.DefaultHttpxClient(
                transport=BoundedTransport(inner, settings.max_response_bytes, settings.timeout_s),
                follow_redirects=False,
                trust_env=not settings.is_loopback,
            ),
        )
        self._settings = settings

    def send(self, body: Mapping[str, Any]) -> Reply | Setback:
        """Send a request's body; return the reply, or why there is none.

        Errors: InputError if the server does not take the key.
        """
        openai = self._openai
        rest = {name: value for name, value in body.items() if name not in ("model", "messages")}
        try:
            response = self._client.chat.completions.with_raw_response.create(
                model=body["model"], messages=body["messages"], extra_body=rest
            )
            return self._reply(response.headers, response.text)
        except openai.APITimeoutError:
            return Setback(TimedOut(f"no whole response within {self._settings.timeout_s:g} s"), can_be_retried=True)
        except openai.APIConnectionError as error:
            return self._broken(error)
        except openai.APIStatusError as error:
            return self._refused(error.status_code, error.response.headers, error.response.text)
        except self._oversized_body:
            most = self._settings.max_response_bytes
            return Setback(Oversized(f"the response has more than {most} bytes"), can_be_retried=False)
        except UnicodeError:
            return Setback(ServerError("the response is no text"), can_be_retried=True)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _reply(self, headers: Mapping[str, str], text: str) -> Reply | Setback:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if "json" not in kind:
            said = self._excerpt(text)
            return Setback(
                ServerError(f"expected JSON from the server; found {kind or 'no type'}: {said}"), can_be_retried=True
            )
        try:
            completion = _Completion.model_validate_json(text)
            choice = completion.choices[0]
        except (ValidationError, IndexError):
            return Setback(ServerError(f"no chat completion: {self._excerpt(text)}"), can_be_retried=True)
        message, usage = choice.message, completion.usage or _Tokens()
        content = message.content or ""
        whole = content if isinstance(content, str) else "".join(part.text for part in content)
        return Reply(
            content=self._without_key(whole),
            thinking=self._without_key(message.reasoning_content or message.reasoning or ""),
            refusal=self._without_key(message.refusal or ""),
            finish_reason=self._without_key(choice.finish_reason or ""),
            prompt_tokens=max(0, usage.prompt_tokens),
            completion_tokens=max(0, usage.completion_tokens or 0),
            model=self._without_key(completion.model),
        )

    def _broken(self, error: Exception) -> Setback:
        cause = error.__cause__
        said = self._excerpt(f"{type(cause).__name__}: {cause}")
        was_connected = "ConnectError" not in {base.__name__ for base in type(cause).__mro__}
        return Setback(ServerError(f"the connection broke ({said})"), can_be_retried=True, was_connected=was_connected)

    def _refused(self, status: int, headers: Mapping[str, str], text: str) -> Setback:
        said = f"HTTP {status}: {self._excerpt(text)}"
        if status == 429:
            return Setback(RateLimited(said), can_be_retried=True, after_s=retry_after_s(headers))
        if status in (401, 403):
            raise InputError(
                f"the endpoint {self._settings.base_url} does not take the key in {self._settings.api_key_variable} "
                f"({said}); set that environment variable, or name another with --api-key-variable"
            )
        if any(code in text for code in REFUSAL_CODES):
            return Setback(Refused(said), can_be_retried=False)
        if status == 408:
            return Setback(TimedOut(said), can_be_retried=True)
        if status in UNFIT or 300 <= status < 400:
            return Setback(Rejected(said), can_be_retried=False)
        return Setback(ServerError(said), can_be_retried=True, after_s=retry_after_s(headers))

    def _without_key(self, text: str) -> str:
        """Return a server's text without the key, should it tell the key back."""
        return text if len(self._key) < LEAST_SECRET else text.replace(self._key, "[key]")

    def _excerpt(self, text: str) -> str:
        short = " ".join(self._without_key(text)[: 4 * EXCERPT].split())[:EXCERPT]
        return "".join(char for char in short if unicodedata.category(char)[0] != "C")
