"""All checks, in the order in which they are made."""

from __future__ import annotations

from alpamayo_sim.conformance.check import Check
from alpamayo_sim.conformance.checks.lights import LIGHTS
from alpamayo_sim.conformance.checks.physics import PHYSICS
from alpamayo_sim.conformance.checks.snapshots import SNAPSHOTS
from alpamayo_sim.conformance.checks.spawning import SPAWNING
from alpamayo_sim.conformance.checks.transforms import TRANSFORMS

FAMILIES = (
    SPAWNING,
    TRANSFORMS,
    PHYSICS,
    SNAPSHOTS,
    LIGHTS,
)
CHECKS: tuple[Check, ...] = tuple(check for family in FAMILIES for check in family.checks)
