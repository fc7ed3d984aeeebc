"""What clients can ask of the recorder: start and stop, the queries, replays; and its part in every tick."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from alpamayo_sim.server.recorder.file_info import file_info
from alpamayo_sim.server.recorder.names import RecordingsFolder
from alpamayo_sim.server.recorder.queries import actors_blocked, collisions
from alpamayo_sim.server.recorder.reader import DamagedRecording, NotARecording, RecordingReader
from alpamayo_sim.server.recorder.recorder import Recorder
from alpamayo_sim.server.recorder.replayer import Replayer, ReplayRequest, ReplaySettings
from alpamayo_sim.server.registry import CallError
from alpamayo_sim.world.events import StepEvents

if TYPE_CHECKING:
    from alpamayo_sim.server.simulation import Simulation

_LOG = logging.getLogger(__name__)


class Recordings:
    """The recorder and the replayer of a server. One of them runs at a time, as in CARLA."""

    def __init__(self, simulation: Simulation, folder: Path | None) -> None:
        self._simulation = simulation
        self._folder = RecordingsFolder(folder)
        self._recorder: Recorder | None = None
        self._replayer: Replayer | None = None
        self._waiting: tuple[Path, ReplayRequest, str] | None = None
        """A recording, how to replay it, and the map that it waits for."""
        self.settings = ReplaySettings()
        self.later: Callable[[Callable[[], None]], object] | None = None
        """Calls something once clients have their answers; frames are written then. Without it they are written at once."""

    def start(self, name: str, *, additional: bool) -> str:
        """Record every tick from the next one on, and return the file; CallError where it can not be."""
        path = self._folder.resolve(name)
        try:
            self._folder.make()
        except OSError as error:
            raise CallError(f"the folder of recordings can not be made: {error}") from error
        self.stop_replay(keep_actors=False)
        self.stop()
        self._recorder = Recorder(self._simulation, path, additional=additional)
        _LOG.info("recording to %s", path)
        return str(path)

    def stop(self) -> None:
        """End the recording, if there is one."""
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            try:
                recorder.close()
            except OSError as error:
                _LOG.error("the recording %s lacks its end: %s", recorder.path, error)

    def close(self) -> None:
        """End the recording and the folder that nothing was kept in, at the end of the server."""
        self.stop()
        self._folder.close()

    def file_info(self, name: str, *, show_all: bool) -> str:
        """Return CARLA's text about a recording."""
        return self._ask(name, lambda reader: file_info(reader, show_all=show_all))

    def collisions(self, name: str, first_type: str, second_type: str) -> str:
        """Return CARLA's text about the collisions in a recording."""
        return self._ask(name, lambda reader: collisions(reader, first_type, second_type))

    def actors_blocked(self, name: str, min_time_s: float, min_distance_cm: float) -> str:
        """Return CARLA's text about the actors that did not get on."""
        return self._ask(name, lambda reader: actors_blocked(reader, min_time_s, min_distance_cm))

    def _ask(self, name: str, question: Callable[[RecordingReader], str]) -> str:
        path = self._folder.resolve(name)
        try:
            reader = RecordingReader(path)
        except OSError:
            return f"File {path} not found on server\n"
        except NotARecording as error:
            return str(error)
        with reader:
            try:
                return question(reader)
            except DamagedRecording as error:
                raise _damaged(path, reader, error) from error

    def replay(self, name: str, request: ReplayRequest) -> tuple[str, str | None]:
        """Begin to play a recording; return CARLA's text and, if it needs another map, its name.

        With a map the caller is to load it; the replay begins with the new episode. CallError for a damaged file.
        """
        self.stop()
        self.stop_replay(keep_actors=False)
        path = self._folder.resolve(name)
        text = f"Replaying File: {path}\n"
        try:
            reader = RecordingReader(path)
        except OSError:
            return f"{text}File {path} not found on server\n", None
        except NotARecording as error:
            raise CallError(f"can not replay {path}: it is not a CARLA recorder file") from error
        replayer = self._open(path, reader, request)
        if replayer.total_s < 0.0:
            reader.close()
            return f"{text}The recording has no frames: there is nothing to replay\n", None
        map_name = reader.header.map_name.rsplit("/", 1)[-1]
        other_map = map_name if map_name != self._simulation.road_map.name else None
        if other_map is not None:
            reader.close()
            self._waiting = (path, request, other_map)
            text += f"Loading map {map_name}\nReplayer will start after map is loaded...\n"
        text += (
            f"Total time recorded: {replayer.total_s:g}\nReplaying from {replayer.start_s:g} s - {replayer.stop_s:g} s "
            f"({replayer.total_s:g} s) at {self.settings.time_factor:.1f}x\n"
        )
        if self.settings.ignore_hero:
            text += "Ignoring Hero vehicle\n"
        if self.settings.ignore_spectator:
            text += "Ignoring Spectator camera\n"
        if other_map is None:
            self._begin(path, reader, replayer)
        return text, other_map

    def _open(self, path: Path, reader: RecordingReader, request: ReplayRequest) -> Replayer:
        try:
            return Replayer(self._simulation, reader, self.settings, request)
        except DamagedRecording as error:
            reader.close()
            raise _damaged(path, reader, error) from error

    def _begin(self, path: Path, reader: RecordingReader, replayer: Replayer) -> None:
        self._replayer = replayer
        try:
            replayer.start()
        except DamagedRecording as error:
            self._replayer = None
            replayer.stop(keep_actors=True)
            raise _damaged(path, reader, error) from error

    def forget_waiting(self) -> None:
        """Do not play the recording whose map could not be loaded."""
        self._waiting = None

    def stop_replay(self, *, keep_actors: bool) -> None:
        """End the replay, if there is one."""
        replayer, self._replayer = self._replayer, None
        if replayer is not None:
            try:
                replayer.stop(keep_actors=keep_actors)
            except (DamagedRecording, OSError) as error:
                _LOG.warning("the rest of the recording can not be read: %s", error)
                replayer.stop(keep_actors=True)

    def after_step(self, events: StepEvents) -> None:
        """Write the frame of this tick, or show what the recording has for it."""
        if self._recorder is not None:
            self._write(lambda recorder: recorder.record(events))
            if self.later is None:
                self._flush()
            else:
                self.later(self._flush)
        elif self._replayer is not None:
            try:
                self._replayer.advance(self._simulation.world.delta_s)
            except (DamagedRecording, OSError) as error:
                _LOG.warning("the replay ends here: %s", error)
                self._replayer.stop(keep_actors=True)
            if not self._replayer.playing:
                self._replayer = None

    def _flush(self) -> None:
        self._write(Recorder.flush)

    def _write(self, part: Callable[[Recorder], None]) -> None:
        if self._recorder is not None:
            try:
                part(self._recorder)
            except OSError as error:
                _LOG.error("the recording ends here: %s", error)
                self.stop()

    def episode_ends(self) -> None:
        """End what refers to the present world."""
        self.stop()
        self.stop_replay(keep_actors=True)

    def episode_began(self) -> None:
        """Start the replay that has waited for its map."""
        if self._waiting is None or self._waiting[2] != self._simulation.road_map.name:
            return
        (path, request, _), self._waiting = self._waiting, None
        try:
            reader = RecordingReader(path)
            self._begin(path, reader, self._open(path, reader, request))
        except (OSError, CallError) as error:
            _LOG.warning("the replay does not begin: %s", error)


def _damaged(path: Path, reader: RecordingReader, error: DamagedRecording) -> CallError:
    return CallError(f"recording {path} is damaged near byte {reader.packet_at}: {error}")
