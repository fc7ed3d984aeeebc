"""The prompt, letter by letter."""

from __future__ import annotations

import pytest

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.prompt import HISTORY_TOKENS, IMAGE, chat_prompt

HISTORY = "<|traj_history_start|>" + "<|traj_history|>" * 48 + "<|traj_history_end|>"
HEAD = "<|im_start|>system\nYou are a driving assistant that generates safe and accurate actions.<|im_end|>\n<|im_start|>user\n"
TAIL = (
    "output the chain-of-thought reasoning of the driving process, then output the future trajectory.<|im_end|>\n"
    "<|im_start|>assistant\n<|cot_start|>"
)
CAMERAS = ("camera_cross_left_120fov", "camera_front_tele_30fov")


def test_the_newer_prompt_names_cameras_and_numbers_frames() -> None:
    text = chat_prompt(CAMERAS, 2, navigation="Turn right in 30m")
    pictures = (
        f"Front left camera: frame 0 {IMAGE}frame 1 {IMAGE}Front telephoto camera: frame 0 {IMAGE}frame 1 {IMAGE}"
    )
    assert text == f"{HEAD}{pictures}{HISTORY}<|route_start|>Turn right in 30m<|route_end|>{TAIL}"
    assert HISTORY_TOKENS == 48


def test_the_older_prompt_has_pictures_alone_and_no_route_without_one() -> None:
    assert chat_prompt(CAMERAS, 1, style="alpamayo-1") == f"{HEAD}{IMAGE}{IMAGE}{HISTORY}{TAIL}"


def test_other_styles_are_refused() -> None:
    with pytest.raises(InputError, match=r"alpamayo-1, alpamayo-1\.5"):
        chat_prompt(CAMERAS, 1, style="alpamayo-9")
