"""Large textures through the real client: what fits in 64 MiB is taken, what does not is an error on a living connection."""

from __future__ import annotations

from collections.abc import Iterator

import carla
import psutil
import pytest
from test_malformed import RawClient
from waits import until

from alpamayo_sim.client.connection import connect
from alpamayo_sim.client.embedded import EmbeddedServer

MEGABYTE = 1 << 20
SIDE = 1024
TOO_LARGE_SIDE = 4096
"""In single-precision floats 336 MiB, in bytes of 128 and more 144 MiB on the wire."""


@pytest.fixture(scope="module")
def own_server() -> Iterator[EmbeddedServer]:
    with EmbeddedServer("Gridvale", seed=1) as running:
        yield running


@pytest.fixture
def own_world(own_server: EmbeddedServer) -> carla.World:
    return connect(own_server.address).get_world()


def filled(side: int, color: carla.Color) -> carla.TextureColor:
    """Return a texture of bright pixels with a dark corner."""
    texture = carla.TextureColor(side, side)
    for x in range(side):
        for y in range(side):
            texture.set(x, y, color)
    texture.set(0, 0, carla.Color(0, 0, 0, 0))
    return texture


def applied(server: EmbeddedServer, name: str) -> dict[int, list[object]]:
    with RawClient(server.address.port) as raw:
        records = raw.call("get_applied_textures")[0][1]
    return {record[1]: record[2:] for record in records if record[0] == name}


def test_textures_of_a_million_pixels_are_taken(own_server: EmbeddedServer, own_world: carla.World) -> None:
    name = own_world.get_names_of_all_objects()[0]
    own_world.apply_color_texture_to_object(
        name, carla.MaterialParameter.Diffuse, filled(SIDE, carla.Color(10, 148, 204, 255))
    )
    floats = carla.TextureFloatColor(SIDE, SIDE)
    floats.set(3, 4, carla.FloatColor(float(SIDE * SIDE), 0.0, 0.0, 1.0))
    own_world.apply_float_color_texture_to_object(name, carla.MaterialParameter.Emissive, floats)
    found = applied(own_server, name)
    share = 1.0 - 1.0 / SIDE**2
    assert found[int(carla.MaterialParameter.Diffuse)][:2] == [SIDE, SIDE]
    assert found[int(carla.MaterialParameter.Diffuse)][2] == pytest.approx([k * share for k in (10, 148, 204, 255)])
    width, height, mean = found[int(carla.MaterialParameter.Emissive)]
    assert (width, height) == (SIDE, SIDE)
    assert mean[0] == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["color", "float"])
def test_texture_over_the_limit_is_an_error_that_names_it(
    own_server: EmbeddedServer, own_world: carla.World, kind: str
) -> None:
    process = psutil.Process(own_server.pid)
    before = process.memory_info().rss
    name = own_world.get_names_of_all_objects()[0]
    started = own_world.get_snapshot().frame
    with pytest.raises(RuntimeError, match=r"apply_.*the request is larger than 64 MiB"):
        if kind == "color":
            own_world.apply_color_texture_to_object(
                name, carla.MaterialParameter.Normal, filled(TOO_LARGE_SIDE, carla.Color(255, 254, 253, 252))
            )
        else:
            own_world.apply_float_color_texture_to_object(
                name, carla.MaterialParameter.Normal, carla.TextureFloatColor(TOO_LARGE_SIDE, TOO_LARGE_SIDE)
            )
    assert own_world.get_names_of_all_objects()[0] == name, "the same connection goes on"
    assert int(carla.MaterialParameter.Normal) not in applied(own_server, name)
    assert process.memory_info().rss - before < 200 * MEGABYTE
    until(lambda: own_world.get_snapshot().frame > started)
    assert "not msgpack" not in own_server.log()


def test_map_over_the_limit_is_an_error_on_a_living_connection(own_server: EmbeddedServer) -> None:
    with RawClient(own_server.address.port) as raw:
        text = "<OpenDRIVE>" + " " * (80 * MEGABYTE)
        answer = raw.call("copy_opendrive_to_file", text, [2.0, 50.0, 1.0, 0.6, True, True, True])
        assert "larger than 64 MiB" in answer[0][1][0]
        assert raw.call("version") == [[1, "0.9.16"]]


def test_long_array_is_an_error_on_a_living_connection(own_server: EmbeddedServer) -> None:
    with RawClient(own_server.address.port) as raw:
        answer = raw.call("get_actors_by_id", [1] * 200_000)
        assert "max_array_len" in answer[0][1][0]
        assert raw.call("version") == [[1, "0.9.16"]]
