"""The file format: what is written is read again, and CARLA's own file has the layout that is documented."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_drive import NAME, record_drive

from alpamayo_sim.server.recorder.packets import (
    MAX_STRING_BYTES,
    RECORDS,
    PacketId,
    records_packet,
    string,
    wheels_dtype,
)
from alpamayo_sim.server.recorder.reader import (
    Cursor,
    DamagedRecording,
    NotARecording,
    RecordingReader,
    added_actors,
    frame,
    last_frame,
    physics_records,
    records,
    walker_bones,
    wheel_records,
)
from alpamayo_sim.server.simulation import Simulation

SIZES = {
    PacketId.EVENT_DEL: 4, PacketId.EVENT_PARENT: 8, PacketId.COLLISION: 14, PacketId.POSITION: 28, PacketId.STATE: 10,
    PacketId.ANIM_VEHICLE: 21, PacketId.ANIM_WALKER: 8, PacketId.VEHICLE_LIGHT: 8, PacketId.SCENE_LIGHT: 26,
    PacketId.KINEMATICS: 28, PacketId.BOUNDING_BOX: 28, PacketId.TRAFFIC_LIGHT_TIME: 16, PacketId.TRIGGER_VOLUME: 28,
    PacketId.VEHICLE_DOOR: 6, PacketId.ANIM_BIKER: 12,
}  # fmt: skip
ORDER = (
    PacketId.FRAME_START, PacketId.VISUAL_TIME, PacketId.EVENT_ADD, PacketId.EVENT_DEL, PacketId.EVENT_PARENT,
    PacketId.COLLISION, PacketId.VEHICLE_DOOR, PacketId.POSITION, PacketId.STATE, PacketId.ANIM_VEHICLE,
    PacketId.ANIM_WALKER, PacketId.VEHICLE_LIGHT, PacketId.SCENE_LIGHT, PacketId.ANIM_VEHICLE_WHEELS,
    PacketId.ANIM_BIKER, PacketId.KINEMATICS, PacketId.BOUNDING_BOX, PacketId.TRIGGER_VOLUME, PacketId.PLATFORM_TIME,
    PacketId.PHYSICS_CONTROL, PacketId.TRAFFIC_LIGHT_TIME, PacketId.WALKER_BONES, PacketId.FRAME_END,
)  # fmt: skip
"""CARLA's `ACarlaRecorder::Write`."""


def packets(path: Path) -> list[tuple[int, bytes]]:
    with RecordingReader(path) as reader:
        found: list[tuple[int, bytes]] = []
        while (head := reader.next_header()) is not None:
            found.append((head[0], reader.data(head[1])))
        return found


def test_records_are_packed_as_carlas_structs() -> None:
    assert {packet_id: dtype.itemsize for packet_id, dtype in RECORDS.items()} == SIZES
    assert wheels_dtype(4).itemsize == 8 + 4 * 9


@given(st.text(max_size=200))
def test_strings_survive(text: str) -> None:
    expected = text.encode("utf-8", errors="replace").decode()
    assert Cursor(string(text)).string() == expected


def test_long_strings_are_cut() -> None:
    assert len(Cursor(string("a" * 70_000)).string()) == MAX_STRING_BYTES


@given(st.lists(st.tuples(*[st.integers(0, 2**32 - 1)] * 2), max_size=50))
def test_records_survive(pairs: list[tuple[int, int]]) -> None:
    data = records_packet(PacketId.EVENT_PARENT, np.array(pairs, RECORDS[PacketId.EVENT_PARENT]))
    assert struct.unpack_from("<BI", data) == (PacketId.EVENT_PARENT, len(data) - 5)
    assert records(PacketId.EVENT_PARENT, data[5:]).tolist() == pairs


def test_our_frames_have_carlas_packets_in_carlas_order(simulation: Simulation, tmp_path: Path) -> None:
    record_drive(simulation)
    ranks = [ORDER.index(PacketId(packet_id)) for packet_id, _ in packets(tmp_path / NAME)]
    starts = [k for k, rank in enumerate(ranks) if rank == 0]
    assert len(starts) == 20
    for start, end in zip(starts, [*starts[1:], len(ranks)], strict=True):
        assert ranks[start:end] == sorted(set(ranks[start:end]))
        assert ranks[end - 1] == len(ORDER) - 1
    assert set(ranks) >= set(range(len(ORDER))) - {
        ORDER.index(PacketId.SCENE_LIGHT),
        ORDER.index(PacketId.TRIGGER_VOLUME),
    }


def test_frames_say_how_long_they_last(simulation: Simulation, tmp_path: Path) -> None:
    record_drive(simulation, ticks=5)
    frames = [frame(data) for packet_id, data in packets(tmp_path / NAME) if packet_id == PacketId.FRAME_START]
    assert [f.number for f in frames] == [1, 2, 3, 4, 5]
    assert [f.duration_s for f in frames] == pytest.approx([0.05] * 4 + [-1.0])
    assert [f.elapsed_s for f in frames] == pytest.approx([0.0, 0.05, 0.1, 0.15, 0.2])


def test_what_a_vehicle_is_survives(simulation: Simulation, tmp_path: Path) -> None:
    car, bike, walker = record_drive(simulation)
    found = packets(tmp_path / NAME)
    added = {a.id: a for packet_id, data in found if packet_id == PacketId.EVENT_ADD for a in added_actors(data)}
    assert [added[i].type for i in (car, bike, walker)] == [1, 1, 2]
    assert ("role_name", "hero") in {(name, value) for _, name, value in added[car].attributes}
    sensor = next(a for a in added.values() if a.type_id == "sensor.other.collision")
    assert sensor.location == (0.0, 0.0, 100.0), "the place of what is attached is relative to its parent"
    parents = [records(i, data).tolist() for i, data in found if i == PacketId.EVENT_PARENT]
    assert [pair for pairs in parents for pair in pairs] == [(sensor.id, car)]
    removed = [records(i, data).tolist() for i, data in found if i == PacketId.EVENT_DEL]
    assert [actor_id for rows in removed for (actor_id,) in rows] == [bike]
    world = simulation.world
    control = world.physics_control(car)
    physics = {r.id: r for i, data in found if i == PacketId.PHYSICS_CONTROL for r in physics_records(data)}
    assert physics[car].head[0] == control.max_rpm and physics[car].head[8] == control.mass
    assert physics[car].torque_curve == pytest.approx(np.array(control.torque_curve))
    assert physics[car].wheels.shape == (4, 12)
    assert physics[car].wheels[0, 3] == pytest.approx(control.wheels[0].radius)
    wheels = [dict(wheel_records(data)) for i, data in found if i == PacketId.ANIM_VEHICLE_WHEELS]
    assert len(wheels[0][car]) == len(world.physics_control(car).wheels)
    riders = [records(i, data)["id"].tolist() for i, data in found if i == PacketId.ANIM_BIKER]
    assert riders == [[bike]] * 10 + [[]] * 10
    assert wheels[-1][car]["steer"][0] > 0.0 and wheels[-1][car]["steer"][2] == 0.0
    doors = [records(i, data).tolist() for i, data in found if i == PacketId.VEHICLE_DOOR]
    assert doors == [[(car, 6, True)]]


def test_all_walkers_have_their_bones(simulation: Simulation, tmp_path: Path) -> None:
    *_, walker = record_drive(simulation)
    for packet_id, data in packets(tmp_path / NAME):
        if packet_id == PacketId.WALKER_BONES:
            ((recorded, bones),) = walker_bones(data)
            assert recorded == walker and len(bones) > 20
            assert {"crl_hips__C", "crl_root"} <= {name for name, _ in bones}


def test_without_additional_data_there_is_only_what_replays_need(simulation: Simulation, tmp_path: Path) -> None:
    record_drive(simulation, additional=False)
    kinds = {packet_id for packet_id, _ in packets(tmp_path / NAME)}
    assert not kinds & {PacketId.KINEMATICS, PacketId.BOUNDING_BOX, PacketId.PHYSICS_CONTROL, PacketId.WALKER_BONES}


def test_other_files_are_no_recordings(tmp_path: Path) -> None:
    for data in (b"", b"\x01\x00\x0e\x00CARLA_RECORDEX" + bytes(30), b"{}"):
        (tmp_path / "other").write_bytes(data)
        with pytest.raises(NotARecording):
            RecordingReader(tmp_path / "other")
    with pytest.raises(FileNotFoundError):
        RecordingReader(Path("/dev/zero"))


def test_records_beyond_the_packet_are_damage() -> None:
    with pytest.raises(DamagedRecording):
        records(PacketId.POSITION, struct.pack("<H", 2) + bytes(28))
    with pytest.raises(DamagedRecording):
        list(wheel_records(struct.pack("<HII", 1, 5, 0xFFFFFFFF)))
    with pytest.raises(DamagedRecording):
        frame(struct.pack("<Qdd", 1, float("nan"), 0.0))


def test_the_last_whole_frame_counts(simulation: Simulation, tmp_path: Path) -> None:
    record_drive(simulation, ticks=6)
    path = tmp_path / NAME
    path.write_bytes(path.read_bytes()[:-3])
    with RecordingReader(path) as reader:
        last = last_frame(reader)
        assert last is not None and last.number == 5
