"""One process that renders for several worlds: it owns the OpenGL context and draws what waits in as few calls as it can."""
