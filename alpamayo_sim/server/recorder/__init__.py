"""CARLA's recorder and replayer: recordings in CARLA's own file format, the queries on them, and playing them back."""
