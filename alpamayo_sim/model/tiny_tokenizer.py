"""The tiny model's own vocabulary of 1,024 tokens, learnt from composed driving text.

`python -m alpamayo_sim.model.tiny_tokenizer` learns it anew and writes it beside this file.
"""

from __future__ import annotations

from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Sequence, Split
from tokenizers.trainers import BpeTrainer

from alpamayo_sim.model.corpus import sentences
from alpamayo_sim.policy.tokenizer import BACKBONE_TOKENS, DrivingTokenizer

STORED = Path(__file__).with_name("tiny_tokenizer.json")
TEXT_TOKENS = 1024
_LINES = 60_000
_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""As Qwen divides text: words with the blank before them, single digits, runs of signs."""


def learn_tokenizer(lines: int = _LINES) -> Tokenizer:
    """Return a byte-level BPE vocabulary of TEXT_TOKENS, Qwen's own special tokens included, learnt from composed text."""
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *(BACKBONE_TOKENS[name] for name in _VISION)]
    engine = Tokenizer(BPE())
    engine.pre_tokenizer = Sequence(
        [Split(Regex(_WORDS), behavior="isolated"), ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    engine.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=TEXT_TOKENS - len(specials),
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    engine.train_from_iterator(sentences(lines), trainer)
    engine.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in specials])
    return engine


_VISION = ("vision_start", "vision_end", "image", "video")


def tiny_tokenizer() -> DrivingTokenizer:
    """Return the tiny model's tokenizer: the stored vocabulary with trajectory and special tokens."""
    return DrivingTokenizer.extend(Tokenizer.from_str(STORED.read_text(encoding="utf-8")))


if __name__ == "__main__":
    learn_tokenizer().save(str(STORED), pretty=False)
