"""The words that decisions and facts of driving are recognised by, as patterns on lower-case English."""

from __future__ import annotations

import re


def _any(*patterns: str) -> str:
    return "|".join(patterns)


THINGS: tuple[tuple[str, str], ...] = (
    (
        "emergency vehicle",
        _any(r"emergency (?:vehicle|car)s?", r"ambulances?", r"fire (?:truck|engine)s?", r"police (?:car|vehicle)s?"),
    ),
    ("cyclist", r"cyclists?|bicyclists?|bicycles?|bikes?|bike rider"),
    ("motorcycle", r"motorcycles?|motorcyclists?|motorbikes?|scooters?"),
    (
        "pedestrian",
        _any(
            r"pedestrians?",
            r"persons?",
            r"people",
            r"child(?:ren)?",
            r"kids?",
            r"jaywalkers?",
            r"walkers?",
            r"someone on foot",
            r"man",
            r"woman",
        ),
    ),
    ("bus", r"bus(?:es)?"),
    ("van", r"vans?"),
    ("truck", r"trucks?|lorr(?:y|ies)|trailers?"),
    ("traffic cone", r"(?:traffic |construction )?cones?"),
    ("barrier", r"(?:construction )?barriers?|construction (?:site|zone|area|works?)|road ?works?|roadworks?"),
    ("debris", r"debris|garbage"),
    ("obstacle", r"obstacles?|objects?|obstructions?"),
    ("animal", r"animals?|dogs?|deer"),
    (
        "vehicle",
        _any(
            r"vehicles?",
            r"cars?",
            r"sedans?",
            r"suvs?",
            r"tax(?:i|is)",
            r"cross(?:ing)? traffic",
            r"oncoming traffic",
            r"traffic(?= (?:is|ahead|from))",
            r"queue",
        ),
    ),
)
"""Category of `things.Thing` and its words; earlier rows win."""
ANY_VEHICLE = ("vehicle", "truck", "van", "bus", "motorcycle", "emergency vehicle")
VULNERABLE_WORDS = r"vulnerable road users?"

DOINGS: tuple[tuple[str, str], ...] = (
    ("cutting_in", r"cut(?:s|ting)?[ -]in(?:to)?|is changing lanes|changes lanes|merging (?:in|into)"),
    ("merging", r"merg(?:es|ing)(?! in| into)"),
    ("passed", r"has (?:passed|cleared)|has been passed|is passed|is gone|has left|has cleared"),
    ("crossing", r"cross(?:es|ing|ed)\b(?! traffic)|step(?:s|ping|ped) (?:into|onto)|walk(?:s|ing) across"),
    (
        "stopped",
        _any(
            r"(?:is|are|was|were|has|have|being|a|the)? ?(?:stopped|standing|stationary|parked|waiting|halted)",
            r"not moving(?! slowly| faster)",
            r"at a standstill",
        ),
    ),
    ("braking", r"brak(?:es|ing|ed|e)|slow(?:s|ing|ed)(?: down)?|decelerat(?:es|ing|ed|e)|slow down"),
    ("faster", r"(?:moving|driving|is) faster"),
    ("accelerating", r"accelerat(?:es|ing|ed|e)|moving faster|speed(?:s|ing) up|pull(?:s|ing) away"),
    (
        "moving",
        _any(
            r"(?:is|are|was|started|starts) moving(?! slowly)",
            r"moves(?: off| on)?",
            r"steady speed",
            r"started moving",
            r"has started",
        ),
    ),
    ("slow", r"moving slowly|is slow|slow-moving|slowly"),
    ("approaching", r"approach(?:es|ing|ed)|coming towards?|com(?:es|ing) (?:closer|from)"),
    (
        "blocking",
        _any(
            r"block(?:s|ing|ed)",
            r"in the way",
            r"obstruct(?:s|ing|ed)",
            r"in (?:the|our|its) (?:ego )?lane",
            r"in (?:the|our) path",
            r"encroach(?:es|ing|ed)",
        ),
    ),
    ("near", r"close(?: to)?|near(?:by)?|needs room|ahead in the lane|right of way"),
)
ROLES: tuple[tuple[str, str], ...] = (
    ("lead", r"lead(?:ing)?\b|in front|ahead\b|preceding"),
    ("oncoming", r"oncoming"),
    ("crossing", r"cross(?:ing)?(?= (?:traffic|vehicle|car|truck|van|bus|motorcycle))"),
    ("cut_in", r"cut-in"),
    ("behind", r"behind\b(?! the)|from behind"),
)

NEGATION = re.compile(r"\b(?:not|no|never|without|neither|nor|cannot|instead of|rather than|nobody|no one)\b|n't\b")
PAST = re.compile(r"\b(?:was|were|had|did)\b")
FUTURE = re.compile(r"\b(?:will|shall|going to|is to|later|soon|in a moment|afterwards)\b|'ll\b")
HEDGE = re.compile(
    r"\b(?:maybe|might|may|could|possibly|perhaps|probably|likely|presumably|either|seems?|appears?|apparently|depending|"
    r"if|unless|unclear|uncertain|unsure|not sure|or)\b"
)
EGO = r"(?:the )?(?:ego(?:[ -](?:vehicle|car))?|we|i|our (?:vehicle|car))(?! lane| path)"

LONGITUDINAL: tuple[tuple[str, str], ...] = (
    (
        "stay_stopped",
        _any(
            r"(?:stay|remain|keep|be)s?(?:ing)? (?:stopped|stationary|standing|at (?:a )?standstill)",
            r"(?:keep|continue)s? waiting",
            r"wait(?:s|ing)?\b",
            r"hold(?:s)? (?:position|still)",
            r"stay(?:s)? put",
            r"stand still",
        ),
    ),
    (
        "stop",
        _any(
            r"(?:come|comes|coming|brake|brakes|slow) to a (?:complete |full )?(?:stop|halt|standstill)",
            r"(?<!the )(?<!a )(?<!from )stop(?:s|ping)?\b(?! sign| line|-line)",
            r"\bhalt(?:s|ing)?\b",
        ),
    ),
    ("yield", r"yield(?:s|ing)?\b(?! sign)|giv(?:e|es|ing) way|let(?:s|ting)? (?:\w+ )+(?:pass|cross|go)"),
    ("reverse", r"revers(?:e|es|ing)|back(?:s|ing)? up"),
    (
        "start",
        _any(
            r"start(?:s|ing)? (?:moving|driving|off)",
            r"proceed(?:s|ing)?",
            r"mov(?:e|es|ing) off",
            r"pull(?:s|ing)? away",
            r"go(?:es)? ahead",
            r"from the stop",
            r"start again",
            r"set(?:s)? off",
        ),
    ),
    (
        "speed_up",
        _any(
            r"accelerat(?:e|es|ing)",
            r"speed(?:s|ing)? up",
            r"resum(?:e|es|ing)(?: the| its)?(?: normal| target)? speed",
            r"increas(?:e|es|ing)(?: the| its)? speed",
            r"pick(?:s|ing)? up speed",
            r"go(?:es)? faster",
        ),
    ),
    (
        "slow_down",
        _any(
            r"slow(?:s|ing)?(?: down)?\b",
            r"decelerat(?:e|es|ing)",
            r"brak(?:e|es|ing)\b",
            r"reduc(?:e|es|ing)(?: the| its)? speed",
            r"adapt(?:s|ing)?(?: the| its)? speed",
            r"creep(?:s|ing)?",
        ),
    ),
    (
        "follow",
        _any(
            r"follow(?:s|ing)? (?:the (?:lead|vehicle|car|truck|van|bus|motorcycle|queue|traffic)|at )",
            r"keep(?:s|ing)? (?:a safe |its )?distance",
        ),
    ),
    (
        "keep_speed",
        _any(
            r"(?:keep|maintain|hold|set)(?:s|ing)? (?:a |the |its |our )?(?:steady |constant |current |same |present )?speed",
            r"steady speed",
            r"cruis(?:e|es|ing)",
            r"continue(?:s)? (?:straight |ahead )?at",
            r"drive(?:s)? on",
        ),
    ),
)
LATERAL: tuple[tuple[str, str], ...] = (
    (
        "change_lane",
        _any(
            r"(?:chang(?:e|es|ing)|switch(?:es|ing)?|mov(?:e|es|ing)) (?:in)?to the (?P<side1>left|right)(?:most)? lane",
            r"chang(?:e|es|ing) lanes?(?: to the (?P<side2>left|right))?",
            r"(?P<side3>left|right) lane change",
            r"lane change to the (?P<side4>left|right)",
        ),
    ),
    (
        "turn",
        _any(
            r"(?:turn(?:s|ing)?|tak(?:e|es|ing) a) (?:\w+ )?(?P<side5>left|right)\b(?: turn)?",
            r"mak(?:e|es|ing) (?:the|a) (?P<side6>left|right) turn",
            r"(?P<side7>left|right) turn",
        ),
    ),
    (
        "return_lane",
        _any(
            r"return(?:s|ing)? to the (?:lane|ego lane|own lane|original lane)(?: on the (?P<side8>left|right))?",
            r"merg(?:e|es|ing) back",
        ),
    ),
    (
        "leave_lane",
        _any(
            r"leav(?:e|es|ing) the lane(?: to the (?P<side9>left|right))?",
            r"pass(?:es|ing)?(?: (?:it|them|the \w+(?: \w+)?))? on the (?P<side10>left|right)",
            r"nudg(?:e|es|ing) to the (?P<side11>left|right) out of",
            r"go(?:es)? around",
            r"overtak(?:e|es|ing)(?: on the (?P<side16>left|right))?",
        ),
    ),
    (
        "shift",
        _any(
            r"(?:nudg|shift|steer|veer)(?:e|es|s|ing)?(?: slightly| gently)?(?: to the)? (?P<side12>left|right)",
            r"keep(?:s|ing)? to the (?P<side13>left|right)",
            r"mov(?:e|es|ing) (?:slightly )?to the (?P<side17>left|right)",
        ),
    ),
    (
        "curve",
        _any(
            r"follow(?:s|ing)? the (?:curve|road|bend)(?: to the (?P<side14>left|right))?",
            r"in the (?P<side15>left|right) curve",
        ),
    ),
    ("pull_over", r"pull(?:s|ing)? over"),
    (
        "keep_lane",
        _any(
            r"(?:keep|stay|remain)(?:s|ing)? (?:in |within )?(?:the |its |our )?(?:current |ego |same )?lane",
            r"keep(?:s|ing)? to the lane",
            r"lane (?:center|keeping)",
            r"go(?:es)? straight",
            r"continu(?:e|es|ing) straight",
            r"center(?:ed)? in",
        ),
    ),
)
PURPOSE = re.compile(
    r"\bto (?:keep|avoid|let|give|make|obey|stay|reach|match|clear|ensure|maintain|allow|increase|pass|prevent|leave|create|"
    r"comply|prepare|follow)\b.*$"
)
EGO_PAST = re.compile(
    r"^(?:then |and )?(?:"
    + EGO
    + r" )?(?:has |had |have )?(?:gently |slightly )?(?:stopped|slowed|braked|accelerated|sped|turned|kept|"
    r"maintained|yielded|gave|changed|nudged|passed|returned|came|waited|stayed|remained|followed|started|proceeded|reduced|"
    r"resumed|left|made|reversed)\b"
)
JOINTS = re.compile(
    r"\s*(?:[.;,]|\bbecause(?: of)?\b|\bsince\b|\bas\b|\bso that\b|\bso\b|\bbut\b|\bwhile\b|\bthen\b|\bdue to\b|\bwhen\b|\band\b|"
    r"\btherefore\b|\buntil\b)\s*"
)
LIGHT = re.compile(
    r"(?P<first>red|yellow|amber|green) (?:traffic )?(?:light|signal)s?|"
    r"(?:traffic )?(?:light|signal)s?\b[^.;,]*?\b(?P<verb>is|are|was|were|turned|turns|turning|becomes|became|turn|be)\b"
    r"(?P<not>(?: not| no longer|n't)?)(?: still| now)?\s*(?P<last>red|yellow|amber|green)"
)
LIGHT_TURNED = re.compile(r"turned|turns|turning|became|becomes|turn\b")
SIGN = re.compile(r"\b(stop|yield) sign")
BE = r"(?:is|are|was|were|will be|has been)"
CLEAR = re.compile(
    rf"\b(?:road|lane|way|path|junction|intersection)(?: ahead)?[^.;,]* {BE} (?:not )?(?:clear|free|empty)|"
    rf"nothing {BE} (?:not )?in the way|\b(?:free|clear) (?:road|lane|way)|there {BE} no traffic"
)
ROUTE = re.compile(
    r"route (?:does not |will )?(?:turns?|goes?|continues?|requires?|leads?)"
    r"(?: in| to)?(?: the)? ?(?P<side>left|right|straight)(?P<lane> lane)?"
)
CURVE = re.compile(r"(?:curves?|bends?) (?:ahead )?to the (?P<side>left|right)|(?P<other>left|right) (?:curve|bend)")
ENDS = re.compile(
    rf"\b(?:turn|curve|bend) {BE} (?:not )?(?:done|over)|(?:curve|bend) ends|straight after the (?:curve|bend|turn)"
)
LIMIT = re.compile(r"speed limit")
DISTANCE = re.compile(r"(\d+(?:\.\d+)?) ?(?:m|meters?|metres?)\b")
FROM_SIDE = re.compile(r"from the (left|right)")
ON_SIDE = re.compile(r"(?:on|to|at) the (left|right)(?! lane| side of)")
