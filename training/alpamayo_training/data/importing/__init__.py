"""Drives that somebody else has recorded, as datasets: videos with poses, CARLA recordings, drives that are watched."""
