"""CARLA's own smoke tests (PythonAPI/test/smoke), unmodified copies of them, one module at a time.

They load Town03 and Town05_Opt, whose maps are not public. Here Town03 stands for the road network of Town01, and
Town05_Opt for a straight level road where the tests of vehicle physics drive in the real one. Tests that can not
pass are listed below with their reason, everything else must.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from programs import Program, free_port

from alpamayo_sim.client.embedded import EmbeddedServer

HERE = Path(__file__).parent
_LANE = (
    '<lane id="{}" type="driving" level="false"><link/><width sOffset="0" a="4" b="0" c="0" d="0"/>'
    '<roadMark sOffset="0" type="broken" weight="standard" color="standard" width="0.15" laneChange="both"/></lane>'
)
STRAIGHT_ROAD = f"""<?xml version="1.0"?>
<OpenDRIVE><header revMajor="1" revMinor="4" name="straight" north="0" south="0" east="0" west="0"/>
<road name="straight" length="1500" id="1" junction="-1"><link/>
<planView><geometry s="0" x="32" y="400" hdg="-1.5707963267948966" length="1500"><line/></geometry></planView>
<elevationProfile><elevation s="0" a="0" b="0" c="0" d="0"/></elevationProfile><lateralProfile/>
<lanes><laneSection s="0"><left>{"".join(_LANE.format(n) for n in (4, 3, 2, 1))}</left>
<center><lane id="0" type="none" level="false"><link/></lane></center>
<right>{"".join(_LANE.format(-n) for n in (1, 2, 3, 4))}</right></laneSection></lanes></road></OpenDRIVE>
"""
"""Eight lanes of 4 m along CARLA's y axis, 16 m to either side of x = 32 m, from y = -400 m on."""
MAX_S = 900.0
_TEST = re.compile(r"^(test_\w+) \(smoke\.\w+\.(\w+)")
_RESULT = re.compile(r"(?:^|\.\.\. )(ok|FAIL|ERROR|skipped)\b")

pytestmark = [pytest.mark.full, pytest.mark.timeout(1200)]

MODULES: dict[str, dict[str, str]] = {
    "test_client": {},
    "test_sync": {},
    "test_world": {},
    "test_blueprint": {},
    "test_snapshot": {},
    "test_props_loading": {},
    "test_collision_sensor": {},
    "test_sensor_tick_time": {},
    "test_streamming": {},
    "test_map": {},
    "test_spawnpoints": {},
    "test_vehicle_physics": {},
    "test_collision_determinism": {},
    "test_determinism": {},
    "test_lidar": {},
    "test_sensor_determinism": {},
}
"""By module, the tests that can not pass, with the reason."""


@dataclass(frozen=True, slots=True)
class Folders:
    tests: Path
    maps: Path


def read_results(output: str) -> dict[str, str]:
    """`ok`, `FAIL`, `ERROR` or `skipped` of every test of a verbose unittest run, by `Class.test`."""
    results: dict[str, str] = {}
    name = ""
    for line in output.splitlines():
        if line.startswith("====="):
            break
        if test := _TEST.match(line):
            name = f"{test[2]}.{test[1]}"
        if name and (result := _RESULT.search(line)):
            results[name] = result[1]
            name = ""
    return results


@pytest.fixture
def folders(carla_source: Path, shared_data: Path, tmp_path: Path) -> Folders:
    """A copy of the tests, since they write into their folder, and the maps with the stand-ins."""
    tests, maps = tmp_path / "test", tmp_path / "maps"
    shutil.copytree(carla_source / "PythonAPI" / "test", tests)
    maps.mkdir()
    for name in ("Town01", "Town04"):
        shutil.copy(shared_data / "maps" / f"{name}.xodr", maps)
    shutil.copy(shared_data / "maps" / "Town01.xodr", maps / "Town03.xodr")
    (maps / "Town05_Opt.xodr").write_text(STRAIGHT_ROAD)
    return Folders(tests, maps)


@pytest.mark.parametrize("module", list(MODULES))
def test_smoke_module(
    module: str,
    folders: Folders,
    start_server: Callable[..., EmbeddedServer],
    start_program: Callable[..., Program],
    needs_modules: Callable[..., None],
) -> None:
    needs_modules("carla", "numpy")
    server = start_server("Town03", maps=[folders.maps])
    program = start_program(
        ["-m", "unittest", "-v", f"smoke.{module}"],
        python_path=[HERE / "other_ports", folders.tests],
        environment={"OTHER_PORTS": f"3654:{server.address.port},2000:{server.address.port},8000:{free_port()}"},
        cwd=folders.tests,
    )
    outcome = program.wait(MAX_S)
    assert server.running, server.log()
    results = read_results(outcome.output)
    assert results, outcome.output
    ran = re.search(r"^Ran (\d+) tests? in", outcome.output, re.MULTILINE)
    assert ran, f"it did not end: {outcome.output}"
    assert int(ran[1]) == len(results), outcome.output
    bad = {name for name, result in results.items() if result not in {"ok", "skipped"}}
    assert bad <= set(MODULES[module]), outcome.output
