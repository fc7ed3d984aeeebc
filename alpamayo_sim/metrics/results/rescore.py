"""Scoring a route's record under any profile, from the infractions that it lists.

What a rule finds depends on the profile too (how long blocked is blocked, how far off a lane is outside); that is
decided while driving and is not changed here.
"""

from __future__ import annotations

from alpamayo_sim.metrics.infraction import InfractionKind as Kind
from alpamayo_sim.metrics.profile import ScoringProfile
from alpamayo_sim.metrics.results import vocabulary as words
from alpamayo_sim.metrics.results.schema import RouteRecord, RouteScores
from alpamayo_sim.metrics.score import driving_score, penalty_of_counts

SCORE_DIGITS = 6
_MESSAGE_PRECISION = 0.5e-4
"""Messages give the share outside the lanes to 0.01 %: so much of a penalty cannot be told from them."""


def record_penalty(record: RouteRecord, profile: ScoringProfile) -> float:
    """Return the penalty P in [0, 1] of what a record lists; InputError for a message that cannot be read."""
    lists = record.infractions
    counts = {kind: len(lists.get(name, ())) for name, kind in words.LISTS_2.items()}
    speeds = [words.min_speed_percent(message) for message in lists.get("min_speed_infractions", ())]
    inside = 1.0
    for message in lists["outside_route_lanes"]:
        inside *= max(0.0, 1.0 - words.outside_lanes_figures(message)[1] / 100.0)
    return penalty_of_counts(counts, speeds, 1.0 - inside, profile)


def rescore(record: RouteRecord, profile: ScoringProfile) -> RouteRecord:
    """Return the record as `profile` scores it: scores, infraction lists, their number, and Perfect or Completed.

    Scores that agree with the profile already, as far as the rounded messages can tell, stay as they are, so that
    rescoring is idempotent and a file keeps its evaluator's digits. Lists that the profile does not know are left out
    (leaderboard 1.0), and so are minimum-speed checks at 100 % or more where they are no infraction.
    """
    lists = {
        name: _listed(kind, record.infractions.get(name, []), profile)
        for name, kind in words.LISTS_2.items()
        if not profile.is_version_1 or name in words.LISTS_1
    }
    listed = record.model_copy(update={"infractions": lists})
    number = sum(map(len, lists.values()))
    status = record.status
    if record.completed:
        status = words.COMPLETED if number or profile.is_version_1 else words.PERFECT
    scores = _scores(listed, profile)
    return listed.model_copy(
        update={
            "scores": scores,
            "status": status,
            "num_infractions": None if profile.is_version_1 else number,
        }
    )


def _listed(kind: Kind, messages: list[str], profile: ScoringProfile) -> list[str]:
    if kind is not Kind.MIN_SPEED or profile.lists_fast_stretches:
        return messages
    return [message for message in messages if words.min_speed_percent(message) < 100.0]


def _scores(record: RouteRecord, profile: ScoringProfile) -> RouteScores:
    stored = record.scores
    penalty = record_penalty(record, profile)
    slack = 10.0**-SCORE_DIGITS + (_MESSAGE_PRECISION if record.infractions["outside_route_lanes"] else 0.0)
    composed = driving_score(stored.score_route, stored.score_penalty)
    agrees = (
        abs(stored.score_penalty - penalty) <= slack
        and abs(stored.score_composed - composed) <= 100.0 * 10.0**-SCORE_DIGITS
    )
    if agrees:
        return stored
    return route_scores(stored.score_route, penalty, profile)


def route_scores(completion_percent: float, penalty: float, profile: ScoringProfile) -> RouteScores:
    """Return the scores of a route with the digits that the profile's files have (6 in 2.x, all in 1.0)."""
    composed = driving_score(completion_percent, penalty)
    if profile.is_version_1:
        return RouteScores(score_route=completion_percent, score_penalty=penalty, score_composed=composed)
    return RouteScores(
        score_route=round(completion_percent, SCORE_DIGITS),
        score_penalty=round(penalty, SCORE_DIGITS),
        score_composed=round(composed, SCORE_DIGITS),
    )
