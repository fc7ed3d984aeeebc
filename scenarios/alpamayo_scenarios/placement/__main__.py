"""`python -m alpamayo_scenarios.placement`: write the suites' route files anew."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from alpamayo_scenarios.library.registry import SCENARIO_TYPES
from alpamayo_scenarios.placement.route_xml import write_routes
from alpamayo_scenarios.placement.search import Placement, TownSearch, farthest_first, spread
from alpamayo_scenarios.placement.table import COUNTRY_TYPES, LONG_WAYS, RECIPES

TOWNS = ("Gridvale", "Oldwick", "Rampfield")
COUNTRY = "Longmoor"
PER_TYPE, CHOICE = 3, 8
"""Places of each type, and among how many of a town those farthest from each other are taken, for types that use Longmoor."""
SEED = 5
SUITES = Path(__file__).resolve().parents[1] / "suites"
SMOKE = (
    "VanillaSignalizedTurnEncounterGreenLight", "VanillaNonSignalizedTurnEncounterStopsign", "ParkedObstacle", "HazardAtSideLane",
    "DynamicObjectCrossing", "HardBreakRoute", "HighwayCutIn", "NonSignalizedJunctionRightTurn", "ParkingCutIn",
    "PedestrianCrossing", "InvadingTurn", "ControlLoss",
)  # fmt: skip
"""One route each."""


def main() -> int:
    """Search every town and write the files; 1 when a type has too few places."""
    parser = argparse.ArgumentParser(description="Write the route files of the suites anew.")
    parser.add_argument("--out", type=Path, default=SUITES)
    parser.add_argument("--only", nargs="*", default=(), help="types to search, for a look; nothing is written")
    arguments = parser.parse_args()
    kinds = [kind for kind in RECIPES if kind in SCENARIO_TYPES and (not arguments.only or kind in arguments.only)]
    found: dict[str, dict[str, list[Placement]]] = {kind: {} for kind in kinds}
    for town in (COUNTRY, *TOWNS[::-1]):
        here = [kind for kind in kinds if town != COUNTRY or kind in COUNTRY_TYPES]
        if not here:
            continue
        with TownSearch(town, SEED) as search:
            for kind in here:
                wanted = CHOICE if kind in COUNTRY_TYPES else PER_TYPE
                found[kind][town] = search.find(kind, RECIPES[kind], wanted, long_ways=kind in LONG_WAYS)
                refused = dict(sorted(search.refused.get(kind, {}).items(), key=lambda item: -item[1])[:2])
                print(f"{town:10} {kind:42} {len(found[kind][town])} {refused or ''}", file=sys.stderr, flush=True)
    chosen = {kind: _chosen(kind, found[kind]) for kind in kinds}
    short = [f"{kind} ({len(places)})" for kind, places in chosen.items() if len(places) < PER_TYPE]
    print(
        f"too few places: {', '.join(short) or 'none'}; no class: {sorted(set(RECIPES) - set(SCENARIO_TYPES))}",
        file=sys.stderr,
    )
    if not arguments.only:
        numbered = {PER_TYPE * k + i: p for k, places in enumerate(chosen.values()) for i, p in enumerate(places)}
        write_routes(arguments.out / "abilities.xml", numbered, SEED)
        write_routes(arguments.out / "smoke.xml", dict(enumerate(_of_smoke(chosen))), SEED + 1)
    return 1 if short else 0


def _chosen(kind: str, places: Mapping[str, Sequence[Placement]]) -> list[Placement]:
    """Places from several towns, as far as there are some; of Longmoor first where it has them."""
    if kind in COUNTRY_TYPES:
        return spread({town: farthest_first(places[town]) for town in places}, PER_TYPE)
    return spread({town: places[town] for town in TOWNS}, PER_TYPE)


def _of_smoke(chosen: Mapping[str, Sequence[Placement]]) -> list[Placement]:
    """The first place of each type in a small town, which loads faster."""
    return [next(p for p in chosen[kind] if p.town != COUNTRY) for kind in SMOKE]


if __name__ == "__main__":
    sys.exit(main())
