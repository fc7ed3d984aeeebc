"""Words to decisions and facts: what a trace says the ego does, and what it says is so, with negation and tense.

Pure functions of the text; rewards of reinforcement learning use them as labelling does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from alpamayo_training.coc import lexicon

_LONGITUDINAL = tuple((name, re.compile(rf"(?:{pattern})")) for name, pattern in lexicon.LONGITUDINAL)
_LATERAL = tuple((name, re.compile(rf"\b(?:{pattern})")) for name, pattern in lexicon.LATERAL)
_THINGS = tuple((name, re.compile(rf"\b(?:{pattern})\b")) for name, pattern in lexicon.THINGS)
_DOINGS = tuple((name, re.compile(rf"\b(?:{pattern})")) for name, pattern in lexicon.DOINGS)
_ROLES = tuple((name, re.compile(rf"\b(?:{pattern})")) for name, pattern in lexicon.ROLES)
_EGO = re.compile(rf"\b{lexicon.EGO}\b")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|has|have|had|will|can|does|did|needs)\b")
_NUMBER = re.compile(r"(?<=\d)[.,](?=\d)")
_PRESENT = (
    (r"\bslowed\b", "slow"),
    (r"\bstayed\b", "stay"),
    (r"\bremained\b", "remain"),
    (r"\bkept\b", "keep"),
    (r"\bcame\b", "come"),
    (r"\bgave\b", "give"),
    (r"\bsped\b", "speed"),
    (r"\bmade\b", "make"),
    (r"\bleft the\b", "leave the"),
    (r"^((?:the ego (?:vehicle|car)? ?)?)stopped\b", r"\1stop"),
    (r"\b(accelerate|brake|change|nudge|reduce|resume|reverse)d\b", r"\1"),
    (r"\b(turn|follow|start|proceed|wait|yield|return|maintain)ed\b", r"\1"),
    (r"\bpassed\b", "pass"),
)


@dataclass(frozen=True)
class ActionClaim:
    """What the trace says the ego does, along the road or sideways."""

    axis: str
    """longitudinal or lateral."""
    action: str
    """stop, slow_down, yield, stay_stopped, start, speed_up, keep_speed, follow, reverse; or change_lane, turn, return_lane,
    leave_lane, shift, curve, pull_over, keep_lane."""
    side: str
    """left, right or ""."""
    negated: bool
    tense: str
    """past, present or future."""


@dataclass(frozen=True)
class ThingClaim:
    """What the trace says of a road user or an object."""

    category: str
    role: str
    """lead, oncoming, crossing, cut_in, behind or ""."""
    doing: str
    """One of lexicon.DOINGS or ""."""
    on_side: str
    from_side: str
    distance_m: float | None
    negated: bool
    tense: str


@dataclass(frozen=True)
class StateClaim:
    """What the trace says of a light, a sign, the route, the road or the speed limit."""

    subject: str
    """light, sign, route, curve, ends (of a turn or bend), limit or clear."""
    value: str
    """red, yellow, green; stop, yield; left, right, straight, left_lane, right_lane; ""."""
    turned: bool
    """Whether it is said to have become so."""
    distance_m: float | None
    negated: bool
    tense: str


@dataclass(frozen=True)
class ParsedTrace:
    """All that was understood of a trace."""

    actions: tuple[ActionClaim, ...]
    things: tuple[ThingClaim, ...]
    states: tuple[StateClaim, ...]
    hedged: bool
    foretells: bool
    """Whether a clause that is no decision speaks of what is still to come."""
    sentences: int
    words: int

    def said(self, axis: str) -> tuple[ActionClaim, ...]:
        """Return what is said of one axis."""
        return tuple(claim for claim in self.actions if claim.axis == axis)


def parse_trace(text: str) -> ParsedTrace:
    """Return what a trace says; what is not understood is left out."""
    lower = _NUMBER.sub("·", text.lower().replace("’", "'").strip())
    sentences = [part for part in re.split(r"[.!?]+(?:\s|$)", lower) if part.strip()]
    actions: list[ActionClaim] = []
    things: list[ThingClaim] = []
    states: list[StateClaim] = []
    foretells = False
    for sentence in sentences:
        for clause in _clauses(sentence):
            clause = clause.replace("·", ".")
            subject_states = tuple(_states(clause))
            states += subject_states
            said = tuple(_actions(clause))
            foretells = foretells or (not said and bool(lexicon.FUTURE.search(clause)))
            about = None if said and not _subject(clause) else _thing(clause)
            actions += said
            if about is not None:
                things.append(about)
            elif said:
                other = _purpose_thing(clause)
                things += [other] if other is not None else []
    return ParsedTrace(
        actions=tuple(actions),
        things=tuple(things),
        states=tuple(states),
        hedged=bool(lexicon.HEDGE.search(lower)),
        foretells=foretells,
        sentences=len(sentences),
        words=len(lower.split()),
    )


def stated_actions(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return the (longitudinal, lateral) actions that a trace says are taken now, sides joined as in "turn_left"."""
    parsed = parse_trace(text)

    def names(axis: str) -> frozenset[str]:
        return frozenset(
            f"{claim.action}_{claim.side}" if claim.side else claim.action
            for claim in parsed.said(axis)
            if not claim.negated and claim.tense != "past"
        )

    return names("longitudinal"), names("lateral")


def _clauses(sentence: str) -> Iterator[str]:
    for part in lexicon.JOINTS.split(sentence):
        if part and part.strip():
            yield part.strip()


def _subject(clause: str) -> bool:
    """Whether a clause says something of another than the ego: it has a noun before its verb, and that is not the ego."""
    if _EGO.match(clause) or _EGO.match(re.sub(r"^(?:the|a|an) ", "", clause)):
        return False
    verb = _AUXILIARY.search(clause)
    before = clause[: verb.start()] if verb else clause
    noun = re.match(r"(?:there (?:is|are)\b|the |a |an |another |no |nobody|nothing|someone)", before or clause)
    return noun is not None


def _actions(clause: str) -> Iterator[ActionClaim]:
    if _subject(clause) and not _EGO.search(clause):
        return
    body = lexicon.PURPOSE.sub("", clause)
    tense = "past" if lexicon.EGO_PAST.match(body) else _tense(body)
    words = body
    if tense == "past":
        words = _present(body)
    for axis, table in (("lateral", _LATERAL), ("longitudinal", _LONGITUDINAL)):
        for action, pattern in table:
            found = pattern.search(words)
            if not found:
                continue
            groups = [value for key, value in found.groupdict().items() if key.startswith("side") and value]
            side = groups[0] if groups else ""
            yield ActionClaim(axis, action, side, _negated(words[: found.start()]), tense)
            break


def _present(clause: str) -> str:
    """Return a clause in the past as it would be in the present, as far as actions are recognised by it."""
    for past, present in _PRESENT:
        clause = re.sub(past, present, clause)
    return clause


def _thing(clause: str) -> ThingClaim | None:
    for category, pattern in _THINGS:
        found = pattern.search(clause)
        if not found or _is_ego(clause, found):
            continue
        rest = clause[: found.start()] + " # " + clause[found.end() :]
        after = clause[found.end() :]
        doing = next((name for name, action in _DOINGS if action.search(after)), "")
        if not doing:
            doing = next((name for name, action in _DOINGS if name == "stopped" and action.search(rest)), "")
        role = next((name for name, action in _ROLES if action.search(clause)), "")
        return ThingClaim(
            category=category,
            role=role,
            doing=doing,
            on_side=_side(lexicon.ON_SIDE, clause),
            from_side=_side(lexicon.FROM_SIDE, clause),
            distance_m=_distance(clause),
            negated=_negated(clause.replace("not moving", "") if doing == "stopped" else clause),
            tense="past" if _is_simple_past(after) else _tense(clause),
        )
    return None


def _is_simple_past(after: str) -> bool:
    """Whether what follows a noun goes on with a verb in the past and no auxiliary: "braked", "stepped onto"."""
    return bool(re.match(r"^(?: ahead| in front| from the \w+| on the \w+| \d+ m ahead)* \w+ed\b", after))


def _purpose_thing(clause: str) -> ThingClaim | None:
    """Return the thing that an action is said to be for: "stop for the pedestrian", "give way to the cyclist"."""
    found = re.search(r"\b(?:for|to|behind|around|past|from|follow(?:ing)?|from the lead) (?:the|a|an) (.*)$", clause)
    if not found:
        return None
    return _thing(found.group(0))


def _is_ego(clause: str, found: re.Match[str]) -> bool:
    return bool(re.search(r"\b(?:ego|our)[ -]$", clause[: found.start()]))


def _states(clause: str) -> Iterator[StateClaim]:
    tense, distance = _tense(clause), _distance(clause)
    light = lexicon.LIGHT.search(clause)
    if light:
        value = (light.group("first") or light.group("last")).replace("amber", "yellow")
        turned = bool(light.group("verb") and lexicon.LIGHT_TURNED.search(light.group("verb")))
        negated = bool(light.group("not")) or _negated(clause)
        yield StateClaim("light", value, turned, distance, negated, tense)
    sign = lexicon.SIGN.search(clause)
    if sign:
        yield StateClaim("sign", sign.group(1), False, distance, _negated(clause), tense)
    if lexicon.CLEAR.search(clause):
        yield StateClaim(
            "clear", "", False, None, _negated(clause.replace("nothing", "").replace("no traffic", "")), tense
        )
    route = lexicon.ROUTE.search(clause)
    if route:
        value = route.group("side") + ("_lane" if route.group("lane") else "")
        yield StateClaim("route", value, False, None, _negated(clause), tense)
    curve = lexicon.CURVE.search(clause)
    if curve and not route:
        yield StateClaim("curve", curve.group("side") or curve.group("other"), False, None, _negated(clause), tense)
    if lexicon.ENDS.search(clause):
        yield StateClaim("ends", "", False, None, _negated(clause), tense)
    if lexicon.LIMIT.search(clause):
        yield StateClaim("limit", "", False, None, _negated(clause), tense)


def _negated(words: str) -> bool:
    return bool(lexicon.NEGATION.search(words.replace("no longer", "not").replace("not only", "")))


def _tense(clause: str) -> str:
    if lexicon.FUTURE.search(clause):
        return "future"
    return "past" if lexicon.PAST.search(clause) else "present"


def _side(pattern: re.Pattern[str], clause: str) -> str:
    found = pattern.search(clause)
    return found.group(1) if found else ""


def _distance(clause: str) -> float | None:
    found = lexicon.DISTANCE.search(clause)
    return float(found.group(1)) if found else None
