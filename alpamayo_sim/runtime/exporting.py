"""From a checkpoint to an export with its gates: what `alpamayo export` does."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

from alpamayo_sim.errors import InfrastructureError
from alpamayo_sim.model.checkpoint import new_folder
from alpamayo_sim.model.driving_model import DrivingModel, new_model
from alpamayo_sim.model.folders import from_folder
from alpamayo_sim.model.presets import preset
from alpamayo_sim.model.sampling import TokenIds
from alpamayo_sim.model.tiny_tokenizer import tiny_tokenizer
from alpamayo_sim.policy.tokenizer import DrivingTokenizer
from alpamayo_sim.runtime.bfloat16_files import EXECUTED as ROUNDED
from alpamayo_sim.runtime.bfloat16_files import rounding_engine
from alpamayo_sim.runtime.export import write_graphs
from alpamayo_sim.runtime.manifest import GRAPHS
from alpamayo_sim.runtime.onnx_engine import OnnxEngine
from alpamayo_sim.runtime.parity import ONNX_EXECUTED, Parity, check_parity, random_prompts
from alpamayo_sim.runtime.tensorrt_engines import note_status
from alpamayo_sim.runtime.tensorrt_session import Cuda, target_here, tensorrt_engine

ENGINES_PARITY_FILE = "parity_tensorrt.json"
ENGINES_EXECUTED = "the TensorRT engines on this GPU against torch in float32"


def load_model(checkpoint: str, seed: int) -> tuple[DrivingModel, DrivingTokenizer]:
    """Return the model of a checkpoint folder, or a random one of the preset `tiny`, in float32."""
    if checkpoint == "tiny" and not Path(checkpoint).is_dir():
        tokenizer = tiny_tokenizer()
        return new_model(preset("tiny", len(tokenizer), tokenizer.backbone_ids), seed), tokenizer
    return from_folder(Path(checkpoint))


def export_and_check(
    checkpoint: str, folder: Path, *, dtype: str, prompts: int, tokens: int, seed: int
) -> Parity | None:
    """Write an export and return its gates, which it also holds in `parity.json`; None with no prompts to compare.

    The folder comes to its place, or in the place of an older one, once its gates are written into it, whether they hold or
    not: a process that ends before leaves what was there. InputError for what is no checkpoint.
    """
    model, tokenizer = load_model(checkpoint, seed)
    with new_folder(folder) as unfinished:
        write_graphs(model, tokenizer, unfinished, dtype=dtype)
        if prompts == 0:
            return None
        short = dtype == "bf16"
        with rounding_engine(unfinished) if short else nullcontext(OnnxEngine.load(unfinished)) as engine:
            parity = check_parity(
                model,
                TokenIds.of(tokenizer),
                engine,
                random_prompts(model, tokenizer, prompts, seed),
                reasoning_tokens=tokens,
                seed=seed,
                executed=ROUNDED if short else ONNX_EXECUTED,
            )
        parity.save(unfinished)
    return parity


def check_engines(checkpoint: str, folder: Path, *, prompts: int, tokens: int, seed: int) -> tuple[Parity | None, str]:
    """Return the gates of an export's TensorRT engines, also kept in `parity_tensorrt.json`; None and why where none runs.

    That is so without a GPU and on one for which none was built. InfrastructureError where the GPU does not take its own.
    """
    try:
        cuda = Cuda.load()
    except InfrastructureError as error:
        return None, str(error)
    target = target_here(cuda)
    if not all((folder / f"{graph}.{target}.engine").is_file() for graph in GRAPHS):
        return None, f"no engines were built for the GPU here ({cuda.capability()})"
    engine = tensorrt_engine(folder, cuda)
    model, tokenizer = load_model(checkpoint, seed)
    moments = random_prompts(model, tokenizer, prompts, seed)
    parity = check_parity(
        model, TokenIds.of(tokenizer), engine, moments, reasoning_tokens=tokens, seed=seed, executed=ENGINES_EXECUTED
    )
    parity.save(folder, ENGINES_PARITY_FILE)
    held = "every gate holds" if parity.passed else "a gate does not hold"
    note_status(folder, target, f"built, executed, {held}")
    return parity, ""
