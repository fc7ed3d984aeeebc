"""Parsing of maps that nobody vouches for, in a process of their own.

`carla.Map` ends its process on some malformed OpenDRIVE. So a map from a file or a client is first read by
`python -m alpamayo_sim.roads.map_check`, which does all that a server or a client would do with it and hands the
computed data back. Its death, a time-out or an exception make the map bad input.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import carla

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.roads.map_data import MapData, MapDataError, compute_map_data, from_bytes, to_bytes
from alpamayo_sim.roads.map_defects import map_defects
from alpamayo_sim.roads.opendrive import parse_opendrive

TIME_LIMIT_S = 90.0
CPU_LIMIT_S = 360
"""Ends a child whose parent was killed and can not end it; more than four threads could use within TIME_LIMIT_S."""
MEMORY_LIMIT_BYTES = 8 * 1024**3
BAD_INPUT = 2
CLIENT_RESOLUTION_M = 2.0
REMEDY = "The file is malformed where carla.Map does not expect it: export it again, or open it in an OpenDRIVE viewer"


def check_in_child(name: str, xodr: str, *, time_limit_s: float = TIME_LIMIT_S) -> MapData:
    """Return the data computed from OpenDRIVE text in a child process. Raises InputError when the child fails."""
    with tempfile.TemporaryDirectory(prefix="alpamayo-map-") as folder:
        source, result = Path(folder, "map.xodr"), Path(folder, "map.data")
        source.write_text(xodr, encoding="utf-8", errors="replace")
        module = "alpamayo_sim.roads.map_check"
        command = [sys.executable, "-m", module, name.replace("\0", ""), str(source), str(result)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
        try:
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=time_limit_s,
                check=False,
            )
        except OSError as error:
            raise InfrastructureError(f"no process could be started to parse map {name!r}: {error}") from error
        except subprocess.TimeoutExpired:
            raise InputError(f"map {name!r} was not parsed within {time_limit_s:.0f} s. {REMEDY}") from None
        if done.returncode != 0:
            raise InputError(_failure(name, xodr, done.returncode, done.stderr.decode(errors="replace")))
        try:
            return from_bytes(result.read_bytes())
        except (OSError, MapDataError) as error:
            raise InputError(f"map {name!r} could not be parsed: {error}. {REMEDY}") from error


def _failure(name: str, xodr: str, code: int, errors: str) -> str:
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    last = lines[-1][:300] if lines else "no message"
    if code == BAD_INPUT:
        return last
    if code < 0:
        event = f"crashes carla.Map ({signal.Signals(-code).name})"
    else:
        event = f"cannot be parsed by carla.Map ({last})"
    defects = map_defects(xodr)
    if defects:
        return f"map {name!r} {event}. Look at {'; '.join(defects)}"
    return f"map {name!r} {event}. {REMEDY}"


def parse_map(name: str, xodr: str) -> carla.Map:
    """Return the parsed map. Raises InputError when carla refuses it; may end the process on malformed text."""
    try:
        return carla.Map(name, xodr)
    except RuntimeError as error:
        raise InputError(f"map {name!r} cannot be parsed by carla.Map ({error}). {REMEDY}") from error


def _exercise(carla_map: carla.Map) -> None:
    """Do what clients do with a map, so that whatever would end their process ends this one."""
    for waypoint in carla_map.generate_waypoints(CLIENT_RESOLUTION_M):
        waypoint.next(CLIENT_RESOLUTION_M)
        waypoint.previous(CLIENT_RESOLUTION_M)
        waypoint.get_left_lane()
        waypoint.get_right_lane()
        if waypoint.is_junction:
            waypoint.get_junction()
    carla_map.get_topology()
    carla_map.get_waypoint(carla.Location(0.0, 0.0, 0.0))
    carla_map.get_spawn_points()


def _limit_resources() -> None:
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT_S, CPU_LIMIT_S))
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_LIMIT_BYTES if hard == resource.RLIM_INFINITY else min(hard, MEMORY_LIMIT_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def main(name: str, source: str, result: str) -> int:
    """Parse the map in file `source` and write its data to file `result`; return the exit code."""
    _limit_resources()
    xodr = Path(source).read_text(encoding="utf-8", errors="replace")
    try:
        opendrive = parse_opendrive(name, xodr)
        carla_map = parse_map(name, xodr)
        data = compute_map_data(carla_map, opendrive)
        _exercise(carla_map)
    except InputError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    Path(result).write_bytes(to_bytes(data))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
