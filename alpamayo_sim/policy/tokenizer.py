"""Text and trajectory tokens as the model's ids: a Qwen-style vocabulary, `<i0>`, `<i1>`, ... behind it, then special tokens.

Needs the `tokenizers` package, imported where a tokenizer is made, and no torch. The order in which tokens are added fixes their
ids, and it is the published one: over Qwen's own 151,669 tokens `<i0>` gets id 151669 and `<|traj_future_start|>` 155681.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from alpamayo_sim.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_FILE = "tokenizer.json"
TRAJECTORY_TOKENS = 4000
"""`<i0>` to `<i2999>` are bins of future actions, `<i3000>` to `<i3999>` of past displacements."""
FUTURE_TOKENS = 3000
SPECIAL_NAMES = (
    "prompt_start", "prompt_end", "image_start", "_padding_0", "image_end", "traj_history_start", "_padding_1",
    "traj_history_end", "cot_start", "cot_end", "_padding_2", "_padding_3", "traj_future_start", "_padding_4",
    "traj_future_end", "traj_history", "traj_future", "image_pad", "_padding_5", "_padding_6", "_padding_7", "_padding_8",
    "route_start", "route_pad", "route_end", "question_start", "question_end", "answer_start", "answer_end",
)  # fmt: skip
SPECIAL_TOKENS = tuple(f"<|{name}|>" for name in SPECIAL_NAMES)
"""In the order of Alpamayo 1.5; `<|image_pad|>` is one of Qwen's own and keeps its id."""
BACKBONE_TOKENS: Mapping[str, str] = {
    "image": "<|image_pad|>",
    "video": "<|video_pad|>",
    "vision_start": "<|vision_start|>",
    "vision_end": "<|vision_end|>",
    "pad": "<|endoftext|>",
    "end": "<|im_end|>",
}
"""What Qwen3-VL's settings call them, and what they are."""


class DrivingTokenizer:
    """A vocabulary with trajectory and special tokens."""

    def __init__(self, engine: Tokenizer) -> None:
        self._engine = engine
        missing = [token for token in (*BACKBONE_TOKENS.values(), "<i0>", *SPECIAL_TOKENS) if self._find(token) is None]
        if missing:
            raise InputError(f"the tokenizer lacks tokens that a driving model needs: {', '.join(missing)}")
        first, last = self.id("<i0>"), self.id(f"<i{TRAJECTORY_TOKENS - 1}>")
        if last - first != TRAJECTORY_TOKENS - 1:
            raise InputError(f"the tokenizer's ids of <i0>, <i1>, ... do not follow one another: {first} ... {last}")

    @classmethod
    def extend(cls, engine: Tokenizer) -> DrivingTokenizer:
        """Return a tokenizer with what the driving model adds to a Qwen vocabulary, in the published order."""
        from tokenizers import AddedToken

        engine.add_tokens([AddedToken(f"<i{index}>", normalized=False) for index in range(TRAJECTORY_TOKENS)])
        engine.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL_TOKENS])
        return cls(engine)

    @classmethod
    def load(cls, folder: Path) -> DrivingTokenizer:
        """Return the tokenizer of a checkpoint folder; InputError if there is none."""
        return cls(read_tokenizer(folder))

    def save(self, folder: Path) -> None:
        """Write the tokenizer into a folder."""
        self._engine.save(str(folder / TOKENIZER_FILE), pretty=False)

    def __len__(self) -> int:
        return self._engine.get_vocab_size(with_added_tokens=True)

    def _find(self, token: str) -> int | None:
        return self._engine.token_to_id(token)

    def id(self, token: str) -> int:
        """Return the id of one token; InputError if the vocabulary has none of that name."""
        found = self._find(token)
        if found is None:
            raise InputError(f"the tokenizer has no token {token!r}")
        return found

    @cached_property
    def trajectory_start(self) -> int:
        """The id of `<i0>`."""
        return self.id("<i0>")

    @property
    def history_start(self) -> int:
        """The id of the first token of past displacements."""
        return self.trajectory_start + FUTURE_TOKENS

    @property
    def backbone_ids(self) -> dict[str, int]:
        """The ids that the backbone's settings need, by the names of BACKBONE_TOKENS."""
        return {name: self.id(token) for name, token in BACKBONE_TOKENS.items()}

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text in which special tokens stand by name."""
        return self._engine.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids, without special tokens."""
        return self._engine.decode(list(ids), skip_special_tokens=True)

    def reasoning(self, ids: Sequence[int]) -> str:
        """Return the reasoning in generated ids: what stands before `<|cot_end|>` or `<|traj_future_start|>`, else all of it."""
        ends = {self.id("<|cot_end|>"), self.id("<|traj_future_start|>")}
        return self.decode(list(takewhile(lambda own: own not in ends, ids))).strip()


def read_tokenizer(folder: Path) -> Tokenizer:
    """Return the `tokenizer.json` of a folder; InputError if it is missing or damaged, or without `tokenizers`."""
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise InputError(f"{folder} holds no {TOKENIZER_FILE}; a model's folder has it beside its weights")
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise MissingExtraError("onnx", "tokenizers") from error
    try:
        return Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # tokenizers raises bare Exception; it is passed on typed
        raise InputError(f"{path} is no tokenizer: {error}") from error
