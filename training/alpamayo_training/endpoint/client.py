"""Asks a model behind an OpenAI-compatible endpoint for answers of a form: cached, paced, retried, several at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_training.endpoint.cache import AnswerCache, key_of
from alpamayo_training.endpoint.exchange import Exchange, Setback
from alpamayo_training.endpoint.outcome import (
    Answer,
    Failure,
    FormT,
    RateLimited,
    Refused,
    Rejected,
    Reply,
    ServerError,
    Truncated,
    Unparseable,
)
from alpamayo_training.endpoint.pacing import Pacer, backoff_s
from alpamayo_training.endpoint.parsing import parse, schema_of, split_thinking
from alpamayo_training.endpoint.settings import EndpointSettings
from alpamayo_training.endpoint.usage import Usage, UsageMeter

NameT = TypeVar("NameT")
TOLD_BACK = 4000
"""Characters of an answer that was not of the form which the model is shown again."""
ASK_AGAIN = (
    "That was not of the asked form: {wrong}. Answer again with one JSON object of the schema, and nothing else."
)


@dataclass(frozen=True)
class Question(Generic[FormT]):
    """What a model is asked, and the form that its answer has."""

    messages: Sequence[Mapping[str, Any]]
    form: type[FormT]
    """A pydantic model; its JSON schema is sent along."""
    version: str
    """Of the prompt: another one is asked afresh."""


class EndpointClient:
    """Asks one model; safe to use from several threads, which share its pace and its cache."""

    def __init__(
        self,
        settings: EndpointSettings,
        cache: AnswerCache | None = None,
        progress: Callable[[Usage], None] | None = None,
    ) -> None:
        """Make a client; nothing is sent yet.

        `progress` is told the counts after each question. Errors: MissingExtraError without the package `openai`.
        """
        self.settings = settings
        self._cache = cache
        self._progress = progress
        self._exchange = Exchange(settings)
        self._pacer = Pacer(settings.requests_per_minute)
        self._meter = UsageMeter()
        self._lock = threading.Lock()
        self._under_way: dict[str, tuple[threading.Lock, int]] = {}
        self._unheard = 0
        self._was_heard = False

    def usage(self) -> Usage:
        """Return what asking has cost up to now."""
        return self._meter.usage()

    def close(self) -> None:
        """End all waits and close the connections."""
        self._pacer.stop()
        self._exchange.close()

    def ask(self, question: Question[FormT]) -> Answer[FormT] | Failure:
        """Return the answer to a question, or a typed failure.

        Errors: InputError where the server takes no such request or key; InfrastructureError where it cannot be reached, or has
        left `give_up_after` questions in a row unanswered.
        """
        self._meter.begin()
        outcome = self._asked(question)
        self._meter.count("questions")
        if isinstance(outcome, Failure):
            self._meter.failed(outcome.kind)
        self._watch(outcome)
        if self._progress is not None:
            self._progress(self._meter.usage())
        return outcome

    def ask_all(
        self, questions: Iterable[tuple[NameT, Question[FormT]]]
    ) -> Iterator[tuple[NameT, Answer[FormT] | Failure]]:
        """Yield the outcome of each named question as it comes; at most `concurrency` are under way.

        Questions are taken from the iterable in the calling thread, no earlier than they are needed.
        """
        pool = ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="endpoint")
        under_way: dict[Future[Answer[FormT] | Failure], NameT] = {}
        source = iter(questions)
        is_over = False
        try:
            while not is_over or under_way:
                while not is_over and len(under_way) < self.settings.concurrency:
                    named = next(source, None)
                    if named is None:
                        is_over = True
                    else:
                        under_way[pool.submit(self.ask, named[1])] = named[0]
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    yield under_way.pop(future), future.result()
        except (KeyboardInterrupt, InputError, InfrastructureError):
            self._pacer.stop()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _asked(self, question: Question[FormT]) -> Answer[FormT] | Failure:
        body = self._body(question.messages, question.form)
        wrong, text = "", ""
        for asked in (1, 2):
            if asked == 2:
                self._meter.count("second_askings")
                body = self._body(_again(question.messages, text, wrong), question.form)
            reply = self._replied(question.version, body)
            if isinstance(reply, Failure):
                return reply
            if reply.refusal or reply.finish_reason == "content_filter":
                return Refused(reply.refusal or "stopped by the server's filter of contents")
            thought, text = split_thinking(reply.content)
            found = parse(text, question.form)
            if not isinstance(found, str):
                return Answer(found, reply.thinking or thought, asked)
            if reply.finish_reason == "length":
                return Truncated(f"cut off after {reply.completion_tokens} tokens; raise the limit of tokens")
            wrong = found
        return Unparseable(wrong)

    def _body(self, messages: Sequence[Mapping[str, Any]], form: type[FormT]) -> dict[str, Any]:
        body = {
            "model": self.settings.model,
            "messages": list(messages),
            "temperature": self.settings.temperature,
            "max_tokens": self.settings.max_tokens,
            "response_format": schema_of(form),
            **self.settings.request_fields,
        }
        return {name: value for name, value in body.items() if value is not None}

    def _replied(self, version: str, body: Mapping[str, Any]) -> Reply | Failure:
        """Return the reply to a request, from the cache or the server; the same request is never under way twice."""
        key = key_of(version, body)
        with self._alone(key):
            known = self._cache.get(key) if self._cache is not None else None
            if known is not None:
                self._meter.count("cache_hits")
                self._meter.tokens(known, cached=True)
                return known
            reply = self._sent(body)
            if isinstance(reply, Reply):
                self._meter.tokens(reply, cached=False)
                if self._cache is not None:
                    self._cache.put(key, reply)
            return reply

    def _sent(self, body: Mapping[str, Any]) -> Reply | Failure:
        setback: Setback | None = None
        for retry in range(self.settings.retries + 1):
            self._pacer.begin()
            if self._pacer.is_stopped:
                return setback.failure if setback is not None else ServerError("the work was ended before it was asked")
            if retry:
                self._meter.count("retries")
            began_s = time.monotonic()
            reply = self._exchange.send(body)
            self._meter.sent(time.monotonic() - began_s)
            if isinstance(reply, Reply):
                self._was_heard = True
                return reply
            setback = reply
            if not setback.can_be_retried:
                return self._unfit(setback.failure)
            if retry == self.settings.retries:
                break
            if setback.after_s is not None and setback.after_s > self.settings.longest_wait_s:
                return RateLimited(f"the server asks to wait {setback.after_s:.0f} s; {setback.failure.detail}")
            if setback.after_s is not None:
                self._pacer.hold(setback.after_s)
            else:
                self._pacer.pause(backoff_s(self.settings.backoff_s, self.settings.longest_wait_s, retry))
        assert setback is not None
        if not setback.was_connected and not self._was_heard:
            raise InfrastructureError(
                f"nobody answers at {self.settings.base_url} ({setback.failure.detail}); "
                "start the model server, or mend --base-url"
            )
        return setback.failure

    def _unfit(self, failure: Failure) -> Failure:
        if isinstance(failure, Rejected) and not self._was_heard:
            raise InputError(
                f"the endpoint {self.settings.base_url} does not accept requests for {self.settings.model!r} "
                f"({failure.detail}); mend --base-url, --model or the request's fields"
            )
        return failure

    def _watch(self, outcome: Answer[Any] | Failure) -> None:
        with self._lock:
            heard = not (isinstance(outcome, Failure) and outcome.is_infrastructure)
            self._unheard = 0 if heard else self._unheard + 1
            is_gone = self._unheard >= self.settings.give_up_after
        if is_gone and isinstance(outcome, Failure):
            raise InfrastructureError(
                f"{self._unheard} questions in a row have got no answer from {self.settings.base_url} ({outcome.detail}); "
                "what was answered is in the cache: run the same command again when the server is well"
            )

    @contextmanager
    def _alone(self, key: str) -> Generator[None, None, None]:
        with self._lock:
            lock, users = self._under_way.get(key, (threading.Lock(), 0))
            self._under_way[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                users = self._under_way[key][1] - 1
                if users:
                    self._under_way[key] = (lock, users)
                else:
                    del self._under_way[key]


def _again(messages: Sequence[Mapping[str, Any]], text: str, wrong: str) -> list[Mapping[str, Any]]:
    return [
        *messages,
        {"role": "assistant", "content": text[:TOLD_BACK]},
        {"role": "user", "content": ASK_AGAIN.format(wrong=wrong)},
    ]
