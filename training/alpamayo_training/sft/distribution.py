"""One process or several: how the model is divided among them, and what they tell each other."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from alpamayo_sim.errors import InputError
from alpamayo_training.sft.objective import Objective, Totals
from alpamayo_training.sft.settings import Parallel, Precision

Kind = Literal["single", "ddp", "fsdp"]


@dataclass(frozen=True)
class Processes:
    """This process among those of the run; started by torchrun if there are several."""

    rank: int
    count: int
    device: torch.device
    kind: Kind

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    def totals(self, own: Totals) -> Totals:
        """Return the sum of all processes' totals."""
        if self.count == 1:
            return own
        numbers = torch.tensor(own, dtype=torch.float64, device=self.device)
        dist.all_reduce(numbers)
        return Totals(*numbers.tolist())

    def sums(self, numbers: Tensor) -> list[float]:
        """Return the sums over all processes of numbers [n]."""
        if self.count > 1:
            dist.all_reduce(numbers)
        return numbers.tolist()

    def average(self, value: Tensor) -> None:
        """Replace a tensor by its mean over all processes."""
        if self.count > 1:
            dist.all_reduce(value)
            value /= self.count

    def shared(self, value: Any) -> Any:
        """Return the leading process's value in all."""
        if self.count == 1:
            return value
        box = [value]
        dist.broadcast_object_list(box, src=0)
        return box[0]

    def wait(self) -> None:
        """Wait for all processes."""
        if self.count > 1:
            dist.barrier()


@contextmanager
def joined(parallel: Parallel, device: str) -> Generator[Processes]:
    """Give out this process's place; under torchrun the others are joined first and left at the end.

    InputError where the device is not there, or where several processes are asked for without torchrun.
    """
    rank, count = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    local = int(os.environ.get("LOCAL_RANK", "0"))
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("torch sees no GPU here; leave --device away, or take --device cpu")
    on_gpu = device != "cpu" and torch.cuda.is_available()
    where = torch.device("cuda", local) if on_gpu else torch.device("cpu")
    if count == 1 and parallel not in ("auto", "single"):
        raise InputError(
            f"--parallel {parallel} wants several processes: torchrun --nproc-per-node N -m alpamayo_training.cli sft ..."
        )
    if count == 1:
        if on_gpu:
            torch.cuda.set_device(where)
        yield Processes(0, 1, where, "single")
        return
    if parallel == "single":
        raise InputError(f"--parallel single runs in one process; torchrun started {count}")
    if on_gpu:
        torch.cuda.set_device(where)
    dist.init_process_group("nccl" if on_gpu else "gloo", device_id=where if on_gpu else None)
    try:
        yield Processes(rank, count, where, "fsdp" if parallel == "fsdp" else "ddp")
    finally:
        dist.destroy_process_group()


class Wrapped:
    """The objective as all processes compute it."""

    def __init__(self, objective: Objective, processes: Processes, precision: Precision) -> None:
        self.objective, self.processes = objective, processes
        self._ddp: nn.parallel.DistributedDataParallel | None = None
        if processes.kind == "fsdp":
            divide(objective, processes, precision)
        elif processes.kind == "ddp":
            ids = [processes.device.index] if processes.device.type == "cuda" else None
            self._ddp = nn.parallel.DistributedDataParallel(objective, device_ids=ids)

    @property
    def module(self) -> nn.Module:
        """What is called for the losses."""
        return self._ddp or self.objective

    def part(self, *, last: bool) -> Any:
        """Return the context of a part of an update: gradients are exchanged with the last one only."""
        if self._ddp is not None and not last:
            return self._ddp.no_sync()
        if self.processes.kind == "fsdp":
            cast("Any", self.objective).set_requires_gradient_sync(last)
        return nullcontext()


def divide(objective: Objective, processes: Processes, precision: Precision) -> None:
    """Divide the weights of every layer among the processes (FSDP2); each is put together where it is computed."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard

    mesh = init_device_mesh(processes.device.type, (processes.count,))
    short = torch.bfloat16 if precision == "bf16" else None
    policy = MixedPrecisionPolicy(param_dtype=short, reduce_dtype=torch.float32, cast_forward_inputs=False)
    model: Any = objective.model
    core = model.vlm.model
    for layer in (*core.visual.blocks, *core.language_model.layers, *model.expert.layers):
        fully_shard(layer, mesh=mesh, mp_policy=policy)
    fully_shard(objective, mesh=mesh, mp_policy=policy)


def whole(value: Tensor) -> Tensor:
    """Return a weight put together from all processes' parts; all of them must ask for it."""
    return value.full_tensor() if hasattr(value, "full_tensor") else value  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]


def local(value: Tensor) -> Tensor:
    """Return this process's part of a weight."""
    return value.to_local() if hasattr(value, "to_local") else value  # pyright: ignore[reportCallIssue, reportAttributeAccessIssue]
