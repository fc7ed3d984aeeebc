"""Making the checks one after the other, each bounded in time, none stopped by another's failure."""

from __future__ import annotations

import contextlib
import socket
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import carla

from alpamayo_sim.client.connection import ServerAddress
from alpamayo_sim.conformance.check import Check, Measured, Outcome, Skip, Verdict, verdict_of
from alpamayo_sim.conformance.context import ActorGone, Context, OutOfTime
from alpamayo_sim.errors import InfrastructureError

_PROBE_TIMEOUT_S = 5.0
_LAST_CALLS_TIMEOUT_S = 15.0


@dataclass(frozen=True)
class Selection:
    """Which checks to make."""

    is_quick: bool = False
    """Only those that take a few seconds together."""
    may_load_world: bool = False
    """Also those that load a world and so end what other clients do there."""
    families: tuple[str, ...] = ()
    """Only these families; empty for all."""


class ServerLost(InfrastructureError):
    """The server stopped answering during the checks."""


def run_checks(
    context: Context,
    address: ServerAddress,
    checks: Sequence[Check],
    selection: Selection,
    on_start: Callable[[Check], None],
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Make the selected checks in order, telling of each; afterwards the world's settings and weather are as found.

    Raises ServerLost when the server stops answering; what was told by then stands.
    """
    found, weather = context.world.get_settings(), context.world.get_weather()

    def give_back(kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None:
            _restore(context, found, weather)
        elif not isinstance(error, ServerLost):  # then every further call would wait for its time-out
            with contextlib.suppress(RuntimeError):
                _restore(context, found, weather)

    with contextlib.ExitStack() as at_end:
        at_end.push(give_back)
        for check in checks:
            if selection.families and check.family not in selection.families:
                continue
            if selection.is_quick and not check.is_quick:
                continue
            on_start(check)
            if check.loads_world and not selection.may_load_world:
                reason = "it loads a world; ask for it with --allow-load-world"
                on_outcome(Outcome(check, Verdict.SKIPPED, reason, (), 0.0))
                continue
            on_outcome(make(context, address, check))


def _restore(context: Context, found: carla.WorldSettings, weather: carla.WeatherParameters) -> None:
    context.client.set_timeout(_LAST_CALLS_TIMEOUT_S)
    context.clean_up()
    context.world.set_weather(weather)
    context.world.apply_settings(found)


def make(context: Context, address: ServerAddress, check: Check) -> Outcome:
    """Return the outcome of one check; the world is in synchronous mode before it, its actors are gone after it."""
    started_s = time.monotonic()
    measured: list[Measured] = []
    verdict, reason = Verdict.INFO, ""
    context.start_clock(check.limit_s)
    try:
        context.synchronise()
        context.tick()
        context.note_others()
        for value in check.measure(context):
            measured.append(value)
            context.check_time()
        verdict = verdict_of(tuple(measured))
        reason = "; ".join(_say(value) for value in measured if value.holds is False)
    except Skip as skip:
        verdict, reason = Verdict.SKIPPED, str(skip)
    except OutOfTime:
        verdict, reason = Verdict.FAIL, f"it took longer than {check.limit_s:.0f} s"
    except ActorGone as gone:
        verdict, reason = Verdict.FAIL, f"{_place_of(gone, check)}: {gone}"
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
        verdict, reason = Verdict.FAIL, f"{_place_of(error, check)}: {type(error).__name__}: {error}"
        _expect_answer(context, address, check)
    try:
        context.start_clock(check.limit_s)
        context.synchronise()
        context.clean_up()
    except RuntimeError as error:
        _expect_answer(context, address, check)
        reason = f"{reason}; cleaning up: {error}".removeprefix("; ")
    return Outcome(check, verdict, reason, tuple(measured), time.monotonic() - started_s)


def _place_of(error: BaseException, check: Check) -> str:
    """Return file and line of the check that an exception passed through last."""
    file = check.measure.__code__.co_filename
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"{Path(file).name}:{lines[-1] if lines else check.measure.__code__.co_firstlineno}"


def _say(value: Measured) -> str:
    within = f" within {value.tolerance:g}" if value.tolerance else ""
    return f"{value.name} is {value.value} {value.unit}".rstrip() + f", expected {value.expected}{within}"


def _expect_answer(context: Context, address: ServerAddress, check: Check) -> None:
    """Raise ServerLost unless the server still answers."""
    lost = f"the server at {address} stopped answering during {check.id}"
    try:
        with socket.create_connection((address.host, address.port), timeout=_PROBE_TIMEOUT_S):
            pass
        context.client.get_server_version()
    except (OSError, RuntimeError) as error:
        raise ServerLost(f"{lost} ({error})") from error
