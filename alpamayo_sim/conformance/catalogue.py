"""All checks, in the order in which they are made: what loads worlds comes last."""

from __future__ import annotations

from alpamayo_sim.conformance.check import Check
from alpamayo_sim.conformance.checks.actors import ACTORS
from alpamayo_sim.conformance.checks.batch import BATCH
from alpamayo_sim.conformance.checks.cameras import CAMERAS
from alpamayo_sim.conformance.checks.driving import DRIVING
from alpamayo_sim.conformance.checks.lights import LIGHTS
from alpamayo_sim.conformance.checks.maps import MAPS
from alpamayo_sim.conformance.checks.measurements import MEASUREMENTS
from alpamayo_sim.conformance.checks.modes import MODES
from alpamayo_sim.conformance.checks.physics import PHYSICS
from alpamayo_sim.conformance.checks.recorder import RECORDER
from alpamayo_sim.conformance.checks.reload import RELOAD
from alpamayo_sim.conformance.checks.scene import SCENE
from alpamayo_sim.conformance.checks.sensors import SENSORS
from alpamayo_sim.conformance.checks.snapshots import SNAPSHOTS
from alpamayo_sim.conformance.checks.spawning import SPAWNING
from alpamayo_sim.conformance.checks.traffic_manager import TRAFFIC_MANAGER
from alpamayo_sim.conformance.checks.transforms import TRANSFORMS
from alpamayo_sim.conformance.checks.walkers import WALKERS
from alpamayo_sim.conformance.checks.weather import WEATHER

FAMILIES = (
    SPAWNING,
    TRANSFORMS,
    SNAPSHOTS,
    MODES,
    BATCH,
    ACTORS,
    MAPS,
    WEATHER,
    SCENE,
    PHYSICS,
    DRIVING,
    LIGHTS,
    SENSORS,
    MEASUREMENTS,
    CAMERAS,
    WALKERS,
    TRAFFIC_MANAGER,
    RECORDER,
    RELOAD,
)
CHECKS: tuple[Check, ...] = tuple(check for family in FAMILIES for check in family.checks)
