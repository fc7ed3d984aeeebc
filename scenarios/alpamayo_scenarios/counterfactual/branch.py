"""What is driven again, and what becomes of it: the orders and results of counterfactual drives."""

from __future__ import annotations

import hashlib
import io
import json
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from alpamayo_agents.collecting.settings import CollectSettings
from alpamayo_scenarios.counterfactual.interventions import ActorRef, Intervention
from alpamayo_scenarios.counterfactual.tape import EgoTape
from alpamayo_sim.errors import InputError

FACTUAL = "factual"
BRANCH_VERSION = 4
"""Of what a result depends on besides its order; results of another version are driven again."""


@dataclass(frozen=True)
class ReplaySpec:
    """An episode on a fresh embedded server, all that is needed to drive it again."""

    town: str
    route_file: str
    """Path of the route file."""
    route_id: str
    seed: int
    agent: str = "expert"
    """By the registry's names, or `module:Class`."""
    background: bool = False
    vehicles: int = 0
    walkers: int = 0
    profile: str = "bench2drive"
    """Scoring rules, which decide when an episode ends."""
    maps: tuple[str, ...] = ()
    """Folders with OpenDRIVE files of towns that are not ours."""
    cache: str = ""
    """Folder for prepared maps."""
    collect: CollectSettings | None = None
    """How the episode was collected, if it was: its cameras are spawned again, though nobody looks, and its driver is disturbed
    as it was."""


@dataclass(frozen=True)
class Branch:
    """One drive of an episode: as it was, or changed at one tick."""

    replay: ReplaySpec
    at_frame: int = -1
    """The tick (carla.WorldSnapshot.frame) after which the interventions are made; -1 for none."""
    interventions: tuple[Intervention, ...] = ()
    until_frame: int = -1
    """The last tick that is driven; -1 to the episode's end."""

    @property
    def key(self) -> str:
        """A plain file name that belongs to this order alone; the cache's folder does not matter."""
        told = replace(self, replay=replace(self.replay, cache=""))
        text = json.dumps([BRANCH_VERSION, asdict(told)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, eq=False)
class BranchResult:
    """What became of a branch."""

    tape: EgoTape
    done: tuple[str, ...] = ()
    """What each intervention has done."""
    not_applicable: str = ""
    """Why an intervention could not be made; the tape then ends there."""
    ended: str = ""
    """Why the episode ended before `until_frame`; "" if it did not."""
    collisions: tuple[tuple[int, str], ...] = ()
    """Frame and blueprint of every collision of the ego after the keyframe."""
    decisions: tuple[tuple[int, str, str], ...] = ()
    """Frame, longitudinal and lateral decision that the driver itself told, where they changed."""
    present: tuple[ActorRef, ...] = ()
    """Who and what was within sight at `at_frame`, before anything was changed."""
    wall_time_s: float = field(default=0.0, compare=False)
    ticks_per_s: float = field(default=0.0, compare=False)


_BRANCH: TypeAdapter[Branch] = TypeAdapter(Branch)


def encode_branch(branch: Branch) -> str:
    """Return an order as one line of JSON."""
    return json.dumps(asdict(branch), separators=(",", ":"))


def decode_branch(text: str | bytes) -> Branch:
    """Return the order in a line; ValueError for anything else."""
    return _BRANCH.validate_json(text)


class BranchStore:
    """Results by their orders, in one folder; each comes to its place complete or not at all."""

    def __init__(self, folder: Path) -> None:
        """Open a folder, which is made if it is not there."""
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, branch: Branch) -> Path:
        """Return where a branch's result lies."""
        return self.folder / f"{branch.key}.npz"

    def has(self, branch: Branch) -> bool:
        """Whether a branch has been driven."""
        return self.path(branch).is_file()

    def write(self, branch: Branch, result: BranchResult) -> None:
        """Keep a result."""
        told = asdict(replace(result, tape=_NO_TAPE))
        del told["tape"]
        data = io.BytesIO()
        tape = result.tape
        np.savez_compressed(
            data,
            frame=tape.frame,
            time_s=tape.time_s,
            pose=tape.pose,
            speed_mps=tape.speed_mps,
            others=tape.others,
            order=np.array(encode_branch(branch)),
            told=np.array(json.dumps(told)),
        )
        part = self.folder / f".{branch.key}.{os.getpid()}.part"
        part.write_bytes(data.getvalue())
        part.replace(self.path(branch))

    def remove(self, branch: Branch) -> None:
        """Forget a result, so that it is driven again."""
        self.path(branch).unlink(missing_ok=True)

    def read(self, branch: Branch) -> BranchResult:
        """Return a result; InputError if there is none."""
        path = self.path(branch)
        if not path.is_file():
            raise InputError(f"{path} is not there: the branch has not been driven")
        with np.load(path, allow_pickle=False) as found:
            tape = EgoTape(found["frame"], found["time_s"], found["pose"], found["speed_mps"], found["others"])
            told = json.loads(str(found["told"]))
        return BranchResult(
            tape=tape,
            done=tuple(told["done"]),
            not_applicable=told["not_applicable"],
            ended=told["ended"],
            collisions=tuple((int(frame), str(what)) for frame, what in told["collisions"]),
            decisions=tuple((int(frame), str(lon), str(lat)) for frame, lon, lat in told["decisions"]),
            present=tuple(ActorRef(**one) for one in told["present"]),
            wall_time_s=told["wall_time_s"],
            ticks_per_s=told["ticks_per_s"],
        )


_NO_TAPE = EgoTape(np.zeros(0, np.int64), np.zeros(0), np.zeros((0, 6)), np.zeros(0), np.zeros(0, np.int64))
