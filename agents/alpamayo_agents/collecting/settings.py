"""What is collected of an episode, and how its driver is disturbed."""

from __future__ import annotations

from dataclasses import dataclass, field

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import ALPAMAYO_RIG, CameraRig

FRAME_S = 0.1
MASK_S = 0.5
"""Time between two instance masks."""
CHROMA = ("yuv420p", "yuv444p")


@dataclass(frozen=True)
class Disturbance:
    """How often and how hard a driver is disturbed, so that its data show how to recover."""

    start_share: float = 0.5
    """Share of episodes that begin beside the lane's middle, turned and at a speed."""
    start_lateral_m: float = 0.8
    """At most so far beside it."""
    start_heading_deg: float = 8.0
    start_speed_mps: float = 8.0
    noise_share: float = 0.5
    """Share of episodes with bursts of noise on the steering."""
    noise_every_s: float = 7.0
    """Mean time from one burst to the next."""
    noise_s: tuple[float, float] = (0.4, 1.0)
    """How long a burst lasts, from and to."""
    noise_mps2: tuple[float, float] = (0.8, 2.2)
    """Lateral acceleration at its height, from and to."""

    def __post_init__(self) -> None:
        for name in ("start_share", "noise_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InputError(f"{name} is a share from 0 to 1; found {getattr(self, name):g}")
        if self.noise_every_s <= 0.0:
            raise InputError(f"bursts come every so many seconds, more than 0; found {self.noise_every_s:g}")


NOT_DISTURBED = Disturbance(start_share=0.0, noise_share=0.0)


@dataclass(frozen=True)
class CollectSettings:
    """What decides the content of a collected episode, beside who drives where."""

    rig: CameraRig = ALPAMAYO_RIG
    disturbance: Disturbance = field(default_factory=Disturbance)
    pictures: bool = True
    """Whether cameras take pictures. Without, they are spawned and not listened to: everything has the same ids."""
    masks: bool = True
    """Whether instance masks are taken, by which the scene states who is visible."""
    crf: int = 18
    """Quality of the pictures' H.264: lower is better and larger."""
    chroma: str = "yuv444p"
    """How colours are sampled: at every pixel, or yuv420p, which every browser plays and which takes the colour out of lamps."""

    def __post_init__(self) -> None:
        if self.chroma not in CHROMA:
            raise InputError(f"chroma is one of {', '.join(CHROMA)}; found {self.chroma!r}")
        if not 0 <= self.crf <= 40:
            raise InputError(f"crf is from 0 (no loss) to 40; found {self.crf}")
