"""`alpamayo doctor`: what works on this machine, and what to install for the rest."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Finding:
    """The outcome of one check."""

    check: str
    status: str
    """ok, missing (an optional part is not there) or broken (nothing works without it)."""
    detail: str
    remedy: str = ""


@dataclass(frozen=True)
class Arguments:
    """Check this machine: Python, the CARLA client, the renderer, video, the embedded server, optional parts."""

    json: bool = False
    """Print the findings as one JSON line instead of a table."""

    def run(self) -> int:
        """Print the findings; return 1 if something that everything needs is broken, else 0."""
        findings = [check() for check in _CHECKS]
        if self.json:
            print(json.dumps({finding.check: asdict(finding) for finding in findings}))
        else:
            _print_table(findings)
        return 1 if any(f.status == "broken" for f in findings) else 0


def _print_table(findings: list[Finding]) -> None:
    colour = {"ok": "green", "missing": "yellow", "broken": "red"}
    table = Table("check", "status", "what was found", "what to do", title="alpamayo doctor")
    for finding in findings:
        status = f"[{colour[finding.status]}]{finding.status}[/]"
        table.add_row(finding.check, status, finding.detail, finding.remedy)
    Console(width=None if sys.stdout.isatty() else 120).print(table)


def _python() -> Finding:
    version = platform.python_version()
    if (3, 10) <= sys.version_info[:2] <= (3, 12):
        return Finding("python", "ok", f"{version} on {platform.system()} {platform.machine()}")
    return Finding("python", "broken", version, "use Python 3.10, 3.11 or 3.12: carla 0.9.16 has wheels for those")


def _carla() -> Finding:
    try:
        import carla
    except ImportError as error:
        return Finding("carla client", "broken", str(error), "pip install carla==0.9.16")
    map_class = carla.Map.__name__
    return Finding("carla client", "ok", f"{metadata.version('carla')} ({map_class} parses offline)")


_CONTEXT_PROBE = """
import sys
from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.render.context import create_context
try:
    info = create_context().info
except InfrastructureError as error:
    sys.exit(str(error))
print(info["GL_RENDERER"], "OpenGL", info["GL_VERSION"].split()[0])
"""


def _renderer() -> Finding:
    """Make an OpenGL context in a child process, since a broken driver may take its process down."""
    result = subprocess.run(
        [sys.executable, "-c", _CONTEXT_PROBE], capture_output=True, text=True, timeout=120, check=False
    )
    name = "cameras (OpenGL through EGL)"
    if result.returncode == 0:
        return Finding(name, "ok", result.stdout.strip())
    reason = (result.stderr.strip().splitlines() or [f"the probe ended with code {result.returncode}"])[-1]
    remedy = "apt-get install libegl1 libgl1-mesa-dri; without it drives are recorded from a bird's eye only"
    return Finding(name, "missing", reason[:300], remedy)


def _video() -> Finding:
    import av
    from av.codec import Codec

    codec = Codec("h264", "w")
    return Finding("video", "ok", f"PyAV {av.__version__}, encoder {codec.name}")


def _embedded_server() -> Finding:
    from alpamayo_sim.client.connection import connect
    from alpamayo_sim.client.embedded import EmbeddedServer
    from alpamayo_sim.client.synchronous import SynchronousWorld
    from alpamayo_sim.errors import InfrastructureError, InputError
    from alpamayo_sim.roads.road_map import available_towns

    towns = available_towns()
    try:
        with EmbeddedServer(towns[0]) as server:
            client = connect(server.address)
            with SynchronousWorld(client) as world:
                frame = world.tick().frame
    except (InfrastructureError, InputError) as error:
        return Finding("embedded server", "broken", str(error)[:300], "report this, with the output of `alpamayo sim`")
    return Finding("embedded server", "ok", f"ticked to frame {frame}; towns: {', '.join(towns)}")


def _gpu() -> Finding:
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("GPU", "missing", "no nvidia-smi", "not needed to simulate; training at size wants one")
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    result = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    if result.returncode == 0 and result.stdout.strip():
        return Finding("GPU", "ok", result.stdout.strip().replace("\n", "; "))
    return Finding("GPU", "missing", "nvidia-smi finds none", "not needed to simulate; training at size wants one")


def _optional(package: str, purpose: str) -> Callable[[], Finding]:
    def check() -> Finding:
        if importlib.util.find_spec(package) is None:
            return Finding(package, "missing", f"for {purpose}", f"pip install {package}")
        return Finding(package, "ok", f"{metadata.version(package)}, for {purpose}")

    return check


_CHECKS: tuple[Callable[[], Finding], ...] = (
    _python,
    _carla,
    _renderer,
    _video,
    _embedded_server,
    _gpu,
    _optional("scenariogeneration", "generating our own towns again"),
)
