"""The text that the tiny model's vocabulary is learnt from: driving reasoning composed of decisions, causes, things and places.

Every line is of the kind the model reads or writes; nothing is taken from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

THINGS = (
    "lead vehicle", "oncoming vehicle", "parked vehicle", "stopped vehicle", "slow vehicle", "cut-in vehicle", "truck", "van",
    "bus", "taxi", "motorcycle", "cyclist", "bicycle", "pedestrian", "child", "jaywalker", "emergency vehicle", "ambulance",
    "fire truck", "police car", "traffic cone", "construction barrier", "construction site", "debris", "obstacle", "trailer",
    "opened door", "queue of vehicles", "crossing traffic", "vehicle behind", "vulnerable road user", "animal",
)  # fmt: skip
SIGNALS = (
    "red traffic light", "yellow traffic light", "green traffic light", "flashing light", "stop sign", "yield sign",
    "speed limit", "speed limit sign", "crosswalk", "stop line", "lane marking", "solid line", "speed bump", "priority sign",
)  # fmt: skip
PLACES = (
    "in the ego lane", "in the left lane", "in the right lane", "in the adjacent lane", "in the oncoming lane", "ahead",
    "directly ahead", "at the junction", "at the intersection", "at the roundabout", "on the crosswalk", "on the shoulder",
    "on the sidewalk", "behind the parked cars", "from the left", "from the right", "on the left", "on the right",
    "at the highway entry", "at the highway exit", "on the ramp", "in the curve", "behind the ego vehicle", "near the curb",
)  # fmt: skip
DOINGS = (
    "is braking", "is braking hard", "is braking ahead", "is slowing down", "is stopped", "is stopped ahead", "is parked",
    "is crossing", "is about to cross", "is merging", "is changing lanes", "is cutting in", "is turning left",
    "is turning right", "is turning across our path", "is approaching", "is approaching fast", "is accelerating",
    "is moving slowly", "is yielding", "is waiting", "is pulling out", "is blocking the lane", "is blocking the way",
    "is invading the lane", "has stepped into the road", "has the right of way", "is running the red light", "has cleared",
    "is opening its door", "is reversing", "is keeping a steady speed",
)  # fmt: skip
LONGITUDINAL = (
    "Slow down", "Slow down gently", "Brake", "Brake hard", "Stop", "Come to a stop", "Stay stopped", "Keep the speed",
    "Keep a steady speed", "Maintain speed", "Set the speed", "Accelerate", "Accelerate gently", "Speed up", "Resume speed",
    "Start moving", "Yield", "Give way", "Creep forward", "Follow", "Adapt the speed", "Keep distance", "Wait", "Proceed",
    "Reverse", "Look for a gap",
)  # fmt: skip
LATERAL = (
    "keep the lane", "keep to the lane center", "keep to the right", "keep to the left", "change to the left lane",
    "change to the right lane", "nudge to the left", "nudge to the right", "nudge within the lane", "turn left",
    "turn right", "go straight", "follow the curve", "merge", "merge onto the highway", "take the exit", "pull over",
    "return to the lane", "abort the lane change", "pass the obstacle", "overtake", "make a U-turn", "make room",
)  # fmt: skip
PURPOSES = (
    "to keep a safe distance", "to keep distance from the lead vehicle", "to avoid a collision", "to let it pass",
    "to let them cross", "to reach the stop line", "to follow the route", "to stay in the lane", "to make a turn",
    "to clear the junction", "to match the speed of the traffic", "to obey the speed limit", "to give it room",
    "to wait for a gap", "to merge safely",
)  # fmt: skip
STATES = (
    "the road ahead is clear", "the lane ahead is free", "the gap is too small", "the gap is large enough",
    "the light has turned green", "the light is red", "the light is yellow", "the route turns left",
    "the route turns right", "the route continues straight", "the lane ends", "the road curves to the left",
    "the road curves to the right", "visibility is low", "it is raining", "it is foggy", "it is night",
    "the road is wet", "there is no traffic", "traffic is dense", "the junction has no signals", "nothing is in the way",
)  # fmt: skip
MANNERS = (
    "gently", "slightly", "carefully", "smoothly", "early", "in time", "firmly", "immediately", "briefly", "gradually",
    "cautiously", "completely", "again", "at once", "before the crossing", "after the junction", "within the lane",
    "behind the bus stop", "before the tunnel", "on the bridge", "in the school zone", "in the parking lot", "on the wet road",
    "near the gate", "despite the glare", "under low sun", "in heavy rain", "through the narrow street", "past the fence",
    "around the corner", "along the barrier", "between the cones", "beside the platform", "toward the exit", "until it clears",
    "while the view is occluded", "without crossing the double line", "with enough clearance", "with a safe margin",
)  # fmt: skip
FIXED = (
    "You are a driving assistant that generates safe and accurate actions.",
    "output the chain-of-thought reasoning of the driving process, then output the future trajectory.",
    "Front left camera: ", "Front camera: ", "Front right camera: ", "Front telephoto camera: ", "Rear left camera: ",
    "Rear right camera: ", "Rear camera: ", "frame 0 frame 1 frame 2 frame 3 ", "system\n", "user\n", "assistant\n",
)  # fmt: skip
WORDS_A_NAME = (
    "longitudinal", "lateral", "set_speed_tracking", "lead_obstacle_following", "speed_adaptation", "gap_searching",
    "acceleration_for_passing", "yield", "stop_for_static_constraint", "lane_keeping", "merge_split", "out_of_lane_nudge",
    "in_lane_nudge", "lane_change", "pull_over", "turn", "lateral_maneuver_abort", "none",
)  # fmt: skip


def sentences(count: int, seed: int = 0) -> Iterator[str]:
    """Yield `count` lines of driving text, the same for the same seed."""
    random = np.random.default_rng(seed)

    def one(choices: tuple[str, ...]) -> str:
        return choices[int(random.integers(len(choices)))]

    yield from FIXED
    yield from WORDS_A_NAME
    for _ in range(count - len(FIXED) - len(WORDS_A_NAME)):
        yield _line(random, one)


def _line(random: np.random.Generator, one: Callable[[tuple[str, ...]], str]) -> str:
    distance = int(random.integers(1, 151))
    speed = int(random.integers(0, 131))
    cause = (
        f"the {one(THINGS)} {one(PLACES)} {one(DOINGS)}",
        f"the {one(THINGS)} {one(DOINGS)}",
        f"a {one(THINGS)} {one(DOINGS)} {one(PLACES)}",
        f"there is a {one(SIGNALS)} {distance} m ahead",
        f"the {one(SIGNALS)} {one(PLACES)} applies to this lane",
        one(STATES),
    )[int(random.integers(6))]
    decision = (
        f"{one(LONGITUDINAL)} and {one(LATERAL)}",
        f"{one(LONGITUDINAL)} {one(MANNERS)}",
        f"{one(LATERAL).capitalize()}",
        f"{one(LONGITUDINAL)} {one(PURPOSES)}",
        f"{one(LONGITUDINAL)} for the {one(THINGS)}",
        f"{one(LONGITUDINAL)} for the {one(SIGNALS)}",
    )[int(random.integers(6))]
    joint = ("because", "since", "as", "so that")[int(random.integers(20)) // 6]
    return (
        f"{decision} {joint} {cause}.",
        f"{decision} {joint} {cause} and {one(STATES)}.",
        f"{decision} {one(PURPOSES)} because {cause}.",
        f"{cause[0].upper()}{cause[1:]}, so {decision[0].lower()}{decision[1:]}.",
        f"{one(('Turn left', 'Turn right', 'Go straight', 'Change lanes to the left', 'Keep the lane'))} in {distance}m",
        f"{decision} at {speed} km/h {joint} {cause}, {distance} m away.",
    )[int(random.choice(6, p=(0.3, 0.15, 0.2, 0.15, 0.1, 0.1)))]
