"""The model server over real connections: the order of a session, refusals, limits, batches, agents that raise."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from alpamayo_agents.serving.driver import BatchedPolicy, Driver, Offer
from alpamayo_agents.serving.messages import Command, Observation, SessionStart
from alpamayo_agents.serving.seats import DriverSeats, PolicySeats
from alpamayo_wire import WebSocket, WireError

LONG_S = 120.0
HELLO = {"type": "hello", "protocol": 1}
PLAN = {"poses": np.zeros((2, 6)), "options": np.array([4, 4])}
START = {"type": "start", "plan": PLAN, "name": "route 7"}


def step(time_s: float, **sensors: Any) -> dict[str, Any]:
    return {"type": "step", "frame": 5, "time_s": time_s, "sensors": {k: [5, v] for k, v in sensors.items()}}


class Recorder(Driver):
    """Steers as it is told by the time, and remembers what happened to it."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def start(self, start: SessionStart) -> None:
        self.calls.append(start)

    def step(self, observation: Observation) -> Command:
        self.calls.append(observation)
        if observation.time_s < 0.0:
            raise ZeroDivisionError("the agent's own fault")
        return Command(throttle=2.0, steer=observation.time_s, brake=0.0, reasoning="because")

    def close(self) -> None:
        self.calls.append("closed")


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def seats(recorder: Recorder) -> DriverSeats:
    offer = Offer("recorder", False, ({"type": "sensor.other.gnss", "id": "gps"},), ("MAP",))
    return DriverSeats(offer, lambda: recorder)


def ask(connection: WebSocket, message: dict[str, Any]) -> dict[str, Any]:
    return connection.request(message, LONG_S)


def test_a_session_from_hello_to_end(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket], seats: DriverSeats, recorder: Recorder
) -> None:
    serving = serve(seats)
    connection = connect(serving.url)
    welcome = ask(connection, HELLO)
    assert welcome["agent"] == "recorder" and welcome["privileged"] is False and welcome["tracks"] == ["MAP"]
    assert welcome["sensors"] == [{"type": "sensor.other.gnss", "id": "gps"}]
    assert ask(connection, START)["type"] == "started"
    image = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    answer = ask(connection, step(0.25, camera=image, speed={"speed": None}))
    assert (answer["throttle"], answer["steer"], answer["reasoning"]) == (1.0, 0.25, "because")
    assert answer["took_s"] > 0.0
    ended = ask(connection, {"type": "end"})
    assert ended["type"] == "ended" and ended["steps"] == 1 and ended["median_ms"] > 0.0
    _, seen, closed = wait_for(recorder.calls, 3)
    np.testing.assert_array_equal(seen.sensors["camera"][1], image)
    assert seen.sensors["speed"] == (5, {"speed": None}) and closed == "closed"


def wait_for(calls: list[Any], count: int) -> list[Any]:
    deadline = time.monotonic() + LONG_S
    while len(calls) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(calls) == count
    return calls


def test_a_connection_that_breaks_off_releases_the_driver(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket], seats: DriverSeats, recorder: Recorder
) -> None:
    connection = connect(serve(seats).url)
    ask(connection, HELLO)
    ask(connection, START)
    assert connection._socket is not None
    connection._socket.shutdown(socket.SHUT_RDWR)
    assert wait_for(recorder.calls, 2)[-1] == "closed"


@pytest.mark.parametrize(
    ("messages", "says"),
    [
        ([START], "hello first"),
        ([{"type": "hello", "protocol": 99}], "protocol"),
        ([HELLO, step(0.0)], "start before step"),
        ([HELLO, START, START], "one start"),
        ([HELLO, {"type": "dance"}], "dance"),
        ([HELLO, {"type": "start"}], "plan"),
        ([HELLO, {**START, "plan": {**PLAN, "poses": np.full((2, 6), np.nan)}}], "finite"),
        ([HELLO, {**START, "plan": {**PLAN, "options": np.zeros(3)}}], "options"),
        ([HELLO, {**START, "carla": {"host": "x", "port": 0}}], "carla"),
        ([HELLO, {**START, "carla": [1]}], "carla"),
        ([HELLO, {**START, "seed": -1}], "seed"),
        ([HELLO, START, {"type": "step", "time_s": "soon"}], "time_s"),
        ([HELLO, START, {"type": "step", "time_s": 0.0, "sensors": {"a": 3}}], "'a'"),
        ([HELLO, START, {"type": "step", "time_s": 0.0, "frame": 0.5}], "frame"),
    ],
)
def test_messages_out_of_order_or_shape_are_refused_in_words(
    serve: Callable[..., Any],
    connect: Callable[[str], WebSocket],
    seats: DriverSeats,
    messages: Sequence[dict[str, Any]],
    says: str,
) -> None:
    connection = connect(serve(seats).url)
    answers = [ask(connection, message) for message in messages]
    assert answers[-1]["type"] == "error" and answers[-1]["kind"] == "protocol", answers
    assert says in answers[-1]["text"]
    with pytest.raises(WireError, match="closed"):
        ask(connection, HELLO)


def test_what_an_agent_raises_ends_its_session_only(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket], seats: DriverSeats
) -> None:
    url = serve(seats).url
    well, ill = connect(url), connect(url)
    for connection in (well, ill):
        ask(connection, HELLO)
        ask(connection, START)
    answer = ask(ill, step(-1.0))
    assert answer["kind"] == "agent" and "ZeroDivisionError: the agent's own fault" in answer["text"]
    assert ask(well, step(1.0))["type"] == "control"


def test_more_sessions_than_allowed_are_turned_away_and_free_again_later(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket], seats: DriverSeats
) -> None:
    url = serve(seats, max_sessions=1).url
    first = connect(url)
    ask(first, HELLO)
    with pytest.raises(WireError, match="all 1 sessions are taken"):
        ask(connect(url), HELLO)
    ask(first, {"type": "end"})
    deadline = time.monotonic() + LONG_S
    while True:
        try:
            assert ask(connect(url), HELLO)["type"] == "welcome"
            return
        except WireError:
            assert time.monotonic() < deadline


def test_a_message_that_is_too_large_ends_the_session_and_not_the_server(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket], seats: DriverSeats
) -> None:
    url = serve(seats, max_message_bytes=100_000).url
    connection = connect(url)
    ask(connection, HELLO)
    with pytest.raises(WireError):
        ask(connection, step(0.0, camera=np.zeros(200_000, dtype=np.uint8)))
    assert ask(connect(url), HELLO)["type"] == "welcome"


def test_large_answers_and_requests_travel_whole(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket], seats: DriverSeats, recorder: Recorder
) -> None:
    connection = connect(serve(seats, max_message_bytes=64 << 20).url)
    ask(connection, HELLO)
    ask(connection, START)
    cameras = {f"camera{i}": np.full((900, 1600, 4), i, dtype=np.uint8) for i in range(6)}
    assert ask(connection, step(0.0, **cameras))["type"] == "control"
    seen = recorder.calls[-1].sensors
    assert all((seen[name][1] == image).all() for name, image in cameras.items())


@pytest.mark.parametrize("field", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}])
def test_web_pages_and_other_names_of_this_host_are_refused(
    serve: Callable[..., Any], seats: DriverSeats, field: dict[str, str]
) -> None:
    serving = serve(seats)
    for path in ("drive", "status"):
        request = urllib.request.Request(f"http://127.0.0.1:{serving.server.port}/{path}", headers=field)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=LONG_S)
        assert refused.value.code == 403
        refused.value.close()


def test_the_status_page_counts(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket], seats: DriverSeats
) -> None:
    serving = serve(seats)
    connection = connect(serving.url)
    for message in (HELLO, START, step(0.0), step(0.5)):
        ask(connection, message)
    with urllib.request.urlopen(f"http://127.0.0.1:{serving.server.port}/status", timeout=LONG_S) as page:
        status = json.load(page)
    assert status["agent"] == "recorder" and status["step"]["steps"] == 2
    assert [(s["route"], s["steps"]) for s in status["sessions"]] == [("route 7", 2)]


def test_it_listens_on_the_loopback_only(serve: Callable[..., Any], seats: DriverSeats) -> None:
    serving = serve(seats)
    hosts = {address[0] for address in serving.server._runner.addresses}
    assert hosts == {"127.0.0.1"}


class Choir(BatchedPolicy):
    """Steers by the session's number; waits for others to join."""

    name = "choir"
    max_batch = 3

    def __init__(self, max_wait_s: float = 0.3) -> None:
        self.max_wait_s = max_wait_s
        self.batches: list[list[int]] = []
        self.threads: set[int] = set()
        self.sessions: dict[int, str] = {}

    def start(self, session: int, start: SessionStart) -> None:
        self.sessions[session] = start.name
        self.threads.add(threading.get_ident())

    def act(self, requests: Sequence[tuple[int, Observation]]) -> Sequence[Command]:
        self.threads.add(threading.get_ident())
        self.batches.append([session for session, _ in requests])
        if any(observation.time_s < 0.0 for _, observation in requests):
            raise ValueError("out of tune")
        return [Command(throttle=0.1, steer=int(self.sessions[session]) / 10.0, brake=0.0) for session, _ in requests]

    def end(self, session: int) -> None:
        del self.sessions[session]


def together(connections: Sequence[WebSocket], message: dict[str, Any]) -> list[dict[str, Any]]:
    answers: dict[int, dict[str, Any]] = {}
    threads = [
        threading.Thread(target=lambda i=i, c=c: answers.__setitem__(i, ask(c, message)))
        for i, c in enumerate(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[i] for i in range(len(connections))]


@pytest.mark.parametrize(("sessions", "max_wait_s"), [(3, LONG_S), (4, 0.3)])
def test_ticks_of_several_sessions_are_answered_in_one_call(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket], sessions: int, max_wait_s: float
) -> None:
    policy = Choir(max_wait_s)
    url = serve(PolicySeats(policy)).url
    connections = [connect(url) for _ in range(sessions)]
    for i, connection in enumerate(connections):
        ask(connection, HELLO)
        ask(connection, {**START, "name": str(i)})
    for _ in range(3):
        answers = together(connections, step(0.0))
        assert [answer["steer"] for answer in answers] == [0.0, 0.1, 0.2, 0.3][:sessions]
    sizes = [len(batch) for batch in policy.batches]
    assert sum(sizes) == 3 * sessions and max(sizes) <= 3
    assert sessions > 3 or sizes == [3, 3, 3], "a call that is full is made at once"
    assert all(len(set(batch)) == len(batch) for batch in policy.batches)
    assert len(policy.threads) == 1
    for connection in connections:
        ask(connection, {"type": "end"})
    deadline = time.monotonic() + LONG_S
    while policy.sessions and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not policy.sessions


def test_what_a_policy_raises_reaches_every_session_of_the_batch(
    serve: Callable[..., Any], connect: Callable[[str], WebSocket]
) -> None:
    url = serve(PolicySeats(Choir())).url
    connections = [connect(url) for _ in range(2)]
    for i, connection in enumerate(connections):
        ask(connection, HELLO)
        ask(connection, {**START, "name": str(i)})
    answers = together(connections, step(-1.0))
    assert {answer["kind"] for answer in answers} == {"agent"}
    assert all("out of tune" in answer["text"] for answer in answers)
    fresh = connect(url)
    ask(fresh, HELLO)
    ask(fresh, {**START, "name": "5"})
    assert ask(fresh, step(0.0))["steer"] == 0.5
