"""Every remote call that CARLA's client can send, sent by the real client where a binding reaches it, and what it does.

A relay between client and server notes the calls, so that answers which the client drops are seen too.
"""

from __future__ import annotations

import pytest
import rpc_exercises_actors
import rpc_exercises_maps
import rpc_exercises_scene
import rpc_exercises_vehicles
from client_calls import CLIENT_CALLS, NOT_AWAITED, RAW, WITH_VALUE, WITHOUT_VALUE
from rpc_scene import EXERCISES, Exercise, Scene, scene

from alpamayo_sim.server.calls import CALLS
from alpamayo_sim.server.registry import Family

assert scene and rpc_exercises_actors and rpc_exercises_maps and rpc_exercises_scene and rpc_exercises_vehicles
OWN_CALLS = {"get_debug_shapes", "get_applied_textures"}
"""Calls that CARLA has not."""


def in_order() -> list[Exercise]:
    return sorted(EXERCISES.values(), key=lambda one: one.last)


@pytest.mark.parametrize("one", in_order(), ids=lambda one: one.name)
def test_call(scene: Scene, one: Exercise) -> None:
    mark = len(scene.tap.heard)
    one.run(scene)
    scene.client.get_server_version()
    heard = scene.tap.since(mark)
    assert one.name in {call.name for call in heard}, "the exercise does not send the call"
    refused = {call.name: call.error for call in heard if call.error is not None}
    assert refused.keys() == one.refused, refused


def test_every_call_of_the_client_is_exercised() -> None:
    assert sorted(CLIENT_CALLS - EXERCISES.keys()) == []
    assert sorted(EXERCISES.keys() - CLIENT_CALLS) == []


def test_every_call_of_the_client_is_answered_in_its_family() -> None:
    assert sorted(CLIENT_CALLS - CALLS.keys()) == []
    assert sorted(CALLS.keys() - CLIENT_CALLS) == sorted(OWN_CALLS)
    for names, family in (
        (WITH_VALUE, Family.VALUE), (WITHOUT_VALUE | NOT_AWAITED, Family.VOID), (RAW, Family.RAW)
    ):  # fmt: skip
        assert [name for name in sorted(names) if CALLS[name].family is not family] == []
