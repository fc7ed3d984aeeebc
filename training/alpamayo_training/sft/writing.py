"""What a run leaves: the model's folder with its card, figures as lines and for TensorBoard."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from alpamayo_sim.model.checkpoint import save_pretrained, write_weights
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.record.run_folder import read_json_lines, write_text
from alpamayo_training.sft.distribution import Processes, whole
from alpamayo_training.sft.lora import plain_tensors

CARD = "README.md"


def write_model(
    model: DrivingModel, tokenizer: DrivingTokenizer, folder: Path, processes: Processes, dtype: torch.dtype, card: str
) -> None:
    """Write a model's folder with its card; called by all processes, written by the leading one."""
    tensors = plain_tensors(model)
    if processes.kind == "fsdp":
        kept: dict[str, torch.Tensor] = {}
        for name, value in tensors.items():
            put_together = whole(value).detach().to("cpu", dtype)
            if processes.leads:
                kept[name] = put_together
        tensors = kept
    if not processes.leads:
        return
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save(folder)
    tokenizer.save(folder)
    write_weights(tensors, folder, dtype)
    write_text(folder / CARD, card)


def resave(model: DrivingModel, tokenizer: DrivingTokenizer, folder: Path, dtype: torch.dtype) -> None:
    """Write a model's folder in one piece."""
    save_pretrained(model, tokenizer, folder, dtype=dtype)


class Figures:
    """Figures of a run: metrics.jsonl, and TensorBoard where it is installed."""

    def __init__(self, run: Path, step: int) -> None:
        """Go on after update `step`: what an interrupted run wrote of later ones is taken out."""
        self._lines = run / "metrics.jsonl"
        kept = [line for line in read_json_lines(self._lines) if line.get("step", 0) <= step]
        write_text(self._lines, "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in kept))
        self._board: Any = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            return
        self._board = SummaryWriter(str(run / "tensorboard"), purge_step=step + 1 if step else None)

    @property
    def has_board(self) -> bool:
        """Whether TensorBoard gets them too."""
        return self._board is not None

    def add(self, kind: str, figures: Mapping[str, float]) -> None:
        """Write one line of figures of an update; `step` is among them."""
        with self._lines.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"kind": kind, **figures}, separators=(",", ":"), allow_nan=False) + "\n")
        if self._board is not None:
            for name, value in figures.items():
                if name != "step":
                    self._board.add_scalar(f"{kind}/{name}", value, int(figures["step"]))

    def picture(self, name: str, picture: NDArray[np.uint8], step: int) -> None:
        """Show a picture [height, width, 3] in TensorBoard."""
        if self._board is not None:
            self._board.add_image(name, picture, step, dataformats="HWC")

    def text(self, name: str, text: str, step: int) -> None:
        """Show a text in TensorBoard."""
        if self._board is not None:
            self._board.add_text(name, text, step)

    def close(self) -> None:
        """Write out what is held back."""
        if self._board is not None:
            self._board.close()
