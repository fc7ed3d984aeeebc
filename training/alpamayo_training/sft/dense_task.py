"""The dense loss of vision pretraining, kept up while a model learns to drive: what lies in every cell of labelled pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.driving_model import DrivingModel
from alpamayo_training.pretraining.feed import Feed, load
from alpamayo_training.pretraining.network import Network, losses_of, pictures_of

_SALT = 13


@dataclass(frozen=True)
class DenseChoice:
    """Views with labels for every cell, taken by `alpamayo pretrain`."""

    folder: Path
    batch: int = 16
    """Moments an update and process."""

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> DenseChoice:
        """Return the choice that `asdict` wrote."""
        return cls(Path(stored["folder"]), int(stored["batch"]))


class DenseTask(nn.Module):
    """Heads on a model's vision tower and labelled views; only the heads are its own parameters."""

    def __init__(self, model: DrivingModel, choice: DenseChoice, device: torch.device, seed: int) -> None:
        """Read the views of the split train onto the device; InputError for a folder without any."""
        super().__init__()
        self._choice, self._seed, self._device = choice, seed, device
        self._feed: Feed = load(choice.folder, "train", device)
        images = model.config.images
        if (self._feed.rig.width_px, self._feed.rig.height_px) != (images.width_px, images.height_px):
            raise InputError(
                f"the model sees {images.width_px} x {images.height_px} pixels; {choice.folder} has views of "
                f"{self._feed.rig.width_px} x {self._feed.rig.height_px}"
            )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = Network(model, len(self._feed.rig.cameras), images.height_px, images.width_px).to(device)
        self.dense, self.moment = network.dense, network.moment
        # Held outside of the module's own parts: the tower belongs to the model.
        self._network = [network]

    def loss(self, model: DrivingModel, step: int, rank: int) -> Tensor:
        """Return the mean loss of views drawn for this update and process."""
        seed = int(np.random.SeedSequence([self._seed, _SALT, step, rank]).generate_state(1)[0])
        own = torch.Generator(self._device).manual_seed(seed)
        rows = torch.randint(self._feed.count, (self._choice.batch,), generator=own, device=self._device)
        batch = self._feed.batch(rows)
        # What the heads drop out is drawn from torch's own generator: of this update too, so that a run goes on where it stopped.
        with torch.random.fork_rng(devices=[self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(seed)
            said = self._network[0](pictures_of(batch.frames, own, torch.float32))
        return torch.stack(list(losses_of(said, batch).values())).sum()
