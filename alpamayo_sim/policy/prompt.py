"""The prompt that the model was trained on, as one text: pictures, past motion, guidance, and the order to reason first."""

from __future__ import annotations

from collections.abc import Sequence

from alpamayo_sim.errors import InputError

SYSTEM = "You are a driving assistant that generates safe and accurate actions."
REQUEST = "output the chain-of-thought reasoning of the driving process, then output the future trajectory."
HISTORY_TOKENS = 48
IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
CAMERA_TITLES = {
    "camera_cross_left_120fov": "Front left camera",
    "camera_front_wide_120fov": "Front camera",
    "camera_cross_right_120fov": "Front right camera",
    "camera_rear_left_70fov": "Rear left camera",
    "camera_rear_tele_30fov": "Rear camera",
    "camera_rear_right_70fov": "Rear right camera",
    "camera_front_tele_30fov": "Front telephoto camera",
}
"""What Alpamayo 1.5 calls its seven cameras in the prompt."""
FORMATS = ("alpamayo-1", "alpamayo-1.5")


def chat_prompt(
    camera_names: Sequence[str], images_per_camera: int, *, navigation: str | None = None, style: str = "alpamayo-1.5"
) -> str:
    """Return the prompt up to and with `<|cot_start|>`, every image as one IMAGE, past motion as HISTORY_TOKENS placeholders.

    `style` alpamayo-1.5 names every camera and numbers its images; alpamayo-1 lists the images alone. Without `navigation` the
    route's markers are absent. InputError for another style.
    """
    if style not in FORMATS:
        raise InputError(f"prompts come in the styles {', '.join(FORMATS)}; found {style!r}")
    named = style == "alpamayo-1.5"
    pictures: list[str] = []
    for name in camera_names:
        pictures.append(f"{CAMERA_TITLES.get(name, name)}: " if named else "")
        pictures += [f"frame {index} {IMAGE}" if named else IMAGE for index in range(images_per_camera)]
    history = f"<|traj_history_start|>{'<|traj_history|>' * HISTORY_TOKENS}<|traj_history_end|>"
    route = "" if navigation is None else f"<|route_start|>{navigation}<|route_end|>"
    return (
        f"<|im_start|>system\n{SYSTEM}<|im_end|>\n"
        f"<|im_start|>user\n{''.join(pictures)}{history}{route}{REQUEST}<|im_end|>\n"
        "<|im_start|>assistant\n<|cot_start|>"
    )
