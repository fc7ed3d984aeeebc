"""GNSS: where the sensor is on the globe."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from alpamayo_sim.sensors.sensor import Tick, floats, noise_generator, pack

EARTH_RADIUS_M = 6378137.0


def geolocation(x: float, y: float, z: float, reference_deg: tuple[float, float]) -> tuple[float, float, float]:
    """Return (latitude deg, longitude deg, altitude m) of a place in the CARLA world frame.

    Mercator about the map's georeference (latitude, longitude), as CARLA's `GeoLocation.cpp` and the leaderboard's route
    planner have it: y points south. (`carla.Map.transform_to_geolocation` of the 0.9.16 client reads `+proj=tmerc` maps with
    y to the north.)
    """
    latitude0, longitude0 = reference_deg
    scale = math.cos(math.radians(latitude0))
    mercator_x = scale * math.radians(longitude0) * EARTH_RADIUS_M + x
    mercator_y = scale * EARTH_RADIUS_M * math.log(math.tan(math.radians(90.0 + latitude0) / 2.0)) - y
    longitude = math.degrees(mercator_x / (EARTH_RADIUS_M * scale))
    latitude = math.degrees(2.0 * math.atan(math.exp(mercator_y / (EARTH_RADIUS_M * scale)))) - 90.0
    return latitude, longitude, z


class Gnss:
    """`sensor.other.gnss`: latitude, longitude and altitude with bias and Gaussian noise."""

    def __init__(self, attributes: Mapping[str, str], seed: int) -> None:
        self._bias = floats(attributes, "noise_lat_bias", "noise_lon_bias", "noise_alt_bias")
        self._stddev = floats(attributes, "noise_lat_stddev", "noise_lon_stddev", "noise_alt_stddev")
        self._random = noise_generator(attributes, seed)

    def measure(self, tick: Tick) -> Sequence[bytes]:
        """Return one body: `[latitude, longitude, altitude]`."""
        place = geolocation(*tick.pose[:3], tick.world.road_map.geo_reference)
        noise = self._random.standard_normal(3).tolist()
        values = [v + b + s * n for v, b, s, n in zip(place, self._bias, self._stddev, noise, strict=True)]
        return (pack(values),)
