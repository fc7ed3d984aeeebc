"""The embedded server with one behaviour broken on purpose: `python faulty_server.py FAULT`, then the server's own options.

The conformance kit has to find each of these faults.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from alpamayo_sim.sensors import message as sensor_message
from alpamayo_sim.sensors.gnss import Gnss
from alpamayo_sim.server import main, sensor_suite, state_message
from alpamayo_sim.server.calls import batch_calls
from alpamayo_sim.server.registry import CallError
from alpamayo_sim.server.simulation import Simulation
from alpamayo_sim.server.state_message import StateWriter
from alpamayo_sim.world.actor_commands import ActorCommands
from alpamayo_sim.world.errors import SpawnError
from alpamayo_sim.world.light_cycle import LightCycle


def _change_states(change: Callable[[Any], None]) -> None:
    """Let `change` work on the records of every state before they are sent."""
    honest = StateWriter.message

    def message(self: StateWriter, *args: Any, **named: Any) -> tuple[bytes, bytes]:
        headers, packed = honest(self, *args, **named)
        records = np.frombuffer(packed, state_message.ACTOR).copy()
        change(records)
        return headers, records.tobytes()

    StateWriter.message = message


def flipped_yaw() -> None:
    """Yaw grows counter-clockwise."""

    def change(records: Any) -> None:
        records["rotation"][:, 1] *= -1.0

    _change_states(change)


def velocity_in_centimetres() -> None:
    """Velocities in Unreal's unit."""

    def change(records: Any) -> None:
        records["velocity"] *= 100.0

    _change_states(change)


def acceleration_of_gravity() -> None:
    """Accelerations with gravity added, as an accelerometer would have it."""

    def change(records: Any) -> None:
        records["acceleration"][:, 2] += 9.81

    _change_states(change)


def sensor_frame_late() -> None:
    """Sensors tell the frame before."""
    honest = sensor_message.header

    def header(type_id: str, frame: int, *rest: Any) -> bytes:
        return honest(type_id, frame - 1, *rest)

    sensor_suite.header = header


def sensor_tick_ignored() -> None:
    """Sensors measure at every tick."""
    sensor_suite._Mounted.is_due = lambda self, now_s: bool(self.stream.subscribers)


def gnss_to_the_north() -> None:
    """GNSS takes y to the north."""
    honest = Gnss.measure

    def measure(self: Gnss, tick: Any) -> Sequence[bytes]:
        pose = tick.pose._replace(y=-tick.pose.y)
        return honest(self, type(tick)(tick.world, tick.events, tick.actor_id, tick.parent_id, pose, tick.gravity_mps2))

    Gnss.measure = measure


def slow_lights() -> None:
    """Stages last half as long again as the times that lights tell."""
    honest = LightCycle._stage_time_s
    LightCycle._stage_time_s = lambda self, light, color: 1.5 * honest(self, light, color)


def lights_never_freeze() -> None:
    """Frozen lights go on."""
    honest = LightCycle.advance

    def advance(self: LightCycle, dt_s: float) -> None:
        frozen, self.frozen = self.frozen, False
        honest(self, dt_s)
        self.frozen = frozen

    LightCycle.advance = advance


def other_refusal() -> None:
    """Spawns are refused in other words."""
    honest = Simulation.spawn

    def spawn(self: Simulation, *args: Any, **named: Any) -> Any:
        try:
            return honest(self, *args, **named)
        except (SpawnError, CallError) as error:
            raise CallError("no room for a spawn here") from error

    Simulation.spawn = spawn


def immortal_actors() -> None:
    """Destroying is answered and not done."""
    Simulation.destroy = lambda self, actor_id: True


def reversed_answers() -> None:
    """The answers to a batch come in the opposite order."""
    honest = batch_calls._commands
    calls = sys.modules["alpamayo_sim.server.calls"].CALLS
    entry = calls["apply_batch"]
    assert honest is entry.arguments[0]

    def apply_batch(session: Any, commands: Sequence[Any], do_tick: bool) -> Any:
        answers = [batch_calls._carry_out(session, command) for command in commands][::-1]
        return session.server.cue(session, lambda frame: answers) if do_tick else answers

    calls["apply_batch"] = type(entry)(**{**_fields(entry), "function": apply_batch})


def _fields(entry: Any) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in entry.__dataclass_fields__}


def weak_impulses() -> None:
    """Impulses act with a hundredth of their strength."""
    honest = ActorCommands.add_impulse

    def add_impulse(self: ActorCommands, actor_id: int, impulse_ns: Any) -> None:
        honest(self, actor_id, np.asarray(impulse_ns, float) / 100.0)

    ActorCommands.add_impulse = add_impulse


FAULTS: dict[str, tuple[Callable[[], None], str]] = {
    "flipped_yaw": (flipped_yaw, "transforms.spawn_pose"),
    "velocity_in_centimetres": (velocity_in_centimetres, "transforms.velocity_frame"),
    "acceleration_of_gravity": (acceleration_of_gravity, "snapshots.acceleration"),
    "sensor_frame_late": (sensor_frame_late, "sensors.frames.other.gnss"),
    "sensor_tick_ignored": (sensor_tick_ignored, "sensors.sensor_tick"),
    "gnss_to_the_north": (gnss_to_the_north, "measurements.gnss"),
    "slow_lights": (slow_lights, "lights.cycle"),
    "lights_never_freeze": (lights_never_freeze, "lights.freeze"),
    "other_refusal": (other_refusal, "spawning.collision_refused"),
    "immortal_actors": (immortal_actors, "spawning.destroy"),
    "reversed_answers": (reversed_answers, "batch.answers"),
    "weak_impulses": (weak_impulses, "physics.impulse"),
}
"""What breaks the server, and the check that has to find it."""

if __name__ == "__main__":
    FAULTS[sys.argv[1]][0]()
    sys.exit(main.main(sys.argv[2:]))
