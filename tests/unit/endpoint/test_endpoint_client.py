"""The client against a real HTTP server that answers well, badly, late, too much, or not at all."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any, Literal

import pytest
from chat_server import ChatServer, Flood, Request, Say, Send, Stall, Trickle, serving
from pydantic import BaseModel, ConfigDict

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_training.endpoint.cache import AnswerCache
from alpamayo_training.endpoint.client import EndpointClient, Question
from alpamayo_training.endpoint.outcome import (
    Answer,
    Oversized,
    RateLimited,
    Refused,
    Rejected,
    ServerError,
    TimedOut,
    Truncated,
    Unparseable,
)
from alpamayo_training.endpoint.settings import EndpointSettings
from alpamayo_training.endpoint.usage import Price

GENEROUS_S, SHORT_S = 120.0, 0.5
GOOD = '{"colour": "red", "count": 3}'
KEY = "sk-loopback-0123456789abcdef"


class Lamp(BaseModel):
    model_config = ConfigDict(extra="forbid")
    colour: Literal["red", "green"]
    count: int


def question(text: str = "Which lamp?") -> Question[Lamp]:
    return Question([{"role": "user", "content": text}], Lamp, "1")


def client(server: ChatServer, cache: Path | None = None, **changes: Any) -> EndpointClient:
    settings = {"timeout_s": GENEROUS_S, "backoff_s": 0.01, "retries": 2, "concurrency": 1, **changes}
    kept = AnswerCache(cache) if cache is not None else None
    return EndpointClient(EndpointSettings(server.base_url, "some/model", **settings), kept)


def test_a_good_answer_comes_back_as_its_form_and_the_request_is_as_agreed() -> None:
    with serving(Say(GOOD)) as server:
        asking = client(server)
        outcome = asking.ask(question())
    assert outcome == Answer(Lamp(colour="red", count=3), "", 1)
    (request,) = server.requests
    assert request.path == "/v1/chat/completions"
    assert request.headers["authorization"] == "Bearer none"
    assert request.headers["accept-encoding"] == "identity"
    assert request.body["model"] == "some/model"
    assert request.body["temperature"] == 0.0
    form = request.body["response_format"]
    assert form["type"] == "json_schema"
    assert form["json_schema"]["strict"] is True
    assert form["json_schema"]["schema"]["properties"]["colour"]["enum"] == ["red", "green"]
    assert form["json_schema"]["schema"]["additionalProperties"] is False
    report = asking.usage().report(Price(2.0, 10.0))
    assert (report["requests"], report["prompt_tokens"], report["completion_tokens"]) == (1, 1000, 50)
    assert report["cost"] == pytest.approx((1000 * 2.0 + 50 * 10.0) / 1e6)


@pytest.mark.parametrize(
    ("say", "thinking"),
    [
        (Say(f'<think>It is {{red}}. Or {{"colour": 1}}?</think>\n{GOOD}'), 'It is {red}. Or {"colour": 1}?'),
        (Say(f"the template opened the thought\n</think>\n\n{GOOD}"), "the template opened the thought"),
        (Say(GOOD, message={"reasoning_content": "by the way"}), "by the way"),
        (Say(GOOD, message={"reasoning": "by the way"}), "by the way"),
        (Say(f"Here it is {{so}}:\n```json\n{GOOD}\n```\nGladly."), ""),
        (Say('{"colour": "blue", "count": 0} no: ' + GOOD), ""),
        (Say(GOOD + "    ", finish_reason="length"), ""),
    ],
)
def test_thoughts_fences_and_chatter_are_taken_away(say: Say, thinking: str) -> None:
    with serving(say) as server:
        assert client(server).ask(question()) == Answer(Lamp(colour="red", count=3), thinking, 1)


def test_content_in_parts_is_joined() -> None:
    parts = {"content": [{"type": "text", "text": GOOD[:9]}, {"type": "text", "text": GOOD[9:]}]}
    with serving(Say(None, message=parts)) as server:
        assert isinstance(client(server).ask(question()), Answer)


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("I cannot say.", "no JSON object"),
        ('{"colour": "red", "count": ', "not valid JSON"),
        ('{"colour": "blue", "count": 3}', "colour: Input should be 'red' or 'green'"),
        ('{"colour": "red", "count": 3, "more": 1}', "more: Extra inputs"),
        ('{"colour": "red"}', "count: Field required"),
        ("", "no JSON object"),
        ('{"a":' * 3000, "not valid JSON"),
        ('{"colour": "red", "count": ' + "9" * 6000 + "}", "not valid JSON"),
    ],
)
def test_what_is_not_of_the_form_is_asked_for_once_more_with_the_reason(bad: str, told: str) -> None:
    with serving(Say(bad), Say(GOOD)) as server:
        outcome = client(server).ask(question())
    assert isinstance(outcome, Answer)
    assert outcome.asked == 2
    first, second = server.requests
    assert second.body["messages"][: len(first.body["messages"])] == first.body["messages"]
    assert second.body["messages"][-2]["role"] == "assistant"
    assert told in second.body["messages"][-1]["content"]


def test_what_is_never_of_the_form_is_unparseable_after_two_requests() -> None:
    with serving(Say("no")) as server:
        asking = client(server)
        assert isinstance(asking.ask(question()), Unparseable)
    assert len(server.requests) == 2
    assert asking.usage().failures == {"unparseable": 1}


@pytest.mark.parametrize("text", [GOOD[:12], "<think>and on and on"])
def test_a_truncated_answer_is_not_asked_for_again(text: str) -> None:
    with serving(Say(text, finish_reason="length")) as server:
        assert isinstance(client(server).ask(question()), Truncated)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "act",
    [
        Say(None, message={"refusal": "I must not."}),
        Say("", finish_reason="content_filter"),
        Send(400, b'{"error": {"code": "content_filter"}}', {"Content-Type": "application/json"}),
    ],
)
def test_a_refusal_is_a_refusal(act: Say | Send) -> None:
    with serving(act) as server:
        assert isinstance(client(server).ask(question()), Refused)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "setback",
    [
        Send(429, b"slow down", {"Retry-After": "0.01"}),
        Send(429, b"slow down", {"retry-after-ms": "5"}),
        Send(429, b"slow down", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}),
        Send(429, b"slow down", {"Retry-After": "never mind"}),
        Send(500, b"<html>oops</html>"),
        Send(503, b"loading"),
        Send(200, b'{"choices": [{"message": {"content": "', {"Content-Type": "application/json"}, announced=5000),
        Send(200, b"<html>log in first</html>", {"Content-Type": "text/html"}),
        Send(200, GOOD.encode(), {"Content-Type": "text/plain"}),
        Send(200, b"{not json", {"Content-Type": "application/json"}),
        Send(200, b'{"choices": []}', {"Content-Type": "application/json"}),
        Send(200, b"\xff\xfe\xfa", {"Content-Type": "application/json"}),
        Send(200, b"\x1f\x8b\x08", {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
        Send(200, b"", {}, announced=100),
    ],
)
def test_a_passing_setback_is_overcome(setback: Send) -> None:
    with serving(setback, Say(GOOD)) as server:
        asking = client(server)
        assert isinstance(asking.ask(question()), Answer)
    assert len(server.requests) == 2
    assert asking.usage().retries == 1


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (Send(429, b"slow down"), RateLimited),
        (Send(500, b"oops"), ServerError),
        (Send(408, b"late"), TimedOut),
        (Send(200, b"<html>", {"Content-Type": "text/html"}), ServerError),
        (Send(200, b"{", {"Content-Type": "application/json"}, announced=10), ServerError),
    ],
)
def test_a_lasting_setback_fails_as_what_it_is_after_all_tries(act: Send, kind: type) -> None:
    with serving(act) as server:
        outcome = client(server).ask(question())
    assert type(outcome) is kind
    assert outcome.is_infrastructure
    assert len(server.requests) == 3


def test_a_pause_beyond_all_patience_is_not_waited_for() -> None:
    with serving(Send(429, b"come back tomorrow", {"Retry-After": "86400"})) as server:
        outcome = client(server).ask(question())
    assert isinstance(outcome, RateLimited)
    assert "86400" in outcome.detail
    assert len(server.requests) == 1


@pytest.mark.parametrize("act", [Stall(), Trickle()])
def test_a_server_that_never_finishes_is_timed_out(act: Stall | Trickle) -> None:
    with serving(act) as server:
        asking = client(server, timeout_s=SHORT_S, retries=1)
        assert isinstance(asking.ask(question()), TimedOut)
    assert asking.usage().retries == 1


@pytest.mark.parametrize(
    "act", [Flood(), Send(500, b"x" * 300_000), Send(200, b"x" * 300_000, {"Content-Type": "application/json"})]
)
def test_an_enormous_body_is_not_read_to_its_end(act: Flood | Send) -> None:
    with serving(act) as server:
        assert isinstance(client(server, max_response_bytes=200_000).ask(question()), Oversized)
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 404, 422, 307])
def test_a_request_that_the_server_never_takes_is_the_users_to_mend(status: int) -> None:
    act = Send(status, b'{"error": {"message": "no such model"}}', {"Location": "http://127.0.0.1:9/"})
    with serving(act) as server, pytest.raises(InputError, match=r"--model.*|no such model"):
        client(server).ask(question())
    assert len(server.requests) == 1


def test_a_request_that_is_not_taken_after_others_were_fails_alone() -> None:
    with serving(Say(GOOD), Send(400, b"maximum context length")) as server:
        asking = client(server)
        assert isinstance(asking.ask(question()), Answer)
        outcome = asking.ask(question("much longer"))
    assert isinstance(outcome, Rejected)
    assert "maximum context length" in outcome.detail


def test_a_wrong_key_is_the_users_to_mend_and_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMP_KEY", KEY)
    with serving(Send(401, f"Incorrect API key provided: {KEY}".encode())) as server:
        with pytest.raises(InputError) as caught:
            client(server, api_key_variable="LAMP_KEY").ask(question())
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert "LAMP_KEY" in str(caught.value)
    assert KEY not in str(caught.value)


def test_nobody_at_the_port_is_an_infrastructure_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        asking = EndpointClient(EndpointSettings(url, "m", timeout_s=GENEROUS_S, backoff_s=0.01, retries=1))
        with pytest.raises(InfrastructureError, match="nobody answers"):
            asking.ask(question())


def test_a_server_that_is_gone_ends_the_work_instead_of_failing_every_question() -> None:
    with serving(Send(500, b"out of memory")) as server:
        asking = client(server, retries=0, give_up_after=3)
        with pytest.raises(InfrastructureError, match=r"3 questions in a row.*run the same command again"):
            list(asking.ask_all((number, question(str(number))) for number in range(50)))
    assert len(server.requests) == 3


def test_an_answer_in_between_starts_the_count_of_failures_afresh() -> None:
    def script(number: int, _: Request) -> Say | Send:
        return Say(GOOD) if number % 3 == 2 else Send(500)

    with serving(script) as server:
        asking = client(server, retries=0, give_up_after=3)
        outcomes = [outcome for _, outcome in asking.ask_all((n, question(str(n))) for n in range(12))]
    assert sum(isinstance(outcome, Answer) for outcome in outcomes) == 4
    assert asking.usage().failures == {"server_error": 8}


def test_many_are_asked_at_once_and_no_more_than_allowed() -> None:
    three = threading.Barrier(3, timeout=GENEROUS_S)

    def script(_: int, request: Request) -> Say:
        three.wait()  # no answer comes before three requests are under way
        return Say(f'{{"colour": "green", "count": {request.body["messages"][0]["content"]}}}')

    with serving(script) as server:
        outcomes = dict(client(server, concurrency=3).ask_all((n, question(str(n))) for n in range(12)))
    assert server.most_at_once == 3
    assert outcomes == {n: Answer(Lamp(colour="green", count=n), "", 1) for n in range(12)}


def test_questions_are_taken_no_earlier_than_needed() -> None:
    taken: list[int] = []

    def source() -> Any:
        for number in range(10):
            taken.append(number)
            yield number, question(str(number))

    with serving(Say(GOOD)) as server:
        outcomes = client(server, concurrency=2).ask_all(source())
        next(outcomes)
        assert taken == [0, 1]
        assert len(list(outcomes)) == 9


def test_the_cache_answers_without_the_server(tmp_path: Path) -> None:
    with serving(Say("what?"), Say(f"<think>hm</think>{GOOD}")) as server:
        first = client(server, tmp_path).ask(question())
    # The server is gone; the second asking is in the cache as well.
    asking = client(server, tmp_path)
    assert asking.ask(question()) == first == Answer(Lamp(colour="red", count=3), "hm", 2)
    usage = asking.usage()
    assert (usage.requests, usage.cache_hits, usage.prompt_tokens, usage.cached_prompt_tokens) == (0, 2, 0, 2000)


def test_the_cache_knows_model_prompt_schema_and_version_apart(tmp_path: Path) -> None:
    class Other(Lamp):
        pass

    asked = [
        (question(), {}),
        (question("Another?"), {}),
        (Question(question().messages, Lamp, "2"), {}),
        (Question(question().messages, Other, "1"), {}),
        (question(), {"max_tokens": 9}),
        (question(), {"request_fields": {"seed": 1}}),
    ]
    with serving(Say(GOOD)) as server:
        for one, changes in [*asked, *asked]:
            assert isinstance(client(server, tmp_path, **changes).ask(one), Answer)
        assert len(server.requests) == len(asked)
        other = EndpointClient(
            EndpointSettings(server.base_url, "other/model", timeout_s=GENEROUS_S), AnswerCache(tmp_path)
        )
        other.ask(question())
        assert len(server.requests) == len(asked) + 1
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("damage", [b"", b"{", b"[1]", b'{"format": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_cache_file_is_asked_for_again(tmp_path: Path, damage: bytes) -> None:
    with serving(Say(GOOD)) as server:
        client(server, tmp_path).ask(question())
        (entry,) = tmp_path.rglob("*.json")
        entry.write_bytes(damage)
        assert isinstance(client(server, tmp_path).ask(question()), Answer)
        assert len(server.requests) == 2
        assert isinstance(client(server, tmp_path).ask(question()), Answer)
        assert len(server.requests) == 2


def test_failures_of_infrastructure_are_not_kept(tmp_path: Path) -> None:
    with serving(Send(500), Say(GOOD)) as server:
        assert isinstance(client(server, tmp_path, retries=0).ask(question()), ServerError)
        assert isinstance(client(server, tmp_path, retries=0).ask(question()), Answer)


def test_the_same_question_at_once_is_sent_once(tmp_path: Path) -> None:
    with serving(Say(GOOD)) as server:
        outcomes = list(client(server, tmp_path, concurrency=4).ask_all((n, question()) for n in range(8)))
    assert len(outcomes) == 8
    assert len(server.requests) == 1


def test_request_fields_are_put_in_and_taken_away() -> None:
    fields = {"response_format": None, "max_tokens": None, "max_completion_tokens": 70, "temperature": None}
    with serving(Say(GOOD)) as server:
        client(server, request_fields=fields).ask(question())
    assert set(server.requests[0].body) == {"model", "messages", "max_completion_tokens"}


def test_the_key_is_nowhere_even_if_the_server_tells_it_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    told = KEY.replace("-", "\\u002d")
    echo = f'{{"choices": [{{"message": {{"content": "your key is {told}", "reasoning": "{KEY}"}}}}]}}'
    with serving(Send(200, echo.encode(), {"Content-Type": "application/json"}), Send(500, KEY.encode())) as server:
        asking = client(server, tmp_path, retries=0)
        outcomes = [asking.ask(question()), asking.ask(question("more"))]
        assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
        assert all(KEY not in str(request.body) for request in server.requests)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert "[key]" in files[0].read_text(encoding="utf-8")
    assert all(KEY.encode() not in path.read_bytes() and told.encode() not in path.read_bytes() for path in files)
    assert KEY not in repr(outcomes) + repr(asking.settings) + caplog.text


@pytest.mark.parametrize(
    "url",
    ["localhost:8000/v1", "ftp://host/v1", "http:///v1", "http://user:secret@host/v1", "http://host/v1?key=secret"],
)
def test_an_unfit_url_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(InputError) as caught:
        EndpointSettings(url, "m")
    assert "secret" not in str(caught.value)
