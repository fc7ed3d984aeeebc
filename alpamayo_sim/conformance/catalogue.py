"""All checks, in the order in which they are made."""

from __future__ import annotations

from alpamayo_sim.conformance.check import Check
from alpamayo_sim.conformance.checks.spawning import SPAWNING
from alpamayo_sim.conformance.checks.transforms import TRANSFORMS

FAMILIES = (
    SPAWNING,
    TRANSFORMS,
)
CHECKS: tuple[Check, ...] = tuple(check for family in FAMILIES for check in family.checks)
