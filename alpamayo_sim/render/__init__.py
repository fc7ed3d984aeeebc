"""Cameras of the embedded simulator: OpenGL through EGL, on Mesa's llvmpipe or on a GPU with the same code.

`scene.Scene` holds what stands still, `scene_frame.SceneFrame` what moves, `renderer.Renderer` takes the pictures.
"""
