"""Measures plans on ONNX Runtime and on torch: `bench_plans.py EXPORT_FOLDER --plans 30`.

Both runtimes plan from the same observations, four cameras of four frames at the model's own size, 40 reasoning tokens and 10
flow steps, in processes of their own that take turns, so that both see the same machine. Prints the median wall-clock time of
a plan by part, and the ratio. Fails when the process of ONNX Runtime has imported torch.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from alpamayo_sim.frames import Transform
from alpamayo_sim.model.config import ModelConfig
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG
from alpamayo_sim.policy.observation import Observation
from alpamayo_sim.policy.sampling import SamplingConfig

RUNTIMES = ("onnx", "torch")


def observation(config: ModelConfig, seed: int) -> Observation:
    """Return noise of the model's size, and a straight drive at 8 m/s."""
    random = np.random.default_rng(seed)
    cameras, frames = len(ALPAMAYO_RIG.cameras), 4
    history = np.zeros((16, 3))
    history[:, 0] = np.linspace(-12.0, 0.0, 16)
    size = (config.images.height_px, config.images.width_px)
    return Observation(
        camera_names=tuple(camera.name for camera in ALPAMAYO_RIG.cameras),
        frames=random.integers(0, 256, (cameras, frames, *size, 3), dtype=np.uint8),
        frame_times_s=np.broadcast_to(5.0 - 0.1 * np.arange(frames - 1, -1, -1), (cameras, frames)).copy(),
        history_xyz_rig=history,
        history_rotation_rig=np.broadcast_to(np.eye(3), (16, 3, 3)).copy(),
        t0_s=5.0,
        rig_pose_t0=Transform(1.0, 2.0, 0.0),
        navigation="Turn left in 30m",
    )


def serve(options: argparse.Namespace) -> None:
    """Plan once for each line of stdin, and answer with the latency by part."""
    sampling = SamplingConfig(max_reasoning_tokens=options.tokens)
    policy: Any
    if options.runtime == "onnx":
        from alpamayo_sim.runtime.onnx_policy import OnnxPolicy

        policy = OnnxPolicy.load(options.folder, sampling=sampling, threads=options.threads)
        assert "torch" not in sys.modules, "ONNX Runtime's process has imported torch"
    else:
        import torch

        from alpamayo_sim.runtime.exporting import load_model
        from alpamayo_sim.runtime.torch_policy import TorchPolicy

        torch.set_num_threads(options.threads)
        policy = TorchPolicy(*load_model("tiny", 0), sampling=sampling, random=np.random.default_rng(0))
    config = ModelConfig.load(options.folder)
    for number, _ in enumerate(sys.stdin):
        plan = policy.plan(observation(config, number))
        words = len(policy.tokenizer.encode(plan.reasoning))
        print(json.dumps({"total": plan.latency_s, "words": words, **plan.latency_parts_s}), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plans", type=int, default=30)
    parser.add_argument("--tokens", type=int, default=40)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runtime", choices=RUNTIMES)
    options = parser.parse_args()
    if options.runtime:
        serve(options)
        return 0
    children = {
        runtime: subprocess.Popen(
            [sys.executable, __file__, *sys.argv[1:], "--runtime", runtime],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_WAIT_POLICY": "PASSIVE"},
        )
        for runtime in RUNTIMES
    }
    taken: dict[str, list[dict[str, float]]] = {runtime: [] for runtime in RUNTIMES}
    for _ in range(3 + options.plans):
        for runtime, child in children.items():
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write("plan\n")
            child.stdin.flush()
            taken[runtime].append(json.loads(child.stdout.readline()))
    for child in children.values():
        assert child.stdin is not None
        child.stdin.close()
        child.wait()
    medians = {
        runtime: {
            part: 1000.0 * statistics.median(plan[part] for plan in plans[3:]) for part in plans[0] if part != "words"
        }
        for runtime, plans in taken.items()
    }
    for runtime, parts in medians.items():
        rest = ", ".join(f"{part.removesuffix('_s')} {value:.0f}" for part, value in parts.items() if part != "total")
        slowest = 1000.0 * max(plan["total"] for plan in taken[runtime][3:])
        print(f"{runtime:6s} median {parts['total']:.0f} ms (slowest {slowest:.0f}): {rest} ms; {options.plans} plans")
        print(
            f"       {statistics.mean(plan['words'] for plan in taken[runtime][3:]):.0f} tokens of reasoning on average"
        )
    print(f"torch / onnx: {medians['torch']['total'] / medians['onnx']['total']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
