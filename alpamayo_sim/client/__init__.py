"""The client's end of the CARLA protocol: connect, start an embedded server, step it, read sensors. Works with any server."""
