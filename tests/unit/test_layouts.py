"""The layouts of the wire: the data, what is made of it, and its check against the client library."""

from __future__ import annotations

import copy
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import carla
import numpy as np
import pytest

from alpamayo_sim.layouts.check import differences, main
from alpamayo_sim.layouts.layout import FOLDER, LAYOUT, Member, PackedStruct
from alpamayo_sim.sensors import message
from alpamayo_sim.server import codec, state_message, streams
from alpamayo_sim.server.calls import batch_calls

DATA = json.loads((FOLDER / "carla-0.9.16.json").read_text())


def test_the_server_packs_as_the_data_say() -> None:
    record = LAYOUT.packed["actor"]
    assert state_message.ACTOR.itemsize == record.size == 119
    for dtype in (state_message.ACTOR, state_message.VEHICLE, state_message.WALKER, state_message.LIGHT):
        assert dtype.fields is not None
        for _, offset in ((kind, offset) for kind, offset, *_ in dtype.fields.values()):
            assert offset in {member.offset for member in record.members}
    assert state_message.VEHICLE.fields is not None
    assert state_message.VEHICLE.fields["gear"][1] == record.offset("state.vehicle_data.control.gear") == 80
    assert message.HEADER.size == 48 and state_message.EPISODE_HEADER.size == 36
    token = LAYOUT.packed["token"]
    assert streams.TOKEN.size == token.size
    assert [token.offset(name) for name in ("stream_id", "port", "protocol", "address_type")] == [0, 4, 6, 7]


def test_numbers_of_sensors_and_commands() -> None:
    assert message.SENSOR_TYPES["sensor.camera.rgb"] == 13 and message.WORLD_OBSERVER == 17
    named = {
        8: "ApplyTargetVelocity", 10: "ApplyImpulse", 13: "ApplyTorque", 14: "SetSimulatePhysics", 16: "SetAutopilot",
        18: "SetVehicleLightState", batch_calls.SPAWN: "SpawnActor", batch_calls.CONTROL: "ApplyVehicleControl",
        batch_calls.WALKER_STATE: "ApplyWalkerState",
    }  # fmt: skip
    assert {number: LAYOUT.commands[number] for number in named} == named
    assert set(batch_calls.COMMANDS) <= set(range(len(LAYOUT.commands)))


@pytest.mark.parametrize(
    ("enum", "members"),
    [
        ("TrafficLightState", carla.TrafficLightState),
        ("AttachmentType", carla.AttachmentType),
        ("CityObjectLabel", carla.CityObjectLabel),
        ("VehicleLightState", carla.VehicleLightState),
        ("VehicleDoor", carla.VehicleDoor),
    ],
)
def test_enumerations_are_those_of_the_python_module(enum: str, members: Any) -> None:
    names = {str(name): int(value) for name, value in members.names.items()}
    known = LAYOUT.enums[enum]
    shared = set(names) & set(known)
    assert len(shared) >= 3
    assert {name: names[name] for name in shared} == {name: known[name] for name in shared}


def test_a_decoder_of_another_number_of_fields_is_refused() -> None:
    with pytest.raises(ValueError, match="7 fields"):
        codec.struct_of("VehicleControl", codec.number, codec.number)


def test_records_show_groups_as_arrays() -> None:
    record = PackedStruct(
        14, (Member("a.x", "f4", 0), Member("a.y", "f4", 4), Member("flag", "b1", 8), Member("text", "S5", 9))
    )
    rows = np.zeros(1, record.dtype({"place": "a", "flag": "flag", "text": "text"}))
    rows["place"], rows["flag"], rows["text"] = (1.0, 2.0), True, b"abc"
    assert (
        rows.tobytes() == struct.pack("<ff?5s", 1.0, 2.0, True, b"abc") == record.packer().pack(1.0, 2.0, True, b"abc")
    )
    with pytest.raises(KeyError):
        record.dtype({"place": "b"})
    with pytest.raises(ValueError, match="does not follow"):
        LAYOUT.packed["actor"].packer()


def test_differences_name_what_moved() -> None:
    other = copy.deepcopy(DATA)
    assert differences(DATA, other) == []
    other["packed"]["actor"]["size"] = 120
    other["packed"]["actor"]["fields"][1]["offset"] = 5
    other["enums"]["ActorState"]["Active"] = 2
    other["msgpack"]["BoundingBox"].pop()
    other["msgpack"]["VehicleTelemetryData"] = None
    other["sensors"].pop(2)
    other["commands"][0], other["commands"][1] = other["commands"][1], other["commands"][0]
    text = "\n".join(differences(DATA, other))
    for words in (
        "packed actor: actor_state is u1 at 4 in the data, u1 at 5 in the library",
        "packed actor: 119 bytes in the data, 120 in the library",
        "enums ActorState: Active is 1 in the data, 2 in the library",
        "msgpack BoundingBox: actor_id is u32 (field 3) in the data, missing in the library",
        "msgpack VehicleTelemetryData: missing in the library",
        "sensors FWorldObserver: number 17 in the data, 16 in the library",
        "commands SpawnActor: number 0 in the data, 1 in the library",
    ):
        assert words in text


def test_a_library_that_is_not_there_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["/nowhere/libcarla.so"]) == 2
    assert "/nowhere/libcarla.so" in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.timeout(1500)
@pytest.mark.skipif(
    shutil.which("gdb") is None, reason="gdb reads the library's debug information; it is not installed"
)
def test_the_installed_library_has_these_layouts() -> None:
    command = [sys.executable, "-m", "alpamayo_sim.layouts.check"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the layouts are those of carla-0.9.16" in result.stdout
