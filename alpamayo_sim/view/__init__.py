"""A web page that shows the world of any CARLA 0.9.16 server; a passive client of it."""
