"""One interface for every way of running a model: `plan(observation) -> Plan`, for one session or many at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.config import ModelConfig
from alpamayo_sim.policy.latency import Latency
from alpamayo_sim.policy.observation import Observation
from alpamayo_sim.policy.patches import image_patches, resize_frames
from alpamayo_sim.policy.plan import Plan
from alpamayo_sim.policy.plan_decisions import plan_decisions
from alpamayo_sim.policy.prompt import chat_prompt
from alpamayo_sim.policy.prompt_ids import pad_left, prompt_ids
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.policy.trajectory_tokens import history_bins
from alpamayo_sim.policy.unicycle import waypoints


class Policy(Protocol):
    """What drives a car from observations."""

    def plan(self, observation: Observation) -> Plan:
        """Return the plan for one observation."""
        ...

    def plan_many(self, observations: Sequence[Observation]) -> list[Plan]:
        """Return the plans for observations of several sessions, computed together."""
        ...


@dataclass(frozen=True)
class Prepared:
    """Observations as the model's inputs."""

    pixels: NDArray[np.float32]
    """[images, patches, patch size], the images of all observations in order."""
    ids: NDArray[np.int64]
    """[B, S], padded on the left."""
    counted: NDArray[np.bool_]
    seconds: float
    """Wall-clock time that the preparation took."""


def prepare(observations: Sequence[Observation], config: ModelConfig, tokenizer: DrivingTokenizer) -> Prepared:
    """Return observations as patches and ids; InputError where one has other frames than the model was made for."""
    if not observations:
        raise InputError("a plan needs an observation; found none")
    began = time.perf_counter()
    images = config.images
    per_camera = images.frames_per_camera // images.frames_per_image
    rows: list[NDArray[np.int64]] = []
    pixels: list[NDArray[np.float32]] = []
    for observation in observations:
        if observation.frames.shape[1] != images.frames_per_camera:
            raise InputError(
                f"the model sees {images.frames_per_camera} frames of every camera; found {observation.frames.shape[1]}"
            )
        frames = resize_frames(observation.frames, images.width_px, images.height_px)
        pixels.append(image_patches(frames, images.frames_per_image))
        text = chat_prompt(
            observation.camera_names, per_camera, navigation=observation.navigation, style=config.prompt_format
        )
        rows.append(prompt_ids(text, tokenizer, config.tokens_per_image, history_bins(observation.history_xyz_rig)))
    ids, counted = pad_left(rows, tokenizer.backbone_ids["pad"])
    return Prepared(np.concatenate(pixels), ids, counted, time.perf_counter() - began)


@dataclass(frozen=True)
class Drawn:
    """What a backend sampled for B observations, `samples` of each side by side."""

    actions: NDArray[np.floating]
    """[B x samples, waypoints, 2], normalised."""
    token_ids: NDArray[np.int64]
    """[B x samples, T]"""
    scores: NDArray[np.float64]
    """[B x samples]: mean log-probability of a chosen token."""
    latency: Latency


def plans(
    observations: Sequence[Observation],
    drawn: Drawn,
    prepared: Prepared,
    config: ModelConfig,
    tokenizer: DrivingTokenizer,
) -> list[Plan]:
    """Return a plan per observation: its first sample drives, as in the published drivers; all samples' scores are kept.

    The latency of plans made together is that of all.
    """
    latency = replace(drawn.latency, preparation_s=prepared.seconds)
    samples = len(drawn.actions) // len(observations)
    found: list[Plan] = []
    for index, observation in enumerate(observations):
        first = index * samples
        points = waypoints(
            drawn.actions[first],
            config.action_statistics,
            observation.history_xyz_rig,
            observation.history_rotation_rig,
        )
        found.append(
            Plan(
                waypoints_rig=points,
                t0_s=observation.t0_s,
                rig_pose_t0=observation.rig_pose_t0,
                reasoning=tokenizer.reasoning(drawn.token_ids[first].tolist()),
                decisions=plan_decisions(points),
                scores=drawn.scores[first : first + samples],
                latency_s=latency.total_s,
                latency_parts_s=asdict(latency),
            )
        )
    return found


def mean_score(log_probs: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the mean [R] of the log-probabilities [R, T] that are not 0, which stand for tokens put there."""
    chosen = log_probs != 0.0
    return np.where(chosen, log_probs, 0.0).sum(1) / np.maximum(chosen.sum(1), 1)
