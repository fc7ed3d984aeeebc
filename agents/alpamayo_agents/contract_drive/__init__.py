"""The contract check on a CARLA server: an integration with sensors of its own on a drive whose truth is known."""
