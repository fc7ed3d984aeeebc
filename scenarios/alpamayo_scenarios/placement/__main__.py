"""`python -m alpamayo_scenarios.placement`: write the suites' route files anew."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from alpamayo_scenarios.library.registry import SCENARIO_TYPES
from alpamayo_scenarios.placement.route_xml import write_routes
from alpamayo_scenarios.placement.search import Placement, TownSearch, spread
from alpamayo_scenarios.placement.table import RECIPES

TOWNS = ("Gridvale", "Oldwick", "Rampfield")
PER_TYPE = 3
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
    for town in TOWNS:
        with TownSearch(town, SEED) as search:
            for kind in kinds:
                found[kind][town] = search.find(kind, RECIPES[kind], PER_TYPE)
                refused = dict(sorted(search.refused.get(kind, {}).items(), key=lambda item: -item[1])[:2])
                print(f"{town:10} {kind:42} {len(found[kind][town])} {refused or ''}", file=sys.stderr, flush=True)
    chosen = {kind: spread(found[kind], PER_TYPE) for kind in kinds}
    short = [f"{kind} ({len(places)})" for kind, places in chosen.items() if len(places) < PER_TYPE]
    print(
        f"too few places: {', '.join(short) or 'none'}; no class: {sorted(set(RECIPES) - set(SCENARIO_TYPES))}",
        file=sys.stderr,
    )
    if not arguments.only:
        write_routes(arguments.out / "abilities.xml", [p for places in chosen.values() for p in places], SEED)
        write_routes(arguments.out / "smoke.xml", [chosen[kind][0] for kind in SMOKE if chosen.get(kind)], SEED + 1)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
