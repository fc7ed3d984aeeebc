"""How the causes that a label names are put to the test: which change of the world would change the decision."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alpamayo_scenarios.counterfactual.interventions import (
    RENEWING,
    ActorRef,
    ChangeRoute,
    HoldActors,
    HoldLight,
    Intervention,
    MoveActors,
    MoveSign,
    Place,
    PutObstacle,
    RemoveActors,
    RemoveSign,
)
from alpamayo_sim.record.scene_state import SceneActor, SceneState
from alpamayo_training.coc.label import FUTURE_FRAMES, HISTORY_FRAMES, CocLabel, Component

SPEEDS_UP_MPS, SPEEDS_UP_FRAMES = 0.8, 30
HOLDING_SCENARIOS = ("slow_for_lead", "stop_for_lead", "stop_for_control")
HOLDING_DECISIONS = ("yield", "stop_for_static_constraint")
STOPPED_LIGHTS = ("red", "yellow")
CONTROL_SEEN_PX, CONTROL_WITHIN_M = 20, 50.0
PASSED_M = 1.0
ON_PATH_M = 2.0
STANDING_MPS = 0.3


@dataclass(frozen=True)
class CauseTest:
    """One named cause, and the changes that ought to change the decision if it is one."""

    name: str
    """As the label has it."""
    kind: str
    """What is done to what: remove vehicle, hold pedestrian, light green and the like; results are counted by it."""
    first: Intervention
    second: Intervention | None
    """Another way of taking the cause away; None where there is none."""

    @property
    def renews_driver(self) -> bool:
        """Whether the test has a driver that was set up afresh, and needs one as its yardstick."""
        return isinstance(self.first, RENEWING)


@dataclass(frozen=True)
class LabelTests:
    """What can be tested of a label."""

    causes: tuple[CauseTest, ...]
    untestable: tuple[str, ...]
    """The other causes that it names, and why no change of the world tests them."""


def plan_tests(label: CocLabel, scenes: Sequence[SceneState]) -> LabelTests:
    """Return the tests of a label's causes by the privileged state of its episode."""
    found: list[CauseTest] = []
    untestable: list[str] = []
    for component in label.causes:
        test = _test(label, component, scenes)
        if isinstance(test, CauseTest):
            if all(test.first != other.first for other in found):
                found.append(test)
        else:
            untestable.append(f"{component.name}: {test}")
    return LabelTests(tuple(found), tuple(untestable))


def control_of(label: CocLabel, scenes: Sequence[SceneState], random: np.random.Generator) -> ActorRef | None:
    """Return somebody in sight whom the label does not name, drawn at random, of the kind of a named actor if there is one.

    In sight is what a camera has at least 20 pixels of or, in drives without masks, what is ahead within 50 m. Two are no
    bystanders and left out: whom the driver itself goes by within the 6 s, which may be for a later decision, and who drives
    ahead in the ego's lane, on whom the one between depends. None if there is nobody.
    """
    now = scenes[label.frame_index]
    named = {component.actor_id for component in label.components}
    heeded = heeded_by_driver(label, scenes)
    kinds = {actor.kind for actor in now.actors if actor.actor_id in named}
    has_masks = any(actor.visible_px for actor in now.actors)
    seen = [actor for actor in now.actors if actor.actor_id not in named and _in_sight(actor, now, has_masks=has_masks)]
    seen = [actor for actor in seen if actor.actor_id not in heeded and not (actor.in_ego_lane and actor.gap_m > 0.0)]
    alike = (
        [actor for actor in seen if actor.kind in kinds] or [actor for actor in seen if actor.kind != "prop"] or seen
    )
    return _ref(alike[int(random.integers(len(alike)))]) if alike else None


def heeded_by_driver(label: CocLabel, scenes: Sequence[SceneState]) -> frozenset[int]:
    """Return whom the driver says it goes by at any frame of the 6 s after the keyframe."""
    window = scenes[label.frame_index : label.frame_index + FUTURE_FRAMES + 1]
    return frozenset(one for scene in window if scene.expert is not None for one in scene.expert.actor_ids)


def _in_sight(actor: SceneActor, now: SceneState, *, has_masks: bool) -> bool:
    if has_masks:
        return max(actor.visible_px.values(), default=0) >= CONTROL_SEEN_PX
    yaw = math.radians(now.ego.yaw)
    dx, dy = actor.transform.x - now.ego.x, actor.transform.y - now.ego.y
    return dx * math.cos(yaw) + dy * math.sin(yaw) > 3.0 and math.hypot(dx, dy) < CONTROL_WITHIN_M


def speeds_up(label: CocLabel, scenes: Sequence[SceneState]) -> bool:
    """Whether the decision is to gain speed: the label's own where it holds back, else the first thing that the ego does."""
    if label.scenario in HOLDING_SCENARIOS or label.longitudinal in HOLDING_DECISIONS:
        return False
    begin = scenes[label.frame_index].speed_mps
    for state in scenes[label.frame_index : label.frame_index + SPEEDS_UP_FRAMES + 1]:
        if abs(state.speed_mps - begin) > SPEEDS_UP_MPS:
            return state.speed_mps > begin
    return False


def _test(label: CocLabel, component: Component, scenes: Sequence[SceneState]) -> CauseTest | str:
    if component.kind == "critical_object":
        return _test_of_object(label, component, scenes)
    if component.kind == "traffic_light":
        return _test_of_light(label, component, scenes)
    if component.kind == "yield_stop_control":
        if speeds_up(label, scenes):
            return "a stop that has been made cannot be taken back"
        return CauseTest(component.name, "remove sign", RemoveSign(component.actor_id), MoveSign(component.actor_id))
    if component.kind == "routing_intent":
        return CauseTest(component.name, "change route", ChangeRoute(), None)
    return "a road cannot be changed while it is driven on"


def _test_of_light(label: CocLabel, component: Component, scenes: Sequence[SceneState]) -> CauseTest | str:
    now = scenes[label.frame_index]
    state = next((signal.state for signal in now.signals if signal.actor_id == component.actor_id), "")
    light = component.actor_id
    if state in STOPPED_LIGHTS and not speeds_up(label, scenes):
        return CauseTest(component.name, "light green", HoldLight(light, "green"), HoldLight(light, "off"))
    if state == "green" or (state in STOPPED_LIGHTS and speeds_up(label, scenes)):
        # A yellow light stops only who can stop for it: for those who move it is no second way to say red.
        stands = now.speed_mps < STANDING_MPS
        return CauseTest(
            component.name, "light red", HoldLight(light, "red"), HoldLight(light, "yellow") if stands else None
        )
    return f"the light shows {state or 'nothing'}"


def _test_of_object(label: CocLabel, component: Component, scenes: Sequence[SceneState]) -> CauseTest | str:
    now = scenes[label.frame_index]
    actor = _actor(now, component.actor_id)
    if actor is None:
        return "it is gone at the keyframe"
    ref = _ref(actor)
    nudges = label.lateral in ("out_of_lane_nudge", "in_lane_nudge", "lane_change")
    if nudges and math.isfinite(actor.gap_m) and actor.gap_m < PASSED_M and actor.kind != "pedestrian":
        place = _ego_place(label, scenes, FUTURE_FRAMES // 2)
        return CauseTest(component.name, f"hold {actor.kind}", HoldActors((ref,), (place,)), PutObstacle(place))
    if speeds_up(label, scenes) and not nudges:
        place = _blocking_place(label, actor, scenes)
        return CauseTest(component.name, f"hold {actor.kind}", HoldActors((ref,), (place,)), PutObstacle(place))
    return CauseTest(component.name, f"remove {actor.kind}", RemoveActors((ref,)), MoveActors((ref,)))


def _blocking_place(label: CocLabel, actor: SceneActor, scenes: Sequence[SceneState]) -> Place:
    """Return where an actor was in the way within the last 2 s; where the ego is going if it is not known to have been."""
    frames = range(max(0, label.frame_index - HISTORY_FRAMES), label.frame_index + 1)
    past = [found for frame in frames if (found := _actor(scenes[frame], actor.actor_id)) is not None]
    blocked = [one for one in past if math.isfinite(one.gap_m) and one.gap_m > 0.0 and abs(one.lateral_m) < ON_PATH_M]
    if not blocked:
        return _ego_place(label, scenes, FUTURE_FRAMES // 2)
    best = min(blocked, key=lambda one: abs(one.lateral_m)) if actor.kind == "pedestrian" else blocked[0]
    pose = best.transform
    return Place(pose.x, pose.y, pose.z, pose.yaw)


def _ego_place(label: CocLabel, scenes: Sequence[SceneState], later: int) -> Place:
    """Return where the ego will be some frames on, at least 8 m away from where it is."""
    now = scenes[label.frame_index].ego
    ahead = scenes[label.frame_index + later : label.frame_index + 3 * FUTURE_FRAMES]
    far = [state.ego for state in ahead if math.hypot(state.ego.x - now.x, state.ego.y - now.y) > 8.0]
    pose = far[0] if far else (ahead[-1].ego if ahead else now)
    return Place(pose.x, pose.y, pose.z + 0.1, pose.yaw)


def _actor(state: SceneState, actor_id: int) -> SceneActor | None:
    return next((actor for actor in state.actors if actor.actor_id == actor_id), None)


def _ref(actor: SceneActor) -> ActorRef:
    return ActorRef(actor.actor_id, actor.type_id, actor.transform.x, actor.transform.y)
