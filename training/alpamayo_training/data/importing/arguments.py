"""`alpamayo dataset import`: what it takes."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import carla
from tyro.conf import Positional, UseAppendAction

from alpamayo_sim.client.connection import ServerAddress, connect
from alpamayo_sim.client.embedded import EmbeddedServer
from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import CameraRig
from alpamayo_sim.policy.rig_formats import read_rig
from alpamayo_training.data.importing.carla_log import drives_of_log
from alpamayo_training.data.importing.drives import ImportedDrive, write_imported
from alpamayo_training.data.importing.lerobot import drives_of_lerobot
from alpamayo_training.data.importing.video_poses import drives_of_folder
from alpamayo_training.data.importing.watching import watch
from alpamayo_training.data.rigs import named_rig
from alpamayo_training.data.splits import SplitRule

_RIG_FILE = "rig.yaml"


@dataclass(frozen=True)
class ImportDrives:
    """Make a dataset of drives that others have recorded; it has no privileged state.

    video: a folder with <camera>.mp4 and poses.csv or .parquet, or with a folder of that kind for every drive. lerobot: a LeRobot
    dataset. carla-log: a recording of CARLA, replayed with cameras on its hero. watch: the hero on a server, while somebody
    else drives it, until it is gone, --seconds have passed, or Ctrl-C.
    """

    kind: Annotated[Literal["video", "lerobot", "carla-log", "watch"], Positional]
    """video, lerobot, carla-log or watch."""
    source: Annotated[str, Positional]
    """The folder; the recording (.log), or with --server its name there; or HOST:PORT of the server to watch."""
    out: Path
    """Folder of the new dataset."""
    rig: str | None = None
    """alpamayo, bench2drive or a rig's YAML file; by default rig.yaml in the source folder, else alpamayo."""
    size: tuple[int, int] | None = None
    """Width and height of the pictures; by default the rig's."""
    town: str = "imported"
    """Of video and lerobot: what to call the place, by which splits go."""
    cameras: tuple[str, ...] = ()
    """Of lerobot: its video features, in the rig's order."""
    pose: str = ""
    """Of lerobot: the feature that begins with x, y, z and yaw."""
    server: str | None = None
    """Of carla-log: HOST:PORT of a server that has the recording; by default an embedded one is started."""
    maps: UseAppendAction[tuple[Path, ...]] = ()
    """Of carla-log: folder with OpenDRIVE files of towns that the embedded server does not have."""
    actor: int | None = None
    """Of carla-log and watch: id of the vehicle; by default the one with the role hero."""
    seconds: float = 3600.0
    """Of watch: at most so much simulation time."""
    hold_out: tuple[str, ...] = ()
    """Towns whose drives are all in the test split."""

    def run(self) -> int:
        """Return 0 when the dataset is there."""
        if self.out.exists():
            raise InputError(f"{self.out} exists already; name a new folder with --out")
        if self.seconds <= 0.0:
            raise InputError(f"--seconds is more than 0; found {self.seconds:g}")
        rig = self._rig()
        self.out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".importing-", dir=self.out.parent) as work:
            drives = self._drives(rig, Path(work) / "drives")
            if not drives:
                raise InputError(f"{self.source} has no drive of 3 s or more")
            rule = SplitRule(held_out_towns=self.hold_out)
            dataset = write_imported(self.out, rig, drives, title=f"Drives of {Path(self.source).name}", rule=rule)
        frames = sum(info.frame_count for info in dataset.episodes)
        print(f"{len(dataset.episodes)} drives, {frames} frames: {self.out}")
        return 0

    def _rig(self) -> CameraRig:
        beside = Path(self.source) / _RIG_FILE
        rig = read_rig(beside) if self.rig is None and beside.is_file() else named_rig(self.rig or "alpamayo")
        return rig if self.size is None else replace(rig, width_px=self.size[0], height_px=self.size[1])

    def _drives(self, rig: CameraRig, work: Path) -> list[ImportedDrive]:
        def tell(text: str) -> None:
            print(text, file=sys.stderr)

        if self.kind == "watch":
            client = _client(ServerAddress.parse(self.source))
            return watch(client, rig, work, name="watched", actor_id=self.actor, longest_s=self.seconds, tell=tell)
        if self.kind == "carla-log":
            return self._replayed(rig, work)
        folder = Path(self.source)
        if not folder.is_dir():
            raise InputError(f"there is no folder {folder}")
        if self.kind == "video":
            return list(drives_of_folder(folder, rig, work, self.town))
        return list(drives_of_lerobot(folder, rig, work, self.town, cameras=self.cameras, pose=self.pose))

    def _replayed(self, rig: CameraRig, work: Path) -> list[ImportedDrive]:
        name = Path(self.source).stem
        if self.server is not None:
            client = _client(ServerAddress.parse(self.server))
            return drives_of_log(client, self.source, rig, work, name=name, actor_id=self.actor)
        log = Path(self.source)
        if not log.is_file():
            raise InputError(f"there is no recording {log}")
        with ExitStack() as stack:
            extra = ["--synchronous", "--recordings", str(log.parent.absolute())]
            server = EmbeddedServer("Gridvale", seed=0, maps_dirs=list(self.maps), extra_args=extra)
            stack.callback(server.close)
            return drives_of_log(_client(server.address), log.name, rig, work, name=name, actor_id=self.actor)


def _client(address: ServerAddress) -> carla.Client:
    client = connect(address)
    client.set_timeout(120.0)
    return client
