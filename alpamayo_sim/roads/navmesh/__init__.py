"""Where pedestrians can walk, as the Detour navigation mesh that CARLA's clients load for their AI walkers.

`areas` say what the ground is, `polygons` cut it into convex pieces, `detour_format` writes and reads the bytes.
"""
