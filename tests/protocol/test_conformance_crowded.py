"""The conformance kit on a server that others use: no check breaks, and the results say who was there and what they did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import carla
import pytest

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.conformance.check import Family, Measured, Verdict
from alpamayo_sim.conformance.context import Context, pose_of
from alpamayo_sim.conformance.runner import make
from alpamayo_training.cli import main

PARKED = 40
CRASHES = ("AttributeError", "IndexError", "TypeError", "ValueError", "RuntimeError")


@pytest.mark.timeout(900)
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


def test_an_actor_that_others_destroy_is_named() -> None:
    ids: list[int] = []

    def measure(context: Context) -> Iterator[Measured]:
        vehicle = context.car()
        ids.append(vehicle.id)
        yield Measured("height before", pose_of(context.tick(), vehicle).location.z, "m")
        other = context.second_client()
        other.apply_batch_sync([carla.command.DestroyActor(vehicle.id)], False)
        yield Measured("height after", pose_of(context.tick(), vehicle).location.z, "m")

    family = Family("robbed")
    family.check("car", "a car that others destroy", carla="-", source="-")(measure)
    with EmbeddedServer("Gridvale", seed=2) as server:
        context = Context(connect(server.address), server.address)
        outcome = make(context, server.address, family.checks[0])
    assert outcome.verdict is Verdict.FAIL
    assert [value.name for value in outcome.measured] == ["height before"]
    assert f"{ids[0]} is gone" in outcome.reason and "test_conformance_crowded.py" in outcome.reason
