"""Token ids: the published ones over Qwen's vocabulary, and exact round trips of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer
from tokenizers.models import BPE

from alpamayo_sim.errors import InputError
from alpamayo_sim.model.corpus import sentences
from alpamayo_sim.model.tiny_tokenizer import TEXT_TOKENS, learn_tokenizer, tiny_tokenizer
from alpamayo_sim.policy.prompt_ids import pad_left, prompt_ids
from alpamayo_sim.policy.tokenizer import SPECIAL_NAMES, DrivingTokenizer

TINY = tiny_tokenizer()
QWEN_SPECIALS = (
    "<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|> <|box_end|> "
    "<|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|> <|image_pad|> <|video_pad|>"
)


def test_ids_over_qwens_vocabulary_are_the_published_ones() -> None:
    engine = Tokenizer(BPE(vocab={f"w{index}": index for index in range(151_643)}, merges=[]))
    engine.add_special_tokens([AddedToken(token, special=True) for token in QWEN_SPECIALS.split()])
    engine.add_tokens([f"<other {index}>" for index in range(12)])
    tokenizer = DrivingTokenizer.extend(engine)
    published = {
        "<i0>": 151_669,
        "<i3000>": 154_669,
        "<i3999>": 155_668,
        "<|traj_history_start|>": 155_674,
        "<|traj_history_end|>": 155_676,
        "<|traj_future_start|>": 155_681,
        "<|traj_future_end|>": 155_683,
        "<|traj_history|>": 155_684,
        "<|traj_future|>": 155_685,
        "<|image_pad|>": 151_655,
    }
    assert {token: tokenizer.id(token) for token in published} == published
    assert len(tokenizer) == 155_697
    assert tokenizer.history_start == 154_669


def test_the_tiny_vocabulary_has_a_thousand_words_and_what_every_model_has() -> None:
    assert TINY.trajectory_start == TEXT_TOKENS
    assert len(TINY) == TEXT_TOKENS + 4000 + len(SPECIAL_NAMES) - 1


@given(st.text(max_size=60))
def test_any_text_comes_back(text: str) -> None:
    assert TINY.decode(TINY.encode(text.replace("<", "("))) == text.replace("<", "(")


@given(st.lists(st.integers(0, 3999), min_size=1, max_size=128))
def test_trajectory_tokens_come_back(bins: list[int]) -> None:
    ids = TINY.encode("".join(f"<i{index}>" for index in bins))
    assert [own - TINY.trajectory_start for own in ids] == bins


def test_driving_sentences_are_short() -> None:
    lengths = [len(TINY.encode(text)) for text in sentences(500, seed=1)]
    assert sum(lengths) / len(lengths) < 22
    assert len(TINY.encode("Slow down to keep distance from the lead vehicle because it is braking ahead.")) == 15


def test_learning_gives_a_vocabulary_of_the_stated_size() -> None:
    engine = learn_tokenizer(lines=4000)
    assert engine.get_vocab_size() == TEXT_TOKENS
    text = "Brake hard because the child is crossing."
    assert engine.decode(engine.encode(text).ids) == text


def test_reasoning_is_what_stands_before_its_end() -> None:
    ids = TINY.encode(" Turn left.<|cot_end|><|traj_future_start|><i5>")
    assert TINY.reasoning(ids) == "Turn left."
    assert TINY.reasoning(TINY.encode("Turn")) == "Turn"
    # A model that leaves the end out and drives on in tokens.
    assert TINY.reasoning([*TINY.encode("Turn"), TINY.id("<|traj_future_start|>"), TINY.trajectory_start + 7]) == "Turn"


def test_images_take_their_places_and_history_its_tokens() -> None:
    text = "a<|image_pad|>b<|traj_history|><|traj_history|>"
    ids = prompt_ids(text, TINY, 3, [7, 999])
    image = TINY.id("<|image_pad|>")
    assert ids.tolist() == [
        *TINY.encode("a"), image, image, image, *TINY.encode("b"), TINY.id("<i3007>"), TINY.id("<i3999>"),
    ]  # fmt: skip
    with pytest.raises(InputError, match=r"2 places .* found 1"):
        prompt_ids(text, TINY, 3, [7])


def test_prompts_are_padded_on_the_left() -> None:
    long, short = prompt_ids("Turn left in 30m", TINY, 1, []), prompt_ids("Stop", TINY, 1, [])
    ids, counted = pad_left([long, short], 0)
    assert ids.shape == counted.shape == (2, len(long))
    assert ids[1, -len(short) :].tolist() == short.tolist()
    assert counted.sum(1).tolist() == [len(long), len(short)]
    assert not counted[1, 0]
