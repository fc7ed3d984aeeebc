"""The conformance kit on a server that others use: no check breaks, and the results say that it was not empty."""

from __future__ import annotations

import json
from pathlib import Path

import carla
import pytest

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_training.cli import main

PARKED = 40
CRASHES = ("AttributeError", "IndexError", "TypeError", "ValueError", "RuntimeError")


def test_no_check_breaks_among_parked_vehicles(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with EmbeddedServer("Gridvale", seed=2) as server:
        world = connect(server.address).get_world()
        blueprint = world.get_blueprint_library().find("vehicle.lincoln.mkz_2020")
        parked: list[carla.Actor] = []
        for point in world.get_map().get_spawn_points():
            actor = world.try_spawn_actor(blueprint, point) if len(parked) < PARKED else None
            if actor is not None:
                parked.append(actor)
        assert len(parked) == PARKED
        main(["sim", "--conformance", str(server.address), "--quick", "--out", str(tmp_path)])
        (folder,) = tmp_path.glob("*-conformance")
        results = json.loads((folder / "conformance.json").read_text())
        still_there = {actor.id for actor in world.get_actors()}
    reasons = results["environment"]["reasons"]
    broken = {name: reason for name, reason in reasons.items() if any(word in reason for word in CRASHES)}
    assert broken == {}
    assert results["environment"]["actors_of_others"] == PARKED
    assert f"{PARKED} actors of others" in capsys.readouterr().out
    assert f"{PARKED} actors of others" in (folder / "report.md").read_text()
    assert {actor.id for actor in parked} <= still_there
