"""What coordinator, worker and episode tell each other: one JSON object a line."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from alpamayo_scenarios.benchmark.plan import Settings, Task


@dataclass(frozen=True)
class ServerChoice:
    """Where a worker's episodes are driven."""

    kind: Literal["embedded", "given", "carla"] = "embedded"
    address: str = ""
    """HOST:PORT of a given server."""
    program: str = ""
    """Path of the CarlaUE4.sh of a CARLA to start and supervise."""
    program_args: tuple[str, ...] = ()
    """Further arguments to it, such as -graphicsadapter=1."""
    ready_timeout_s: float = 240.0
    """Time that it has until its first tick."""
    restart_after_routes: int = 0
    """Routes after which a supervised CARLA is started afresh; 0 never."""
    memory_limit_mib: int = 0
    """Resident memory above which it is; 0 for no limit."""


@dataclass(frozen=True)
class WorkerSetup:
    """The first line to a worker."""

    run_folder: str
    settings: Settings
    server: ServerChoice
    maps: tuple[str, ...]
    cache: str
    agent_timeout_s: float
    silent_after_s: float


@dataclass(frozen=True)
class Order:
    """A route for a worker to drive; what it writes goes below `staging`, which is its alone."""

    task: Task
    staging: str


@dataclass(frozen=True)
class Progress:
    """How far the episode is."""

    percent: float
    time_s: float
    event: Literal["progress"] = "progress"


@dataclass(frozen=True)
class Finished:
    """The episode has a verdict, which lies complete in its staging folder."""

    status: str
    event: Literal["finished"] = "finished"


TRAFFIC_STALLED = "traffic_stalled"
"""Kind of the failure that CARLA's TrafficManager missed a signal, as on a busy machine: nothing is wrong with the server."""


@dataclass(frozen=True)
class Failed:
    """Infrastructure ended the episode; it does not count."""

    kind: str
    reason: str
    event: Literal["failed"] = "failed"


@dataclass(frozen=True)
class Refused:
    """The episode cannot be driven for something that the user has to mend."""

    message: str
    event: Literal["refused"] = "refused"


@dataclass(frozen=True)
class Ready:
    """The worker waits for an order."""

    event: Literal["ready"] = "ready"


Report = Progress | Finished | Failed | Refused | Ready
_REPORT: TypeAdapter[Report] = TypeAdapter(Annotated[Report, Field(discriminator="event")])
_SETUP = TypeAdapter(WorkerSetup)
_ORDER = TypeAdapter(Order)


def encode(message: Report | WorkerSetup | Order) -> bytes:
    """Return a message as one line."""
    return json.dumps(asdict(message), separators=(",", ":")).encode("ascii") + b"\n"


def decode_report(line: bytes) -> Report:
    """Return the report in a line; ValueError for anything else."""
    return _REPORT.validate_json(line)


def decode_setup(line: bytes) -> WorkerSetup:
    """Return the set-up in a line; ValueError for anything else."""
    return _SETUP.validate_json(line)


def decode_order(line: bytes) -> Order:
    """Return the order in a line; ValueError for anything else."""
    return _ORDER.validate_json(line)


def write_all(descriptor: int, data: bytes) -> None:
    """Write everything to a pipe."""
    view: Any = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@dataclass
class LineReader:
    """Cuts what comes out of a pipe into lines."""

    descriptor: int
    is_at_end: bool = False
    _rest: bytes = field(default=b"", repr=False)

    def read(self) -> list[bytes]:
        """Return the whole lines that one read brings, waiting if there is nothing; notes the end of the pipe."""
        data = os.read(self.descriptor, 1 << 16)
        if not data:
            self.is_at_end = True
            return []
        *lines, self._rest = (self._rest + data).split(b"\n")
        return lines
