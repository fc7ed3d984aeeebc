"""The wire layouts of CARLA as data, and their check against a client library's debug information."""
