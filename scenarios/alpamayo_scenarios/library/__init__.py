"""The scenario types of leaderboard 2.x and Bench2Drive, written against the `carla` API: they run on any CARLA server."""
