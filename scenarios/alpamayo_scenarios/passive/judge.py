"""One episode of somebody else's, judged frame by frame."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import carla

from alpamayo_scenarios.observe import TickObserver
from alpamayo_scenarios.passive.ego_sensors import EgoSensors
from alpamayo_scenarios.passive.feed import WorldFrame
from alpamayo_scenarios.passive.scenario_watch import ScenarioWatch
from alpamayo_sim.metrics.episode_metrics import EpisodeMetrics
from alpamayo_sim.metrics.infraction import Infraction
from alpamayo_sim.metrics.tick import ControlRecord

HOLD_BACK_FRAMES = 40
"""A frame is judged this many frames later, when its collisions, which come on streams of their own, have arrived."""
LAST_EVENTS_S = 0.5
"""How long the last frames' events are waited for."""
MAX_WARM_UP_FRAMES = 200
_NO_CONTROL = ControlRecord(0.0, 0.0, 0.0)


class EpisodeJudge:
    """Feeds the frames of one ego to the criteria, from its first control to its end.

    The leaderboard ticks about a dozen frames before the agent's first control and judges none of them; the frame that
    this control answers is the first one. An ego that gets none for 10 s counts as driven from its first frame.
    """

    def __init__(
        self,
        world: carla.World,
        ego: carla.Vehicle,
        metrics: EpisodeMetrics,
        *,
        sensors: EgoSensors,
        scenarios: ScenarioWatch,
    ) -> None:
        self.metrics = metrics
        self._scenarios = scenarios
        self.ego_id = ego.id
        self._sensors = sensors
        self._observer = TickObserver(world, ego)
        self._warm_up: deque[WorldFrame] = deque()
        self._waiting: deque[WorldFrame] = deque()
        self._started = False
        self.missed_frames = 0
        self.unknown_actors = 0
        self.judged_frames = 0
        self._began_s = time.perf_counter()
        self.wall_time_s = 0.0

    @property
    def over(self) -> bool:
        """Whether the criteria have ended the episode: completed, deviated, blocked or out of time."""
        return self.metrics.end_reason is not None

    def take(self, frame: WorldFrame) -> list[Infraction]:
        """Take the next frame, at which the ego is there; return the infractions of the frames that were judged."""
        if self.over:
            return []
        self.unknown_actors += frame.unknown
        if self._started:
            self.missed_frames += frame.missed
            self._waiting.append(frame)
        else:
            self._warm_up.append(frame)
            assert frame.live is not None
            if frame.live.control != _NO_CONTROL:
                self._start(keep=2)
            elif len(self._warm_up) >= MAX_WARM_UP_FRAMES:
                self._start(keep=len(self._warm_up))
        found: list[Infraction] = []
        while len(self._waiting) > HOLD_BACK_FRAMES and not self.over:
            found += self._judge()
        return found

    def _start(self, keep: int) -> None:
        """Begin with the frame before the first control; what the sensors told before is not judged."""
        self._started = True
        kept = list(self._warm_up)[-keep:]
        self._sensors.take(kept[0].snapshot.frame)
        self.missed_frames += sum(frame.missed for frame in kept[1:])
        self._waiting.extend(kept)
        self._warm_up.clear()
        self._began_s = time.perf_counter()

    def _judge(self) -> list[Infraction]:
        frame = self._waiting.popleft()
        assert frame.live is not None
        events: Mapping[str, Any] = self._sensors.take(frame.snapshot.frame)
        tick = self._observer.record_live(frame.snapshot, frame.live, events, only=self._scenarios.emergency_ids)
        self.judged_frames += 1
        self.wall_time_s = time.perf_counter() - self._began_s
        return self.metrics.update(self._scenarios.step(frame.snapshot, tick))

    def finish(self) -> list[Infraction]:
        """Judge what was held back; the ego is gone, or nobody watches it any more."""
        if not self.over and self._waiting:
            time.sleep(LAST_EVENTS_S)
        found: list[Infraction] = []
        while self._waiting and not self.over:
            found += self._judge()
        return found
