"""Which episodes are trained on: a split by town and route, so that no place is in two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class SplitRule:
    """How episodes are divided; two routes of the same name in one town are one route."""

    held_out_towns: tuple[str, ...] = ("Rampfield",)
    """Towns that are all in the test split."""
    val_share: float = 0.05
    test_share: float = 0.05
    """Share of the other towns' routes."""
    seed: int = 0


def split_routes(routes: Iterable[tuple[str, str]], rule: SplitRule) -> dict[tuple[str, str], str]:
    """Return train, val or test for every (town, route id): decided by a digest of the route, whatever else there is.

    Only where that leaves no route of the other towns for validation, of three or more, the one that is nearest to it goes there.
    """
    chosen: dict[tuple[str, str], str] = {}
    shares: list[tuple[float, tuple[str, str]]] = []
    for town, route_id in dict.fromkeys(routes):
        if town in rule.held_out_towns:
            chosen[town, route_id] = "test"
            continue
        digest = hashlib.sha256(f"{rule.seed}/{town}/{route_id}".encode()).digest()
        share = int.from_bytes(digest[:8], "big") / 2**64
        in_val, in_test = share < rule.val_share, share < rule.val_share + rule.test_share
        chosen[town, route_id] = "val" if in_val else "test" if in_test else "train"
        shares.append((share, (town, route_id)))
    if len(shares) >= 3 and not any(chosen[route] == "val" for _, route in shares):
        chosen[min(shares)[1]] = "val"
    return chosen
