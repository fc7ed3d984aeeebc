"""docs/compatibility.md names every remote call and every sensor, once, with a grade, and agrees with what the server does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import rpc_exercises_actors
import rpc_exercises_maps
import rpc_exercises_scene
import rpc_exercises_vehicles
from client_calls import CLIENT_CALLS
from rpc_scene import EXERCISES

from alpamayo_sim.sensors.factory import SENSORS
from alpamayo_sim.server.calls import CALLS
from alpamayo_sim.world.blueprints import catalogue

assert rpc_exercises_actors and rpc_exercises_maps and rpc_exercises_scene and rpc_exercises_vehicles
PAGE = Path(__file__).resolve().parents[2] / "docs" / "compatibility.md"
GRADES = {"exact", "approximate", "ignored", "absent"}
SENT_WRONGLY = {"request_file", "copy_opendrive_to_file", "get_actor_component_world_transform"}
"""Refused in their exercises for what they ask; they are carried out otherwise."""


def graded(section: str) -> dict[str, str]:
    """Return the grade of every name in the tables of a section."""
    text = PAGE.read_text(encoding="utf-8")
    part = re.split(r"^## ", text.split(f"\n## {section}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    grades: dict[str, str] = {}
    for names, grade in re.findall(r"^\| (`[^|]*) \| (\w+) \|", part, flags=re.MULTILINE):
        assert grade in GRADES, grade
        for name in re.findall(r"`([^`]+)`", names):
            assert name not in grades, f"{name} stands on the page twice"
            grades[name] = grade
    return grades


def test_every_call_has_one_grade() -> None:
    assert sorted(CLIENT_CALLS ^ graded("Remote calls").keys()) == []


def test_calls_of_our_own_are_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in sorted(CALLS.keys() - CLIENT_CALLS) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("name", sorted(CLIENT_CALLS))
def test_absent_is_what_the_server_refuses(name: str) -> None:
    assert (graded("Remote calls")[name] == "absent") is (name in EXERCISES[name].refused - SENT_WRONGLY)


def test_every_sensor_has_one_grade_and_absent_ones_can_not_be_spawned() -> None:
    grades = graded("Sensors")
    assert sorted(grades) == sorted(name for name in catalogue() if name.startswith("sensor."))
    assert sorted(name for name, grade in grades.items() if grade != "absent") == sorted(SENSORS)
