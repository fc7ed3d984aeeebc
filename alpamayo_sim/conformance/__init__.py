"""The conformance kit: semantic checks of any CARLA 0.9.16 server, through the `carla` client alone."""
