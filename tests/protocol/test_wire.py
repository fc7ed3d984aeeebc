"""Layouts and checks that need no server."""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_sim.server import codec, state_message
from alpamayo_sim.server.calls import CALLS
from alpamayo_sim.server.outbox import Outbox
from alpamayo_sim.server.registry import Family, family_of
from alpamayo_sim.server.replies import failure, success
from alpamayo_sim.server.settings import EpisodeSettings, checked_settings
from alpamayo_sim.server.traffic_managers import TrafficManagers

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=5),
    max_leaves=20,
)
DECODERS = sorted({decoder for entry in CALLS.values() for decoder in entry.arguments}, key=repr)


def test_state_records_are_packed_as_in_libcarla() -> None:
    for layout in (
        state_message.ACTOR,
        state_message.VEHICLE,
        state_message.WALKER,
        state_message.LIGHT,
        state_message.SIGN,
    ):
        assert layout.itemsize == 119
    assert state_message.EPISODE_HEADER.size == 36 and state_message.HEADER.size == 48
    record = np.zeros(1, state_message.VEHICLE)
    record["throttle"], record["gear"], record["speed_limit"] = 0.5, -1, 30.0
    record["has_light"], record["light_id"], record["failure"] = True, 77, 2
    fields = struct.unpack_from("<fff???ifB?IB", record.tobytes(), 65)
    assert fields == (0.5, 0.0, 0.0, False, False, False, -1, 30.0, 0, True, 77, 2)
    light = np.zeros(1, state_message.LIGHT)
    light["sign_id"], light["green"], light["state"] = b"946", 9.0, 2
    assert struct.unpack_from("<32sffffI?B", light.tobytes(), 65) == (
        b"946".ljust(32, b"\0"),
        9.0,
        0.0,
        0.0,
        0.0,
        0,
        False,
        2,
    )


@given(value=anything, index=st.integers(0, 10_000))
def test_decoders_accept_or_refuse_but_never_fail(value: Any, index: int) -> None:
    try:
        DECODERS[index % len(DECODERS)](value)
    except codec.WireError as error:
        assert str(error)


@given(value=st.floats(allow_nan=True, allow_infinity=True) | st.integers())
def test_numbers_are_finite_and_bounded(value: float) -> None:
    try:
        assert abs(codec.number(value)) <= codec.MAX_MAGNITUDE
    except codec.WireError:
        assert not abs(value) <= codec.MAX_MAGNITUDE


@given(message_id=st.integers(0, 2**32 - 1), text=st.text(max_size=50))
def test_envelopes(message_id: int, text: str) -> None:
    assert msgpack.unpackb(success(message_id, Family.VALUE, text)) == [1, message_id, None, [[1, text]]]
    assert msgpack.unpackb(success(message_id, Family.VOID, None)) == [1, message_id, None, [[False]]]
    assert msgpack.unpackb(success(message_id, Family.RAW, [text])) == [1, message_id, None, [text]]
    assert msgpack.unpackb(failure(message_id, Family.VALUE, text)) == [1, message_id, None, [[0, [text]]]]
    assert msgpack.unpackb(failure(message_id, Family.VOID, text)) == [1, message_id, None, [[True, [text]]]]
    assert msgpack.unpackb(failure(message_id, Family.RAW, text)) == [1, message_id, None, [[[0, [text]]]]]


def test_families_of_unknown_calls_follow_their_verbs() -> None:
    assert family_of("set_something_new") is Family.VOID
    assert family_of("get_something_new") is Family.VALUE
    assert family_of("destroy_actor") is Family.VALUE


def test_settings_record_is_what_is_decoded() -> None:
    settings = EpisodeSettings(synchronous_mode=True, fixed_delta_seconds=0.05, max_substeps=8)
    assert checked_settings(codec.episode_settings(settings.record())) == settings


@given(sizes=st.lists(st.integers(1, 40_000), max_size=60), bound=st.integers(1, 200_000))
def test_bounded_outbox_keeps_order_and_the_newest(sizes: list[int], bound: int) -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    with ours, theirs:
        outbox = Outbox(ours, max_bytes=bound)
        messages = [struct.pack("<II", k, size) + bytes(size) for k, size in enumerate(sizes)]
        for message in messages:
            outbox.send((message[:8], message[8:]))
            assert outbox.waiting_bytes <= bound or len(outbox._waiting) == 1
        received = bytearray()
        theirs.setblocking(False)
        while True:
            outbox.flush()
            try:
                received += theirs.recv(1 << 20)
            except BlockingIOError:
                if outbox.empty:
                    break
        numbers, position = [], 0
        while position < len(received):
            number, size = struct.unpack_from("<II", received, position)
            assert size == sizes[number]
            numbers.append(number)
            position += 8 + size
        assert numbers == sorted(set(numbers))
        assert len(numbers) + outbox.dropped == len(sizes)
        assert not sizes or numbers[-1] == len(sizes) - 1


def test_traffic_managers_end_with_their_client() -> None:
    managers = TrafficManagers()
    one, two = object(), object()
    assert managers.add("127.0.0.1", 8000, one)
    assert not managers.add("127.0.0.1", 8000, two)
    assert managers.add("127.0.0.1", 8001, two)
    assert managers.find(8000) == ("127.0.0.1", 8000)
    managers.owner_lost(one)
    assert not managers.is_running(8000) and managers.is_running(8001)
    assert managers.find(8000) == ("", 0)


def test_every_priority_call_of_the_protocol_is_there() -> None:
    names = """
    version get_episode_info get_episode_settings get_sensor_token get_map_info get_map_data
    get_required_files get_available_maps query_lights_state get_weather_parameters
    set_weather_parameters get_actor_definitions get_spectator get_actors_by_id spawn_actor
    spawn_actor_with_parent destroy_actor get_actor_bounding_box set_episode_settings tick_cue
    apply_control_to_vehicle apply_ackermann_control_to_vehicle get_ackermann_controller_settings
    apply_ackermann_controller_settings apply_control_to_walker set_actor_location set_actor_transform
    set_actor_target_velocity set_actor_target_angular_velocity enable_actor_constant_velocity
    disable_actor_constant_velocity add_actor_impulse add_actor_impulse_at_location add_actor_force
    add_actor_force_at_location add_actor_angular_impulse add_actor_torque set_actor_simulate_physics
    set_actor_collisions set_actor_enable_gravity set_actor_dead apply_batch get_physics_control
    apply_physics_control get_telemetry_data get_vehicle_light_state set_vehicle_light_state
    get_vehicle_light_states get_wheel_steer_angle get_wheel_pitch_angle set_wheel_steer_direction open_vehicle_door
    close_vehicle_door is_traffic_manager_running get_traffic_manager_running
    add_traffic_manager_running destroy_traffic_manager set_actor_autopilot
    """.split()  # noqa: SIM905 - a list would fill the page
    assert [name for name in names if name not in CALLS] == []


@pytest.mark.parametrize("fields", [{"fixed_delta_seconds": 5.0}, {"max_substeps": 0}, {"max_substep_delta_time": 0.0}])
def test_impossible_settings_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError):
        checked_settings(codec.episode_settings(EpisodeSettings(**fields).record()))
