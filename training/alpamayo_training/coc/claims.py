"""Whether what a trace says is so: its claims against the true behaviour and the scene of the last 2 s."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable

from alpamayo_training.coc.behaviour import Behaviour
from alpamayo_training.coc.lexicon import ANY_VEHICLE
from alpamayo_training.coc.parse import ActionClaim, StateClaim, ThingClaim
from alpamayo_training.coc.things import Scene, Thing

FITS: dict[str, frozenset[str]] = {
    "stop": frozenset({"stop", "stay_stopped"}),
    "slow_down": frozenset({"slow_down", "stop"}),
    "yield": frozenset({"slow_down", "stop", "stay_stopped"}),
    "stay_stopped": frozenset({"stay_stopped"}),
    "start": frozenset({"start"}),
    "speed_up": frozenset({"speed_up", "start"}),
    "keep_speed": frozenset({"keep_speed"}),
    "follow": frozenset({"keep_speed", "slow_down", "speed_up", "start"}),
    "reverse": frozenset({"reverse"}),
}
"""What the ego may truly do under a stated action along the road."""
LATERAL_FITS: dict[str, frozenset[str]] = {
    "change_lane": frozenset({"change_lane"}),
    "turn": frozenset({"turn"}),
    "leave_lane": frozenset({"leave_lane"}),
    "return_lane": frozenset({"return_lane"}),
    "shift": frozenset({"shift", "leave_lane"}),
    "curve": frozenset({"curve", "turn", "keep"}),
    "pull_over": frozenset({"shift", "change_lane"}),
    "keep_lane": frozenset({"keep", "curve", "shift"}),
}
SLACK_M, SLACK_SHARE = 3.0, 0.25
"""A stated distance may be off by so much."""
CLEAR_M, CLEAR_S = 6.0, 1.2
"""Something slower within so many metres and seconds ahead makes "clear" untrue."""
HALTED_MPS, CREEP_MPS, SLOW_MPS = 0.8, 1.5, 6.0
NEAR_M = 12.0
CROSSING_M, SOON_S, LONG_M = 2.2, 2.0, 4.0
ROLES = {"lead": ("lead",), "oncoming": ("oncoming",), "behind": ("behind",)}
CURVE_RAD = 0.1
TURNED_DEG = 4.0


def longitudinal_fits(claim: ActionClaim, behaviour: Behaviour) -> bool:
    """Return whether what is said of the speed agrees with what the ego does."""
    fits = behaviour.longitudinal in FITS.get(claim.action, frozenset())
    if claim.action == "start":
        fits = fits or (behaviour.speed_mps < CREEP_MPS and behaviour.longitudinal == "speed_up")
    if claim.action == "stop":
        fits = fits or (behaviour.longitudinal == "slow_down" and behaviour.speed_later_mps < CREEP_MPS)
    return fits != claim.negated


def lateral_fits(claim: ActionClaim, behaviour: Behaviour) -> bool:
    """Return whether what is said of the way sideways agrees with what the ego does."""
    if behaviour.lateral == "keep_lane":
        name, side = "keep", ""
    else:
        name, side = behaviour.lateral.rsplit("_", 1)
    fits = name in LATERAL_FITS.get(claim.action, frozenset())
    if claim.side and side and claim.action != "keep_lane":
        fits = fits and claim.side == side
    return fits != claim.negated


def state_fits(claim: StateClaim, scene: Scene, heading_ahead_rad: float, route_options: Collection[str] = ()) -> str:
    """Return "" where what is said of a light, sign, route, bend or the road is so, else what is wrong.

    `route_options` are what the route asked for lately, besides what it asks for in the scene.
    """
    if claim.tense == "future":
        return f"{claim.subject} in the future"
    check = {
        "light": _light_fits,
        "sign": _sign_fits,
        "clear": _clear_fits,
        "limit": _limit_fits,
        "ends": _ends_fits,
    }.get(claim.subject)
    if claim.subject == "curve":
        left = heading_ahead_rad > 0.0
        so = (claim.value == "left") == left and abs(heading_ahead_rad) >= CURVE_RAD
        return "" if so != claim.negated else f"no {claim.value} curve"
    if claim.subject == "route":
        return _route_fits(claim, scene, {*route_options, *(state.route_option for state in scene.states)})
    return check(claim, scene) if check is not None else ""


def thing_fits(claim: ThingClaim, scene: Scene, past: Iterable[Scene] = ()) -> str:
    """Return "" where somebody in the scene is as the claim says and seen by a camera, else what is wrong.

    `past` are scenes of the last 2 s, for claims in the past.
    """
    if claim.tense == "future":
        return f"{claim.category} in the future"
    named = [thing for thing in scene.things if _is_called(thing, claim)]
    if claim.negated:
        so = [thing for thing in named if thing.distance_m < 40.0 and _does(thing, claim) and thing.is_visible]
        return f"{claim.category} does {claim.doing}" if so else ""
    if not named:
        return f"no {claim.category}"
    if claim.tense == "past":
        before = any(
            _does(thing, claim) for one in past for thing in one.things if _is_called(thing, claim) and thing.is_visible
        )
        now = any(_does(thing, claim) for thing in named)
        return "" if before and not now else f"{claim.category} in the past"
    steps = (
        (_has_role, f"{claim.category} is not {claim.role}"),
        (_does, f"{claim.category} is not {claim.doing}"),
        (_is_beside, f"{claim.category} is not on the {claim.on_side}"),
        (_comes_from, f"{claim.category} does not come from the {claim.from_side}"),
        (_is_away, f"{claim.category} is not {claim.distance_m} m away"),
        (_is_seen, f"{claim.category} is not visible"),
    )
    for check, wrong in steps:
        named = [thing for thing in named if check(thing, claim)]
        if not named:
            return wrong
    return ""


def _is_called(thing: Thing, claim: ThingClaim) -> bool:
    if claim.category == thing.category:
        return True
    if claim.category == "vehicle":
        return thing.category in ANY_VEHICLE
    return claim.category == "obstacle" and (thing.is_obstacle or thing.speed_mps < HALTED_MPS)


def _has_role(thing: Thing, claim: ThingClaim) -> bool:
    if claim.role == "cut_in":
        return thing.doing == "cutting_in"
    if claim.role == "lead":
        ahead = -1.0 < thing.gap_m < math.inf
        return thing.relation == "lead" or ahead or (thing.relation == "crossing" and thing.distance_m < 60.0)
    if claim.role == "crossing":
        return thing.relation == "crossing"
    return not claim.role or thing.relation in ROLES[claim.role]


def _does(thing: Thing, claim: ThingClaim) -> bool:
    doing = claim.doing
    if not doing:
        return True
    ahead = thing.relation == "lead" or -2.0 < thing.gap_m < 60.0
    checks = {
        "braking": thing.doing == "braking" or thing.acceleration_mps2 < -0.5,
        "stopped": thing.speed_mps < HALTED_MPS,
        "crossing": thing.relation == "crossing" and thing.speed_mps > 0.2,
        "cutting_in": thing.doing == "cutting_in",
        "merging": thing.speed_mps > 0.5 and thing.relation not in ("behind", "roadside"),
        "faster": thing.closing_mps < -0.2 or thing.acceleration_mps2 > 0.3,
        "accelerating": thing.acceleration_mps2 > 0.3,
        "moving": thing.speed_mps > 0.3,
        "slow": thing.speed_mps < SLOW_MPS,
        "approaching": thing.relation in ("oncoming", "behind", "crossing", "beside") and thing.speed_mps > 0.5,
        "blocking": ahead and (thing.in_ego_lane or abs(thing.lateral_m) < 3.2),
        "passed": not thing.in_ego_lane or thing.gap_m < 1.0 or thing.gap_m == math.inf,
        "near": thing.distance_m < 50.0,
    }
    return checks[doing]


def _is_beside(thing: Thing, claim: ThingClaim) -> bool:
    return not claim.on_side or thing.side == claim.on_side


def _comes_from(thing: Thing, claim: ThingClaim) -> bool:
    return claim.from_side in ("", thing.comes_from) or (claim.doing == "merging" and thing.side == claim.from_side)


def _is_away(thing: Thing, claim: ThingClaim) -> bool:
    if claim.distance_m is None:
        return True
    slack = max(SLACK_M, SLACK_SHARE * claim.distance_m)
    return any(abs(metres - claim.distance_m) <= slack for metres in (thing.gap_m, thing.distance_m))


def _is_seen(thing: Thing, claim: ThingClaim) -> bool:
    del claim
    return thing.is_visible


def _light_fits(claim: StateClaim, scene: Scene) -> str:
    lights = [signal for signal in scene.signals if signal.kind == "traffic_light"]
    if claim.tense == "past" and not claim.turned:
        so = any(claim.value in light.was for light in lights)
    else:
        so = any(
            light.state == claim.value
            and (not claim.turned or light.was)
            and (
                claim.distance_m is None or abs(light.distance_m - claim.distance_m) < SLACK_M + 0.25 * claim.distance_m
            )
            and light.is_visible
            for light in lights
        )
    if so == claim.negated:
        return f"the light is {'' if claim.negated else 'not '}{claim.value}" + (" now" if claim.turned else "")
    return ""


def _sign_fits(claim: StateClaim, scene: Scene) -> str:
    so = any(
        signal.kind == f"{claim.value}_sign"
        and signal.is_visible
        and (claim.distance_m is None or abs(signal.distance_m - claim.distance_m) < SLACK_M + 0.25 * claim.distance_m)
        for signal in scene.signals
    )
    return "" if so != claim.negated else f"{'a' if claim.negated else 'no'} {claim.value} sign"


def is_clear(scene: Scene) -> bool:
    """Return whether nothing slower is close ahead, nobody crosses right ahead, and no red light is near."""
    lead = scene.lead
    speed = max(0.0, scene.now.speed_mps)
    held = (
        lead is not None
        and lead.gap_m < CLEAR_M + CLEAR_S * speed
        and lead.along_mps < max(speed, 1.0) + 0.5
        and lead.acceleration_mps2 < 0.5
    )
    on_path = any(
        thing.relation == "crossing"
        and -LONG_M < thing.gap_m < NEAR_M
        and (abs(thing.lateral_m) < CROSSING_M or _is_about_to_cross(thing))
        for thing in scene.things
    )
    red = any(
        signal.kind == "traffic_light" and signal.state == "red" and 0.0 < signal.distance_m < NEAR_M + 2.0 * speed
        for signal in scene.signals
    )
    return not (held or on_path or red)


def _is_about_to_cross(thing: Thing) -> bool:
    towards = thing.lateral_m * thing.across_mps < 0.0
    return not thing.is_vulnerable and towards and abs(thing.lateral_m) < SOON_S * abs(thing.across_mps)


def _clear_fits(claim: StateClaim, scene: Scene) -> str:
    if is_clear(scene) != claim.negated:
        return ""
    return "the way is clear" if claim.negated else "the way is not clear"


def _route_fits(claim: StateClaim, scene: Scene, options: Collection[str]) -> str:
    option = {"left_lane": "change_lane_left", "right_lane": "change_lane_right"}.get(claim.value, claim.value)
    inside = scene.now.lane.is_junction
    so = option in options or (option == "straight" and "lane_follow" in options and inside)
    return "" if so != claim.negated else f"the route is not {claim.value}"


def _ends_fits(claim: StateClaim, scene: Scene) -> str:
    turned = abs((scene.now.ego.yaw - scene.states[0].ego.yaw + 180.0) % 360.0 - 180.0)
    return "" if (turned >= TURNED_DEG) != claim.negated else "no turn or bend that ends"


def _limit_fits(claim: StateClaim, scene: Scene) -> str:
    del scene
    return "the speed limit is denied" if claim.negated else ""
