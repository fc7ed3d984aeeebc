"""The entry file: lets an agent of ours drive in the evaluators of the CARLA leaderboard and of Bench2Drive.

    alpamayo serve --agent expert                                   # in our environment, Python 3.10 to 3.12
    python leaderboard_evaluator.py --agent .../agents/alpamayo_leaderboard.py ...    # in theirs, Python 3.7 or later

Works with leaderboard 2.0, 2.1 and master and with Bench2Drive, unmodified. It is thin on purpose: what the sensors say goes
to the server, controls come back. It needs the standard library, numpy, and the files `alpamayo_wire.py` and
`alpamayo_traffic_rescue.py` beside it.

The server's address is `--agent-config` (HOST:PORT or ws://HOST:PORT/drive), else $ALPAMAYO_SERVE, else 127.0.0.1:8765.
"""

# The evaluator's packages are on the path of the program that loads this, not on the type checker's.
# pyright: reportMissingImports=false, reportUntypedBaseClass=false

from __future__ import annotations

import contextlib
import json
import os
import time
from typing import Any

import carla
import numpy as np
from leaderboard.autoagents.autonomous_agent import AutonomousAgent, Track

from alpamayo_traffic_rescue import TrafficRescue
from alpamayo_wire import WebSocket, WireError

PROTOCOL = 1
DEFAULT_SERVER = "127.0.0.1:8765"
START_TIMEOUT_S = 240.0
STEP_TIMEOUT_S = 120.0
"""An answer that takes longer is given up; the evaluator's own watchdog has 300 s or more."""


def get_entry_point() -> str:
    """Return the name of the agent's class, which the evaluators ask for."""
    return "AlpamayoAgent"


class AlpamayoAgent(AutonomousAgent):
    """Hands every tick to the model server and its answer to the evaluator."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._socket: WebSocket | None = None
        self._metrics: MetricInfo | None = None
        self._rescue: TrafficRescue | None = None
        self._round_trips_ms: list[float] = []
        self._dense: list[Any] = []
        self._step = -1
        self._carla_address = (str(args[0]), int(args[1])) if len(args) > 1 else None
        super().__init__(*args, **kwargs)

    def set_global_plan(self, global_plan_gps: list[Any], global_plan_world_coord: list[Any]) -> None:
        """Keep the whole route besides the thinned out one that the base class keeps."""
        super().set_global_plan(global_plan_gps, global_plan_world_coord)
        self._dense = list(global_plan_world_coord)

    def setup(self, path_to_conf_file: str) -> None:
        """Connect to the model server and tell it the route."""
        # Bench2Drive appends +SAVE_NAME for each route of a run, so the first part is ours and the last one this route's.
        parts = (path_to_conf_file or "").split("+")
        save_name = parts[-1] if len(parts) > 1 else ""
        url = server_url(parts[0])
        try:
            self._socket = WebSocket(url)
            welcome = self._ask({"type": "hello", "protocol": PROTOCOL}, START_TIMEOUT_S)
        except WireError as error:
            raise RuntimeError(
                f"no model server: {error}. Start one with `alpamayo serve --agent expert` and name it with --agent-config "
                "HOST:PORT or ALPAMAYO_SERVE"
            ) from error
        self._sensors: list[dict[str, Any]] = welcome["sensors"]
        self.track = chosen_track(welcome["tracks"])
        start: dict[str, Any] = {
            "type": "start",
            "name": save_name,
            "plan": plan_message(self._global_plan_world_coord),
            "gps_plan": np.array([[p["lat"], p["lon"], p["z"]] for p, _ in self._global_plan], dtype=np.float64),
        }
        if welcome["privileged"]:
            start["dense_plan"] = plan_message(self._dense)
            if self._carla_address is not None:
                start["carla"] = {"host": self._carla_address[0], "port": self._carla_address[1]}
        self._ask(start, START_TIMEOUT_S)
        folder = os.environ.get("SAVE_PATH")
        if folder and save_name and hasattr(self, "get_metric_info"):
            self._metrics = MetricInfo(os.path.join(folder, save_name, "metric_info.json"))
        print(f"=== [Agent] {welcome['agent']} at {url} drives{' ' + save_name if save_name else ''}", flush=True)

    def sensors(self) -> list[dict[str, Any]]:
        """Return the sensors that the served agent wants."""
        return [dict(sensor) for sensor in self._sensors]

    def run_step(self, input_data: dict[str, Any], timestamp: float) -> carla.VehicleControl:
        """Return the served agent's control for this tick."""
        self._step += 1
        if self._rescue is None:
            self._rescue = TrafficRescue(traffic_manager_port())
        self._rescue.step_begins()
        if self._metrics is not None:
            self._metrics.add(self._step, self.get_metric_info())
        readings = {name: [int(frame), data] for name, (frame, data) in input_data.items()}
        began_s = time.perf_counter()
        answer = self._ask(
            {"type": "step", "frame": current_frame(readings), "time_s": float(timestamp), "sensors": readings},
            STEP_TIMEOUT_S,
        )
        self._round_trips_ms.append((time.perf_counter() - began_s) * 1000.0)
        self._rescue.step_ends()
        return carla.VehicleControl(
            throttle=answer["throttle"],
            steer=answer["steer"],
            brake=answer["brake"],
            hand_brake=answer["hand_brake"],
            reverse=answer["reverse"],
        )

    def destroy(self) -> None:
        """End the session; safe to call twice and before `setup` has come to its end."""
        if self._rescue is not None:
            self._rescue.end()
            self._rescue = None
        connection, self._socket = self._socket, None
        if connection is not None:
            # The server may be gone already, or has ended the session itself and said why.
            with contextlib.suppress(WireError):
                connection.request({"type": "end"}, 10.0)
            connection.close()
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None
        if self._round_trips_ms:
            median, high, most = np.percentile(self._round_trips_ms, [50, 95, 100])
            print(
                f"=== [Agent] {len(self._round_trips_ms)} steps, round trip {median:.1f} ms in the middle, 95 % below "
                f"{high:.1f} ms, longest {most:.1f} ms",
                flush=True,
            )
            self._round_trips_ms = []

    def _ask(self, message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        if self._socket is None:
            raise RuntimeError("there is no session with the model server")
        answer = self._socket.request(message, timeout_s)
        if answer.get("type") == "error":
            self._socket.close()
            raise RuntimeError(f"the model server says: {answer.get('text')}")
        return answer


class MetricInfo:
    """Bench2Drive's metric_info.json, {step: info}: whole after every tick, whatever happens to the evaluator."""

    def __init__(self, path: str) -> None:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115 - closed by `close`
        self._file.write(b"{\n}")
        self._empty = True

    def add(self, step: int, info: dict[str, Any]) -> None:
        """Append one tick, over the closing brace, in one write."""
        self._file.seek(-2, os.SEEK_END)
        text = f'{"" if self._empty else ","}\n"{step}": {json.dumps(info)}\n}}'
        self._file.write(text.encode("ascii"))
        self._empty = False

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def server_url(config: str) -> str:
    """Return the model server's address from what the evaluator was given."""
    address = config.strip() or os.environ.get("ALPAMAYO_SERVE", "") or DEFAULT_SERVER
    return address if address.startswith("ws://") else f"ws://{address}/drive"


def chosen_track(offered: list[str]) -> Any:
    """Return the track that the evaluator's scripts name in CHALLENGE_TRACK_CODENAME, if it is offered, else the first one."""
    wanted = os.environ.get("CHALLENGE_TRACK_CODENAME", "")
    return Track(wanted if wanted in offered else offered[0])


def current_frame(readings: dict[str, list[Any]]) -> int | None:
    """Return the world's frame of this tick: what the sensors say, else what the evaluator's clock says."""
    if readings:
        return max(frame for frame, _ in readings.values())
    from srunner.scenariomanager.timer import GameTime

    frame = GameTime.get_frame()
    return int(frame) if frame else None


def traffic_manager_port() -> int:
    """Return the port of the evaluator's TrafficManager."""
    from srunner.scenariomanager.carla_data_provider import CarlaDataProvider

    return int(CarlaDataProvider.get_traffic_manager_port())


def plan_message(plan: list[Any]) -> dict[str, Any]:
    """Return a route, (carla.Transform, RoadOption) for each point, as arrays."""
    rows = []
    for pose, _ in plan:
        where, turn = pose.location, pose.rotation
        rows.append([where.x, where.y, where.z, turn.pitch, turn.yaw, turn.roll])
    options = np.array([int(option.value) for _, option in plan], dtype=np.int64)
    return {"poses": np.array(rows, dtype=np.float64), "options": options}
