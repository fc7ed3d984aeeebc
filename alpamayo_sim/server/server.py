"""The server: two listening sockets, the connections, and the one simulation behind them."""

from __future__ import annotations

import logging
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from alpamayo_sim.errors import InputError
from alpamayo_sim.patience import patience_factor
from alpamayo_sim.roads.navmesh.store import NavMeshStore
from alpamayo_sim.server.builds import Builds
from alpamayo_sim.server.calls import CALLS
from alpamayo_sim.server.clock import SUBSCRIPTION_PATIENCE_S, Clock
from alpamayo_sim.server.config import ServerConfig
from alpamayo_sim.server.episode_change import EpisodeChange
from alpamayo_sim.server.event_loop import EventLoop, Timer
from alpamayo_sim.server.lock_step import LockStep
from alpamayo_sim.server.request_budget import RequestBudget
from alpamayo_sim.server.rpc import PendingReply, RpcConnection, Session
from alpamayo_sim.server.settings import EpisodeSettings
from alpamayo_sim.server.simulation import BuiltMap, NextEpisode, Simulation
from alpamayo_sim.server.statistics import log_statistics
from alpamayo_sim.server.streams import Stream, StreamHub
from alpamayo_sim.server.subscriber import Subscriber
from alpamayo_sim.server.traffic_manager_gate import PATIENCE_S
from alpamayo_sim.server.traffic_managers import TrafficManagers

BACKLOG = 1024
"""Connections that may wait for `accept`: what a flood fills, the next client waits a second for (a lost SYN)."""
QUIET_S, FAREWELL_S = 0.2, 1.0
"""A server that is to end stops once it was asked nothing for so long, and after so long in any case."""
MAX_CONNECTIONS = 512
MAX_SILENT_SUBSCRIBERS = 64
"""Stream connections that have not named their stream; beyond this the oldest one is closed."""
_PORT_ATTEMPTS = 64
_LOG = logging.getLogger(__name__)


class Listener:
    """Accepts connections on one socket."""

    def __init__(self, loop: EventLoop, sock: socket.socket, accept: Callable[[socket.socket], None]) -> None:
        self._socket = sock
        self._accept = accept
        sock.listen(BACKLOG)
        loop.add(sock, self)

    def on_readable(self) -> None:
        """Accept one connection."""
        try:
            connection, _ = self._socket.accept()
        except OSError:
            return
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accept(connection)

    def on_writable(self) -> None:
        """Nothing to write on a listening socket."""

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()


def _bind(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(0)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock


def bind_pair(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return sockets bound to `port` and the next one (any free pair for 0); InputError when taken."""
    for _ in range(1 if port else _PORT_ATTEMPTS):
        first: socket.socket | None = None
        wanted = port
        try:
            first = _bind(host, port)
            wanted = first.getsockname()[1] + 1
            return first, _bind(host, wanted)
        except (OSError, OverflowError) as error:
            if first is not None:
                first.close()
            if port:
                raise InputError(
                    f"can not listen on port {wanted} of {host} ({error}). A server needs --port and the port after it: "
                    f"end what uses it, or choose another --port (0 takes any free pair)."
                ) from error
    raise InputError(f"no two free ports in a row on {host}; choose them with --port")


class Server:
    """Everything that calls can reach."""

    def __init__(self, config: ServerConfig) -> None:
        """Bind the ports and load the town; InputError when either can not be, or ALPAMAYO_PATIENCE is no factor."""
        rpc_socket, stream_socket = bind_pair(config.host, config.port)
        self.port: int = rpc_socket.getsockname()[1]
        self.stream_port: int = stream_socket.getsockname()[1]
        self.config = config
        self.patience = patience_factor()
        self.loop = EventLoop()
        self.hub = StreamHub(self.stream_port, self.patience)
        try:
            self.simulation = Simulation(config, self.hub)
        except BaseException:
            rpc_socket.close()
            stream_socket.close()
            raise
        self.lock_step = LockStep(config.lock_step_s) if config.lock_step_s else None
        self.clock = Clock(self.loop, self.simulation, self.hub, config.max_rate, self.lock_step, self.patience)
        self.builds = Builds(self.loop)
        self._episode_change = EpisodeChange(self.loop, self.clock, self._start_episode, self.patience)
        self.hub.on_subscribed = self._subscribed
        self.simulation.recordings.later = lambda flush: self.loop.call_at(0.0, flush)
        self.hub.back_pressure.on_relief = self.clock.advance
        self.started_s = time.monotonic()
        self.traffic_managers = TrafficManagers()
        self.request_budget = RequestBudget()
        self.navmeshes = NavMeshStore(config.cache_dir)
        self._drivers: set[RpcConnection] = set()
        self._arrivals: list[tuple[Stream, Timer, Callable[[], None]]] = []
        self._unknown: set[str] = set()
        self.connection_count = 0
        """Open connections on both ports together."""
        self._silent: list[Subscriber] = []
        self._ending = False
        Listener(self.loop, rpc_socket, self._accept_client)
        Listener(self.loop, stream_socket, self._accept_subscriber)

    def navmesh_name(self) -> str:
        """Return the name of the map's navigation mesh, while a map is being changed that of the coming one."""
        coming = self._episode_change.coming
        return self.navmeshes.offer(self.simulation.road_map if coming is None else coming.road_map)

    def serve(self) -> None:
        """Answer clients until a signal ends it."""
        self.clock.start()
        self.loop.on_signal(signal.SIGUSR1, lambda: log_statistics(self))
        for number in (signal.SIGTERM, signal.SIGINT):
            self.loop.on_signal(number, self._end)
        try:
            self.loop.run()
        finally:
            self.simulation.recordings.close()
            log_statistics(self)

    def _end(self) -> None:
        """Let the world stand still and stop when the clients have nothing left to ask; a second signal stops at once.

        CARLA's client asks for the lights from the thread that receives states, when a state says that they changed, and aborts
        its process when no answer comes: a server that has published such a state has to answer before it goes.
        """
        if self._ending or not self.connection_count:
            self.loop.stop()
            return
        self._ending = True
        self.clock.hold()
        self._stop_when_quiet(time.monotonic() + FAREWELL_S, served=-1)

    def _stop_when_quiet(self, latest_s: float, *, served: int) -> None:
        now = time.monotonic()
        if now >= latest_s or self.loop.served == served:
            self.loop.stop()
            return
        count = self.loop.served
        self.loop.call_at(now + QUIET_S, lambda: self._stop_when_quiet(latest_s, served=count))

    def _admit(self, sock: socket.socket) -> bool:
        if self.connection_count >= MAX_CONNECTIONS:
            _LOG.warning("refused a connection: %d are open", self.connection_count)
            sock.close()
            return False
        self.connection_count += 1
        return True

    def _accept_client(self, sock: socket.socket) -> None:
        if self._admit(sock):
            RpcConnection(self.loop, sock, self, CALLS, self._closed)

    def _accept_subscriber(self, sock: socket.socket) -> None:
        if self._admit(sock):
            self._silent = [
                connection for connection in self._silent if not (connection.subscribed or connection.closed)
            ]
            if len(self._silent) >= MAX_SILENT_SUBSCRIBERS:
                self._silent.pop(0).close()
            self._silent.append(Subscriber(self.loop, sock, self.hub, self._closed))

    def _closed(self) -> None:
        self.connection_count -= 1

    def note_unknown(self, name: str) -> None:
        """Log a call that this server does not know, once a name."""
        name = name[:80]
        if name not in self._unknown and len(self._unknown) < 1000:
            self._unknown.add(name)
            _LOG.warning("unknown call %s: answered with an error", name)

    def apply_settings(self, settings: EpisodeSettings, driver: RpcConnection | None) -> None:
        """Take over settings; `driver` is the client that asked for them."""
        changed = settings.synchronous_mode != self.simulation.settings.synchronous_mode
        self.simulation.apply_settings(settings)
        if not settings.synchronous_mode:
            self._drivers.clear()
        elif driver is not None:
            self._drivers.add(driver)
        if changed:
            self.clock.start()

    def load_map(
        self,
        name: str,
        *,
        reset_settings: bool,
        caller: RpcConnection,
        answer: str | None = None,
        failed: Callable[[str], str] | None = None,
    ) -> PendingReply:
        """Begin to change the episode, and let the call return `answer`; CallError for a map that is not known.

        A map that is found to be unusable later is the call's error, or the call returns what `failed` makes of it.
        """
        simulation, reply = self.simulation, PendingReply(holds=False)
        layers = simulation.wanted_layers

        def change(built: BuiltMap) -> None:
            episode = simulation.prepare_episode(built, reset_settings=reset_settings, layers=layers)
            self._episode_change.begin(episode, caller, reply, answer)

        at_hand = simulation.map_at_hand(name)
        if at_hand is not None:
            change(at_hand)
            return reply
        fail = None if failed is None else lambda error: reply.resolve(failed(error))
        town = name.rsplit("/", 1)[-1]
        return self.builds.begin(reply, simulation.map_builder(town), change, failed=fail, key=f"map {town}")

    def when_episode_changed(self, connection: RpcConnection, callback: Callable[[], None]) -> bool:
        """Call `callback` after the change of episode that a client has asked for; False if it waits for none."""
        return self._episode_change.wait(connection, callback)

    def _start_episode(self, episode: NextEpisode) -> None:
        self.simulation.start_episode(episode)
        if not self.clock.synchronous:
            self._drivers.clear()

    def give_token(self, stream: Stream, caller: RpcConnection) -> bytes:
        """Return where to subscribe to a stream; ticks then wait a moment for the subscriber."""
        self.hub.announce(stream)
        caller.awaited_stream = stream
        self._episode_change.token_given(stream, caller)
        if self.lock_step is not None and stream is self.simulation.world_stream:
            self.lock_step.follow(caller)
        return self.hub.token(stream)

    def when_subscribed(self, connection: RpcConnection, callback: Callable[[], None]) -> bool:
        """Call `callback` once a client has the world stream that it asked for; False if it has it, or did not ask.

        Nobody waits longer than SUBSCRIPTION_PATIENCE_S times `patience`.
        """
        stream = connection.awaited_stream
        connection.awaited_stream = None
        if stream is None or not stream.keep_last or not stream.announced:
            return False
        timer = self.loop.call_at(time.monotonic() + SUBSCRIPTION_PATIENCE_S * self.patience, callback)
        self._arrivals.append((stream, timer, callback))
        return True

    def _subscribed(self, stream: Stream) -> None:
        arrivals, self._arrivals = self._arrivals, []
        for awaited, timer, callback in arrivals:
            if timer.callback is None:
                continue
            if awaited is stream and not stream.announced:
                timer.cancel()
                callback()
            else:
                self._arrivals.append((awaited, timer, callback))
        self._episode_change.subscribed(stream)
        self.clock.advance()

    def acted(self, connection: RpcConnection) -> None:
        """Note a command of a client, as lock-step goes by them."""
        if self.lock_step is not None:
            self.lock_step.acted(connection, time.monotonic())
            self.clock.advance()

    def cue(self, session: Session, answer: Callable[[int], Any]) -> Any:
        """Advance the world at a client's cue; see `Clock.cue`."""
        if self.clock.synchronous:
            self._drivers.add(session.connection)
            if self.lock_step is not None:
                self.lock_step.cued(session.connection)
        gate = session.gate
        if gate.ready or not self.clock.synchronous:
            session.connection.send_answers()
            return self.clock.cue(answer, publish_after_s=gate.ticked())
        reply = PendingReply(holds=False)
        timer = self.loop.call_at(time.monotonic() + PATIENCE_S * self.patience, gate.give_up)

        def go_on() -> None:
            timer.cancel()
            self.loop.call_at(0.0, lambda: self.clock.cue_later(reply, answer, publish_after_s=gate.ticked()))

        gate.opened = go_on
        return reply

    def connection_lost(self, connection: RpcConnection) -> None:
        """Clean up after a client: its TrafficManagers, and synchronous mode if nobody is left to tick."""
        self.traffic_managers.owner_lost(connection)
        self._episode_change.connection_lost(connection)
        if self.lock_step is not None:
            self.lock_step.forget(connection)
            self.clock.advance()
        if connection in self._drivers:
            self._drivers.discard(connection)
            if not self._drivers and self.clock.synchronous:
                _LOG.info("the client that ticked the world is gone: back to asynchronous mode")
                self.apply_settings(replace(self.simulation.settings, synchronous_mode=False), None)
