"""A process that drives branches, one at a time, each in a fork of itself; `python -m` starts it for the pool.

It has loaded everything and done nothing, so every branch begins from the same state of the client library, and what kills one
(the library aborts its process when a server goes away) kills nothing else.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import sys
import time
import traceback
from pathlib import Path

from alpamayo_scenarios.background.traffic_manager import TrafficStalledError
from alpamayo_scenarios.benchmark.messages import LineReader, write_all
from alpamayo_scenarios.counterfactual.branch import Branch, BranchStore, ReplaySpec, decode_branch
from alpamayo_scenarios.counterfactual.driving import drive_branch
from alpamayo_sim.client.parent import end_with_parent
from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.roads.lane_graph import LaneGraph
from alpamayo_sim.roads.road_map import RoadMap, load_road_map

DONE, REFUSED, STALLED, FAILED = "done", "refused", "stalled", "failed"
LIMIT_S = 900.0
"""Wall time that a branch has; generous, since machines are busy."""


class _Maps:
    """The towns that were met: read once, so that the forks find them."""

    def __init__(self) -> None:
        self._maps: dict[tuple[str, tuple[str, ...]], RoadMap] = {}

    def of(self, replay: ReplaySpec) -> RoadMap:
        key = (replay.town, replay.maps)
        if key not in self._maps:
            cache = Path(replay.cache) if replay.cache else None
            road_map = load_road_map(replay.town, maps_dirs=[Path(one) for one in replay.maps], cache_dir=cache)
            LaneGraph.of(road_map.carla_map)
            self._maps[key] = road_map
        return self._maps[key]


def serve(orders: LineReader, reports: int, folder: Path) -> None:
    """Drive what is ordered until the orders end."""
    store, maps = BranchStore(folder), _Maps()
    pending: list[bytes] = []
    while True:
        while not pending:
            pending = orders.read()
            if orders.is_at_end:
                return
        branch = decode_branch(pending.pop(0))
        try:
            road_map = maps.of(branch.replay)
        except InputError as error:
            write_all(reports, _report(REFUSED, str(error)))
            continue
        before_s = _cpu_s()
        told = _drive_forked(branch, store, road_map)
        write_all(reports, _report(told["event"], told["reason"], _cpu_s() - before_s))


def _cpu_s() -> float:
    """Processor time of all forks that have ended, and of their servers."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _drive_forked(branch: Branch, store: BranchStore, road_map: RoadMap) -> dict[str, str]:
    out, into = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(out)
        _run(branch, store, road_map, parent, into)
    os.close(into)
    told = b""
    deadline = time.monotonic() + LIMIT_S
    try:
        while time.monotonic() < deadline:
            readable, _, _ = select.select([out], [], [], 0.5)
            if readable:
                data = os.read(out, 1 << 16)
                if not data:
                    break
                told += data
        else:
            return {"event": FAILED, "reason": f"the branch was not driven within {LIMIT_S:.0f} s"}
    finally:
        os.close(out)
        if not told.endswith(b"\n"):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if told.endswith(b"\n"):
        return json.loads(told)
    return {"event": FAILED, "reason": f"the client's process ended with {os.waitstatus_to_exitcode(status)}"}


def _run(branch: Branch, store: BranchStore, road_map: RoadMap, parent: int, report: int) -> None:
    """Drive and end the process: nothing of the client library is worth unwinding."""
    end_with_parent(parent, signal.SIGKILL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 2)
    try:
        store.write(branch, drive_branch(branch, road_map))
        told = _report(DONE, "")
    except InputError as error:
        told = _report(REFUSED, str(error))
    except TrafficStalledError as error:
        told = _report(STALLED, str(error))
    except InfrastructureError as error:
        told = _report(FAILED, str(error))
    except BaseException:  # noqa: BLE001 - the end of the process: whatever it was is told
        told = _report(FAILED, traceback.format_exc())
    write_all(report, told)
    os._exit(0)


def _report(event: str, reason: str, cpu_s: float = 0.0) -> bytes:
    return json.dumps({"event": event, "reason": reason, "cpu_s": round(cpu_s, 3)}).encode("ascii") + b"\n"


def main() -> int:
    """Take orders on standard input and report on standard output; the folder of the results is the argument."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reports = os.dup(1)
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        serve(LineReader(0), reports, Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
