"""What comes back from a model behind an endpoint: an answer of the asked form, or a failure that says of which kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from pydantic import BaseModel

FormT = TypeVar("FormT", bound=BaseModel)


@dataclass(frozen=True)
class Reply:
    """One answer as the server gave it; what the cache holds."""

    content: str
    thinking: str
    """What a reasoning model thought, where the server hands that out apart from the answer."""
    refusal: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    model: str
    """As the server calls it."""


@dataclass(frozen=True)
class Answer(Generic[FormT]):
    """A model's answer of the asked form."""

    value: FormT
    thinking: str
    """What it thought before it answered; "" if it did not, or does not tell."""
    asked: int
    """2 where the first answer was not of the form and it was asked once more."""


@dataclass(frozen=True)
class Failure:
    """No answer. `is_infrastructure` tells whether the model was not heard, or was heard and did not answer as asked."""

    detail: str
    kind: ClassVar[str] = "failure"
    is_infrastructure: ClassVar[bool] = False


class Unparseable(Failure):
    """Neither the first nor the second answer was of the asked form."""

    kind: ClassVar[str] = "unparseable"


class Truncated(Failure):
    """The answer was cut off at the limit of tokens."""

    kind: ClassVar[str] = "truncated"


class Refused(Failure):
    """The model or the server's filter would not answer."""

    kind: ClassVar[str] = "refused"


class Rejected(Failure):
    """The server does not accept this request, though it has accepted others: too long a prompt, say."""

    kind: ClassVar[str] = "rejected"


class Oversized(Failure):
    """The server's response is larger than the limit."""

    kind: ClassVar[str] = "oversized"


class TimedOut(Failure):
    """No whole response in time, at any of the tries."""

    kind: ClassVar[str] = "timed_out"
    is_infrastructure: ClassVar[bool] = True


class RateLimited(Failure):
    """The server asked for patience at every try, or for more of it than there is."""

    kind: ClassVar[str] = "rate_limited"
    is_infrastructure: ClassVar[bool] = True


class ServerError(Failure):
    """The server failed, cut the connection, or answered with something that is no chat completion, at every try."""

    kind: ClassVar[str] = "server_error"
    is_infrastructure: ClassVar[bool] = True


FAILURES: tuple[type[Failure], ...] = (
    Unparseable,
    Truncated,
    Refused,
    Rejected,
    Oversized,
    TimedOut,
    RateLimited,
    ServerError,
)
INFRASTRUCTURE = tuple(failure.kind for failure in FAILURES if failure.is_infrastructure)
"""Kinds that say nothing of the model: the same question is worth asking again."""
