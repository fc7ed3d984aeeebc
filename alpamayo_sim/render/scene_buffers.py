"""A scene on the graphics card: its meshes, and vertex arrays for any program that draws them."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.render.batch import MOST_CAMERAS, Pass
from alpamayo_sim.render.instances import ROW
from alpamayo_sim.render.scene import Scene, TiledMesh

INSTANCE = (
    "4f4 4f4 4f4 4f4 4f4 2f4 1f4/i",
    ("in_row0", "in_row1", "in_row2", "in_paint", "in_state", "in_object", "in_camera"),
)
CAMERA = ("1f4/i", ("in_camera",))
"""What is not drawn row by row takes its camera from a table, by its command's base instance."""
GROUND = ("3f4 4f1", ("in_position", "in_normal"))
FACADE = ("3f4 4f1 2f4 4f1", ("in_position", "in_normal", "in_wall", "in_color"))
MARKING = ("3f4 2f4 4f1", ("in_center", "in_offset", "in_color"))
MESH = ("3f4 4f1 4f1", ("in_position", "in_normal", "in_color"))
QUAD = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], dtype=np.float32)
QUAD_INDICES = np.array([0, 1, 2, 0, 2, 3], np.uint32)


class DrawList:
    """Rows and commands of the batch that is drawn now."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self.rows = context.buffer(reserve=8192 * ROW * 4)
        self.commands = context.buffer(reserve=8192 * 20)

    def upload(self, rows: NDArray[np.float32], commands: NDArray[np.uint32]) -> bool:
        """Take over a batch's arrays; return whether there is a new row buffer, which makes vertex arrays invalid."""
        grown = rows.nbytes > self.rows.size
        if grown:
            self.rows.release()
            self.rows = self._context.buffer(reserve=2 * rows.nbytes)
        if commands.nbytes > self.commands.size:
            self.commands.release()
            self.commands = self._context.buffer(reserve=2 * commands.nbytes)
        # What the last batch draws from stays its own: without this the driver waits for it.
        self.rows.orphan()
        self.commands.orphan()
        if rows.nbytes:
            self.rows.write(rows)
        self.commands.write(commands)
        return grown

    def release(self) -> None:
        """Free the buffers."""
        self.rows.release()
        self.commands.release()


class SceneBuffers:
    """The meshes of one scene; several scenes of a context share a draw list."""

    def __init__(self, context: moderngl.Context, scene: Scene, draws: DrawList) -> None:
        self._context = context
        self._draws = draws
        self._cameras = context.buffer(np.arange(MOST_CAMERAS, dtype=np.float32).tobytes())
        self._meshes = {
            Pass.OBJECTS: (MESH, *self._pair(scene.library.vertices, scene.library.indices)),
            Pass.FACADES: (FACADE, *self._tiled(scene.facades)),
            Pass.GROUND: (GROUND, *self._tiled(scene.ground)),
            Pass.KERBS: (GROUND, *self._tiled(scene.kerbs)),
            Pass.MARKINGS: (MARKING, *self._tiled(scene.markings)),
            Pass.QUADS: (("3f4", ("in_position",)), *self._pair(QUAD, QUAD_INDICES)),
        }
        self._meshes[Pass.GLOWS] = self._meshes[Pass.QUADS]

    def array(self, part: Pass, program: moderngl.Program, *more: Any) -> moderngl.VertexArray:
        """Return the vertex array that draws a pass with a program, by `render_indirect`; what the program leaves out is skipped.

        Arrays of passes that are drawn row by row are to be made anew when the draw list says so. `more` are further buffers,
        each (buffer, layout, names...).
        """
        by_row = part in (Pass.OBJECTS, Pass.QUADS, Pass.GLOWS)
        (layout, names) = INSTANCE if by_row else CAMERA
        each = (self._draws.rows if by_row else self._cameras, layout, *names)
        if part not in self._meshes:
            return self._context.vertex_array(program, [each, *more], skip_errors=True)
        (layout, names), vertices, indices = self._meshes[part]
        content = [(vertices, layout, *names), each, *more]
        return self._context.vertex_array(program, content, indices, skip_errors=True)

    def release(self) -> None:
        """Free the meshes."""
        for _, vertices, indices in set(self._meshes.values()):
            vertices.release()
            indices.release()
        self._cameras.release()

    def _tiled(self, mesh: TiledMesh) -> tuple[moderngl.Buffer, moderngl.Buffer]:
        return self._pair(mesh.vertices, mesh.indices)

    def _pair(
        self, vertices: NDArray[np.void] | NDArray[np.float32], indices: NDArray[np.integer]
    ) -> tuple[moderngl.Buffer, moderngl.Buffer]:
        context = self._context
        return (
            context.buffer(vertices.tobytes() or bytes(vertices.itemsize)),
            context.buffer(np.asarray(indices, dtype=np.uint32).tobytes() or bytes(12)),
        )
