"""Pictures of a scene, rendered in this process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.context import create_context
from alpamayo_sim.render.painter import Painter
from alpamayo_sim.render.preparation import Preparation
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_frame import SceneFrame


class Renderer:
    """Renders one scene; belongs to the thread that made it.

    `samples` asks for multisampling (0 for none): cheap on a GPU, twice the time on a CPU. Raises RendererUnavailable.
    """

    def __init__(self, scene: Scene, *, samples: int = 0) -> None:
        self.scene = scene
        self.context = create_context()
        self._preparation = Preparation(scene)
        self._painter = Painter(self.context, scene, samples=samples)

    @property
    def device(self) -> str:
        """The name of the graphics device, as its driver tells it."""
        return str(self.context.info["GL_RENDERER"])

    def release(self) -> None:
        """Free the context and everything in it."""
        self.context.release()

    def render(self, cameras: Sequence[CameraView], frame: SceneFrame) -> list[NDArray[Any]]:
        """Return one picture per camera, top row first; nothing else writes to it.

        It is BGRA bytes [height, width, 4], that of a flow camera float32 [height, width, 2]; see `CameraKind`.
        """
        images: dict[int, NDArray[Any]] = {}
        with self.context:
            for batch in self._preparation.batches(cameras, frame, self._painter.most_rows):
                images.update(zip(batch.order, self._painter.paint(batch), strict=True))
        return [images[k] for k in range(len(cameras))]
