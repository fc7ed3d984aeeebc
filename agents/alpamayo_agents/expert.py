"""The privileged expert: sees every actor through CARLA's client API, plans a path and a speed, explains both."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

import carla
import numpy as np

from alpamayo_agents.base import Agent, Decision, EpisodeContext
from alpamayo_agents.conflicts import STATION_STEP_M, occupancy
from alpamayo_agents.ego import EgoModel, EgoState, read_state
from alpamayo_agents.explain import binding_rows, explain
from alpamayo_agents.forecast import LaneForecaster
from alpamayo_agents.lane_changes import LaneChangeGap, LaneChangeTiming
from alpamayo_agents.lane_gaps import Beside, followers
from alpamayo_agents.making_way import MakingWay
from alpamayo_agents.nudging import EdgeKeeping
from alpamayo_agents.oncoming import SIGHT_M, duration_s, somebody_comes
from alpamayo_agents.parked_cars import DoorRoom
from alpamayo_agents.passing import ObstaclePassing
from alpamayo_agents.plan_building import build_plan, converge
from alpamayo_agents.pulling_out import PullingOut
from alpamayo_agents.reference_path import STEP_M, ReferencePath
from alpamayo_agents.speed_limits import LATERAL_ACCELERATION_MPS2, braking_envelope, curve_speed
from alpamayo_agents.speed_profile import DriverStyle, SpeedProfile
from alpamayo_agents.surroundings import Neighbours, Surroundings
from alpamayo_agents.tracking import PlanTracker
from alpamayo_agents.traffic_rules import RouteRules, find_stop_lines
from alpamayo_agents.yielding import BRISK, Patience, YieldDecision, decide
from alpamayo_sim.record.scene_state import ExpertReason
from alpamayo_sim.roads.lane_graph import LaneGraph

HORIZON_M = 160.0
"""How far ahead speed limits, curves and lights are looked at."""
STANDING_MPS = 0.3
OFF_AGAIN_MPS = 3.0
"""Who has been faster than this has stopped waiting; a few metres forward do not end it."""
MIN_LIMIT_MPS = 3.0
LIGHT_RULES = ("red_light", "yellow_light")
BLOCKED_JUNCTION_S = 25.0
RESOLVE_S = 4.0
"""For so long after standing, what the wait has taught about gaps holds."""
SEE_OBSTACLE_M = 30.0
FASTEST_STREAM_MPS = 18.0
"""The ego goes along with streams up to this speed, whatever the limit, rather than be run into."""
HURRIED_LATERAL_MPS2 = 4.0
HURRIED_S = 8.0
"""At most so long the ego is under way into a gap."""
MERGING = DriverStyle(acceleration_mps2=3.5, headway_s=0.4)
"""How the ego drives into a gap beside it: close behind who is before it, to leave room to who is behind."""
JUST_TURNED_M = 25.0
ROOM_TO_PASS_M, ROOM_BESIDE_M = 8.0, 2.0
"""Additional gap behind what the ego means to drive around: in its lane, or parked beside it."""
PRESSED_M, PRESSED_S = 30.0, 3.5
HELD_WITHIN_M = 6.0
"""A rule that stops the ego no farther ahead is what it waits for."""


class ExpertAgent(Agent):
    """Drives the route by the rules among others; the teacher of learned policies."""

    name: ClassVar[str] = "expert"

    def __init__(self) -> None:
        self._context: EpisodeContext | None = None
        self._reason: ExpertReason | None = None
        self.stops_at_route_end = True
        """Whether the route's end is a place to stop at; drives that others learn from have nothing there to stop for."""

    @property
    def reason(self) -> ExpertReason | None:
        """What it went by in its last decision."""
        return self._reason

    def setup(self, context: EpisodeContext) -> None:
        """Prepare for one episode."""
        self._context = context
        self._model = EgoModel.read(context.ego)
        self._tracker = PlanTracker(self._model)
        self._style = DriverStyle()
        self._path = ReferencePath(context.route)
        graph = LaneGraph.of(context.road_map.carla_map)
        lines = find_stop_lines(context.world, graph)
        self._rules = RouteRules(context.world, self._path, lines, self._model)
        self._forecaster = LaneForecaster(graph, lines)
        self._surroundings = Surroundings(context.world, context.ego.id)
        self._changes = LaneChangeTiming(self._path)
        self._gap = LaneChangeGap(self._path, self._changes, self._model)
        self._edge = EdgeKeeping(self._path, self._model)
        self._out = PullingOut(self._path, self._model)
        self._doors = DoorRoom(self._path)
        self._passing = ObstaclePassing(self._path, graph, self._model, self._rules)
        self._way = MakingWay(self._path, self._passing)
        self._station_m = 0.0
        self._standing_since_s = math.inf
        self._stood_at_s = -math.inf
        self._resolve = Patience()
        self._hurried_since_s = math.inf
        self._pressed_mps = 0.0

    def run_step(self, snapshot: carla.WorldSnapshot) -> Decision:
        """Return the control for the next tick and the plan that it follows."""
        assert self._context is not None, "setup comes before run_step"
        state = read_state(self._model, self._context.ego, snapshot)
        rear = np.array([state.rig_pose.x, state.rig_pose.y])
        self._station_m = self._path.project(rear, self._station_m)
        neighbours = self._surroundings.observe(snapshot, rear, SIGHT_M)
        self._out.update(self._station_m, state, neighbours)
        waited_s = max(0.0, state.time_s - self._standing_since_s)
        neighbours = self._doors.widen(self._station_m, neighbours, waited_s)
        self._changes.fit(self._station_m, state.speed_mps)
        self._pressed_mps = _pressed_mps(neighbours, rear, state)
        envelope, rule, rule_distance = self._envelope(state)
        off = neighbours.center[:, :2] - rear
        ahead = off[:, 0] * math.cos(state.yaw_rad) + off[:, 1] * math.sin(state.yaw_rad)
        held = rule in LIGHT_RULES and rule_distance < HELD_WITHIN_M
        patience = self._patience(state, held)
        patience = replace(patience, just_turned=self._has_just_turned())
        if not held and self._hurried_since_s < state.time_s < self._hurried_since_s + HURRIED_S:
            patience = replace(patience, under_way_s=state.time_s - self._hurried_since_s)
        self._passing.update(self._station_m, neighbours)
        self._way.update(self._station_m, state.yaw_rad, state.speed_mps, neighbours, self._surroundings.emergency_ids)
        if not self._lateral_task():
            self._edge.update(self._station_m, state.yaw_rad, neighbours)
        self._gap.look(self._station_m, state.speed_mps, neighbours)
        decision = self._yield(state, neighbours, ahead, envelope, patience)
        if (self._gap.taken or self._change_is_blocked(decision)) and self._changes.put_off(
            self._station_m, self._model.front_m, state.speed_mps
        ):
            decision = self._yield(state, neighbours, ahead, envelope, patience)
        if self._call_off_passing(neighbours, decision) or self._pass_obstacles(state, neighbours, ahead, decision):
            envelope, rule, rule_distance = self._envelope(state)
            decision = self._yield(state, neighbours, ahead, envelope, patience)
        self._hurried_since_s = min(self._hurried_since_s, state.time_s) if decision.hurries else math.inf
        self._rules.notice_leader(self._station_m, decision.contact_m, decision.leader_mps)
        soon = rule_distance < HELD_WITHIN_M + state.speed_mps**2 / (2.0 * self._style.comfortable_braking_mps2)
        decisions, reasoning = explain(
            decision,
            neighbours,
            ahead,
            state.speed_mps,
            rule=rule if soon else "",
            rule_distance_m=rule_distance,
            lateral=self._lateral(),
        )
        held_by = [int(neighbours.ids[row]) for row in binding_rows(decision, decisions["longitudinal"], ahead)]
        aside_of = [actor for actor in (self._passing.passed_id, self._way.vehicle_id) if actor]
        self._reason = ExpertReason(
            longitudinal=decisions["longitudinal"],
            lateral=decisions["lateral"],
            rule=rule if soon else "",
            actor_ids=tuple(dict.fromkeys([*held_by, *aside_of])),
            sentence=reasoning,
        )
        plan = build_plan(
            self._path,
            state,
            self._station_m,
            decision.profile.travelled_m,
            reasoning=reasoning,
            decisions=decisions,
        )
        return Decision(self._tracker.step(plan, state), plan)

    def _envelope(
        self, state: EgoState, at_least_mps: float = 0.0, lateral_mps2: float = LATERAL_ACCELERATION_MPS2
    ) -> tuple[np.ndarray, str, float]:
        """Return the speeds allowed every 0.5 m from the ego on, the rule that stops it ("" for none) and how far ahead.

        The limit counts as `at_least_mps` where others press from behind.
        """
        assert self._context is not None
        first = int(self._station_m / STEP_M)
        count = int(HORIZON_M / STEP_M)
        if self._way.lateral or self._passing.is_on_oncoming_lane(self._station_m):
            lateral_mps2 = max(lateral_mps2, HURRIED_LATERAL_MPS2)
        limit = max(MIN_LIMIT_MPS, self._context.ego.get_speed_limit() / 3.6, at_least_mps, self._pressed_mps)
        level = self._way.draws_level_mps if self._way.draws_level_mps is not None else self._gap.draws_level_mps
        if level is not None:
            limit = min(level, FASTEST_STREAM_MPS)
        speeds = np.minimum(limit, curve_speed(self._path.curvature_per_m[first : first + count], lateral_mps2))
        stop, rule = self._rules.stop_station(self._station_m, state.speed_mps, HORIZON_M)
        if math.isfinite(stop):
            index = max(0, int(math.floor((stop - first * STEP_M) / STEP_M)))
            speeds[index:] = 0.0
        if self.stops_at_route_end and first + count >= len(self._path.station_m):
            speeds[-2:] = 0.0
        envelope = braking_envelope(speeds, STEP_M, self._style.comfortable_braking_mps2)
        return envelope, rule, stop - self._station_m

    def _patience(self, state: EgoState, held: bool) -> Patience:
        if held:
            self._standing_since_s, self._resolve = math.inf, Patience()
            return self._resolve
        if state.speed_mps > STANDING_MPS:
            if state.speed_mps > OFF_AGAIN_MPS:
                self._standing_since_s = math.inf
            # Who has made up its mind to go does not hesitate half way.
            return self._resolve if state.time_s < self._stood_at_s + RESOLVE_S else Patience()
        self._standing_since_s = min(self._standing_since_s, state.time_s)
        self._stood_at_s = state.time_s
        waited = state.time_s - self._standing_since_s
        if waited > BLOCKED_JUNCTION_S:
            self._rules.lose_patience(self._station_m)
        self._resolve = Patience.after(waited)
        return self._resolve

    def _yield(
        self,
        state: EgoState,
        neighbours: Neighbours,
        ahead_m: np.ndarray,
        envelope: np.ndarray,
        patience: Patience,
    ) -> YieldDecision:
        reach = min(100.0, 30.0 + 5.0 * max(0.0, state.speed_mps))
        travelled = np.arange(0.0, reach, STATION_STEP_M)
        xy, _, yaw = converge(self._path, state, self._station_m, travelled)
        rows = self._relevant(neighbours, xy)
        if self._way.lateral or self._gap.sure:
            # Nobody is helped by braking before those behind, once the gap has been found long enough for them.
            seen = Beside.of(neighbours, np.array([state.rig_pose.x, state.rig_pose.y]), state.yaw_rad)
            rows = rows[~followers(neighbours, seen, state.yaw_rad)[rows]]
        forecasts = self._forecaster.forecast(neighbours, rows, heed_unlikely=patience.heed_ambiguous)
        occupied = occupancy(self._model, xy, yaw, neighbours, forecasts)
        on_path = occupied.owner[np.isfinite(occupied.first_m[:, 0])]
        first = int(self._station_m / STEP_M)
        room: dict[int, float] = {}
        if not self._path.in_junction[first : first + int(SEE_OBSTACLE_M / STEP_M)].any():
            obstacles = self._passing.obstacles(neighbours, tuple(int(row) for row in on_path), self._station_m)
            room = {
                row: ROOM_BESIDE_M if int(neighbours.ids[row]) in self._doors.ids else ROOM_TO_PASS_M
                for row in obstacles
            }
        hurries = self._passing.is_on_oncoming_lane(self._station_m) or self._pressed_mps > state.speed_mps
        style = BRISK if hurries else MERGING if self._way.lateral or self._gap.sure else self._style

        def hurried() -> np.ndarray:
            return self._envelope(state, FASTEST_STREAM_MPS, HURRIED_LATERAL_MPS2)[0]

        return decide(occupied, ahead_m, state.speed_mps, envelope, style, patience, room, hurried)

    def _pass_obstacles(
        self, state: EgoState, neighbours: Neighbours, ahead_m: np.ndarray, decision: YieldDecision
    ) -> bool:
        """Leave the lane if something stands in it and the way around is free; return whether the path changed."""
        obstacles = self._passing.obstacles(neighbours, decision.leaders, self._station_m)
        if (
            self._way.lateral
            or not obstacles
            or decision.contact_m > SEE_OBSTACLE_M
            or self._changes.under_way(self._station_m) is not None
        ):
            return False

        def free(length_m: float, oncoming_m: float) -> bool:
            envelope, _, _ = self._envelope(state)
            trial = self._yield(state, neighbours, ahead_m, envelope, self._resolve)
            slower = [row for row in trial.leaders if neighbours.ids[row] not in group]
            if trial.emergency or trial.yielding_to or any(0.0 < ahead_m[row] < length_m for row in slower):
                return False
            return oncoming_m <= 0.0 or not self._somebody_comes(neighbours, oncoming_m, trial.profile)

        assert self._context is not None
        group = frozenset(int(neighbours.ids[row]) for row in obstacles)
        cruise = self._context.ego.get_speed_limit() / 3.6
        return self._passing.consider(
            state.time_s, self._station_m, neighbours, obstacles, decision.leaders, decision.contact_m, cruise, free
        )

    def _call_off_passing(self, neighbours: Neighbours, decision: YieldDecision) -> bool:
        """Stay in the lane after all if somebody has turned up on the oncoming lane; return whether the path changed."""
        left_m = self._passing.can_still_stay_m(self._station_m)
        return left_m > 0.0 and self._somebody_comes(neighbours, left_m, decision.profile) and self._passing.call_off()

    def _somebody_comes(self, neighbours: Neighbours, length_m: float, profile: SpeedProfile) -> bool:
        taking_s = duration_s(length_m, profile)
        return somebody_comes(self._path, self._station_m, length_m, taking_s, neighbours)

    def _change_is_blocked(self, decision: YieldDecision) -> bool:
        """Whether somebody is in the way of the next lane change, and not in the lane that the ego is in."""
        change = self._changes.upcoming(self._station_m)
        if change is None:
            return False
        begins = change.start_m + change.delay_m - self._station_m - self._model.front_m
        return begins - 2.0 < decision.conflict_station_m < begins + change.length_m + 20.0

    def _has_just_turned(self) -> bool:
        """Whether the ego is in a junction or not far behind one."""
        first, last = (max(0, int((self._station_m + off) / STEP_M)) for off in (-JUST_TURNED_M, 0.0))
        return bool(self._path.in_junction[first : last + 1].any())

    def _lateral_task(self) -> str:
        """What the ego has left its lane for, "" for nothing."""
        return self._passing.lateral or self._way.lateral

    def _lateral(self) -> str:
        if self._lateral_task():
            return self._lateral_task()
        change = self._changes.under_way(self._station_m)
        if change is None:
            return "keep_lane"
        return "change_lane_left" if change.side_m > 0.0 else "change_lane_right"

    def _relevant(self, neighbours: Neighbours, xy: np.ndarray) -> np.ndarray:
        """Return the rows of neighbours that may come to the path within the forecast."""
        coarse = xy[::5]
        off = neighbours.center[:, None, :2] - coarse[None, :, :]
        distance = np.sqrt((off**2).sum(-1).min(-1))
        reach = 8.0 + neighbours.half_size_m[:, 0] + 5.0 * np.linalg.norm(neighbours.velocity_mps, axis=1) + 3.0
        here = np.abs(neighbours.center[:, 2] - self._path.pose(np.array(self._station_m))[1]) < 6.0
        return np.flatnonzero((distance < reach) & here)


def _pressed_mps(neighbours: Neighbours, rear: np.ndarray, state: EgoState) -> float:
    """Return the speed that somebody behind in the ego's lane forces on it, 0 for nobody."""
    off = neighbours.center[:, :2] - rear
    cos, sin = math.cos(state.yaw_rad), math.sin(state.yaw_rad)
    behind = -(off[:, 0] * cos + off[:, 1] * sin) - neighbours.half_size_m[:, 0]
    aside = np.abs(off[:, 1] * cos - off[:, 0] * sin)
    closing = neighbours.speed_mps - state.speed_mps
    same_way = np.cos(neighbours.yaw - state.yaw_rad) > 0.9
    near = same_way & (aside < 1.5) & (behind > 0.0) & (behind < PRESSED_M) & ~neighbours.is_walker
    pressing = near & (closing > 0.5) & (behind < PRESSED_S * np.maximum(closing, 0.1) + 4.0) & (state.speed_mps > 2.0)
    speeds = neighbours.speed_mps[pressing]
    return float(min(FASTEST_STREAM_MPS, speeds.max() + 0.5)) if len(speeds) else 0.0
