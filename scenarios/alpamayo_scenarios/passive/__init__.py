"""Judging somebody else's episode: a second client that looks on, and never ticks or changes the world."""
