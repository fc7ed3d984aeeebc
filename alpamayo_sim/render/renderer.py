"""Pictures of a scene, rendered in this process or by a render service."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from alpamayo_sim.render.batch import Batch
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.context import create_context, make_current, release_context
from alpamayo_sim.render.painter import Painter
from alpamayo_sim.render.preparation import Preparation
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_frame import SceneFrame
from alpamayo_sim.render.service.messages import RenderServiceLost
from alpamayo_sim.render.service.remote_painter import RemotePainter

_LOG = logging.getLogger(__name__)


class Renderer:
    """Renders one scene; belongs to the thread that made it.

    `samples` asks for multisampling (0 for none): cheap on a GPU, twice the time on a CPU; a render service has its own.
    `service` is the address of a render service; should it be lost, this process renders on its own. Raises
    RendererUnavailable where this process has no OpenGL and needs it.
    """

    def __init__(self, scene: Scene, *, samples: int = 0, service: str | None = None) -> None:
        self.scene = scene
        self._samples = samples
        self._preparation = Preparation(scene)
        self._painter: OwnPainter | RemotePainter
        try:
            self._painter = RemotePainter(service, scene) if service else OwnPainter(scene, samples)
        except RenderServiceLost as error:
            self._painter = self._own_painter(error)

    @property
    def device(self) -> str:
        """The name of the graphics device, as its driver tells it."""
        return self._painter.device

    def release(self) -> None:
        """Free the context and everything in it, or leave the service."""
        self._painter.release()

    def render(self, cameras: Sequence[CameraView], frame: SceneFrame) -> list[NDArray[Any]]:
        """Return one picture per camera, top row first; nothing else writes to it.

        It is BGRA bytes [height, width, 4], that of a flow camera float32 [height, width, 2]; see `CameraKind`.
        """
        images: dict[int, NDArray[Any]] = {}
        for batch in self._preparation.batches(cameras, frame, self._painter.most_rows):
            images.update(zip(batch.order, self._paint(batch), strict=True))
        return [images[k] for k in range(len(cameras))]

    def _paint(self, batch: Batch) -> list[NDArray[Any]]:
        try:
            return self._painter.paint(batch)
        except RenderServiceLost as error:
            self._painter.release()
            self._painter = self._own_painter(error)
            return self._painter.paint(batch)

    def _own_painter(self, error: RenderServiceLost) -> OwnPainter:
        painter = OwnPainter(self.scene, self._samples)
        _LOG.warning("%s; cameras are rendered in this process from now on, by %s", error, painter.device)
        return painter


class OwnPainter:
    """A painter with a context of its own."""

    def __init__(self, scene: Scene, samples: int) -> None:
        self._context = create_context()
        self._painter = Painter(self._context, scene, samples=samples)
        self.device, self.most_rows = self._painter.device, self._painter.most_rows

    def paint(self, batch: Batch) -> list[NDArray[Any]]:
        """Return the pictures of a batch in its order."""
        make_current(self._context)
        return self._painter.paint(batch)

    def release(self) -> None:
        """Free the context and everything in it."""
        release_context(self._context)
