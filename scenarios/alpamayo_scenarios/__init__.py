"""Routes, traffic, walkers and the one episode function, written against the `carla` API only."""
