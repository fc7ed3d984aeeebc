"""Contact sheets of what cameras see, into `docs/images`: `python docs/contact_sheets.py [TOWN.xodr ...]`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import carla
import cv2
import numpy as np

from alpamayo_sim.frames import Transform, to_world
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.scene_frame import SceneFrame, is_walker, shape_class
from alpamayo_sim.roads.road_map import RoadMap, available_towns, load_road_map
from alpamayo_sim.roads.statics import StaticKind, build_statics
from alpamayo_sim.sensors.scene_writer import CLOTHES, PROP_COLOR, VEHICLE_COLORS
from alpamayo_sim.world.blueprints import Blueprint, catalogue

IMAGES = Path(__file__).parent / "images"
Image = np.ndarray[Any, Any]
PAINTS = ((150, 26, 30), (34, 78, 150), (196, 198, 200), (44, 92, 70), (32, 34, 38), (190, 150, 60))
WEATHERS = (
    "ClearNoon", "CloudyNoon", "WetNoon", "HardRainNoon", "ClearSunset", "WetSunset", "HardRainSunset", "DustStorm",
    "ClearNight", "CloudyNight", "WetNight", "HardRainNight",
)  # fmt: skip
HOURS_DEG = (75.0, 30.0, 10.0, 3.0, -2.0, -90.0)
JPEG_QUALITY = 82


class Studio:
    """A town's renderer and a straight piece of road to put things on."""

    def __init__(self, town: str) -> None:
        self.road_map: RoadMap = load_road_map(town)
        self.renderer = Renderer(Scene.from_road_map(self.road_map, build_statics(self.road_map)), samples=4)

    def stage(self, number: int = 0) -> Transform:
        """Return a pose on the ground of the number-th lane that goes straight on for 45 m."""
        found = 0
        for x, y, z, _, yaw, _ in self.road_map.spawn_points:
            ahead = np.array([[x + 45.0 * np.cos(np.radians(yaw)), y + 45.0 * np.sin(np.radians(yaw))]])
            hit = self.road_map.lanes.nearest(ahead)
            straight = abs(float(hit.lateral_m[0])) < 0.3 and abs((float(hit.yaw_deg[0]) - yaw + 180) % 360 - 180) < 3
            if straight and found == number:
                return Transform(float(x), float(y), float(z) - 0.5, 0.0, float(yaw), 0.0)
            found += straight
        raise LookupError("no such straight lane")

    def take(
        self, eye: Transform, frame: SceneFrame, size: tuple[int, int] = (320, 200), fov_deg: float = 60.0
    ) -> Image:
        """Return a picture, BGR."""
        return self.renderer.render([CameraView(eye, *size, fov_deg)], frame)[0][..., :3]


def weather(name: str) -> tuple[float, ...]:
    """Return one of CARLA's presets as 14 numbers."""
    preset: Any = getattr(carla.WeatherParameters, name)
    return (
        preset.cloudiness, preset.precipitation, preset.precipitation_deposits, preset.wind_intensity,
        preset.sun_azimuth_angle, preset.sun_altitude_angle, preset.fog_density, preset.fog_distance, preset.fog_falloff,
        preset.wetness, preset.scattering_intensity, preset.mie_scattering_scale, preset.rayleigh_scattering_scale,
        preset.dust_storm,
    )  # fmt: skip


def look_at(stage: Transform, ahead_m: float, height_m: float, distance_m: float, down_deg: float) -> Transform:
    """Return the pose of a camera that looks down at a point over the road from a distance."""
    angle = np.radians(down_deg)
    place = np.array([ahead_m - distance_m * np.cos(angle), 0.0, height_m + distance_m * np.sin(angle)])
    x, y, z = (float(v) for v in to_world(stage, place))
    return Transform(x, y, z, -down_deg, stage.yaw, 0.0)


def actors(
    road_map: RoadMap,
    stage: Transform,
    placed: Sequence[tuple[Blueprint, float, float, float]],
    lights: Sequence[int] = (),
    **rest: Any,
) -> SceneFrame:
    """Return a frame with actors of blueprints at (metres ahead of the stage, metres to its right, degrees)."""
    count = len(placed)
    shapes, rows, colors = np.zeros(count, np.int32), np.zeros((count, 6)), np.zeros((count, 3), np.uint8)
    for k, (blueprint, ahead, right, turn) in enumerate(placed):
        values = blueprint.values({})
        shapes[k] = shape_class(
            blueprint.id, base_type=blueprint.base_type, wheels=blueprint.number_of_wheels, extent=blueprint.extent,
            gender=values.get("gender", ""), age=values.get("age", "adult"),
        )  # fmt: skip
        x, y, z = (float(v) for v in to_world(stage, np.array([ahead, right, 0.0])))
        ground = float(road_map.ground.height(np.array([[x, y]]), z + 0.5)[0][0])
        lift = blueprint.extent[2] if blueprint.is_walker else 0.0
        rows[k] = (x, y, ground + lift, 0.0, stage.yaw + turn, 0.0)
        colors[k] = _color(blueprint)
    walkers = is_walker(shapes)
    return SceneFrame(
        shape_class=shapes,
        transform=rows,
        extent=np.array([b.extent for b, *_ in placed]).reshape(-1, 3),
        box_center=np.array([b.box_center for b, *_ in placed]).reshape(-1, 3) * ~walkers[:, None],
        color=colors,
        light_flags=np.array(lights) if len(lights) else np.zeros(count, np.int32),
        speed_mps=np.full(count, 1.4),
        stride_phase_rad=np.arange(count) * 1.3,
        steer_deg=np.full(count, 12.0) * (count == 1),
        look=np.modf(np.array([b.uid for b, *_ in placed]) * 0.6180339887 + 0.13)[0],
        time_s=0.1,
        **rest,
    )


def _color(blueprint: Blueprint) -> tuple[int, int, int]:
    if blueprint.is_walker:
        return CLOTHES[blueprint.uid * 5 % len(CLOTHES)]
    if blueprint.is_vehicle:
        return next((c for part, c in VEHICLE_COLORS if part in blueprint.id), PAINTS[blueprint.uid * 7 % len(PAINTS)])
    return PROP_COLOR


def sheet(pictures: Iterable[Image], columns: int, name: str, titles: Sequence[str] = ()) -> None:
    """Write pictures side by side, each with its title, as a JPEG."""
    tiles = [np.ascontiguousarray(p) for p in pictures]
    for tile, title in zip(tiles, titles, strict=False):
        tile[:18] = (tile[:18] * 0.35).astype(np.uint8)
        cv2.putText(tile, title, (5, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
    while len(tiles) % columns:
        tiles.append(np.full_like(tiles[0], 30))
    rows = [np.hstack(tiles[k : k + columns]) for k in range(0, len(tiles), columns)]
    cv2.imwrite(str(IMAGES / name), np.vstack(rows), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def vehicles(studio: Studio) -> None:
    """Every vehicle of the catalogue, half of them from behind, with lights."""
    stage, pictures, titles = studio.stage(), [], []
    chosen = [b for b in catalogue().values() if b.is_vehicle]
    for k, blueprint in enumerate(chosen):
        frame = actors(studio.road_map, stage, [(blueprint, 14.0, 0.0, 35.0 + 180.0 * (k % 2))], [2 | 8 | 32 | 512])
        reach = float(np.linalg.norm(blueprint.extent))
        eye = look_at(stage, 14.0, 1.0 * blueprint.extent[2], 1.75 * reach + 1.2, 12.0)
        pictures.append(studio.take(eye, frame, (210, 140), 62.0))
        titles.append(blueprint.id.removeprefix("vehicle."))
    sheet(pictures, 7, "vehicles.jpg", titles)


def walkers(studio: Studio) -> None:
    """Every walker of the catalogue, in its stride."""
    stage, pictures = studio.stage(), []
    chosen = [b for b in catalogue().values() if b.is_walker]
    for first in range(0, len(chosen), 13):
        group = chosen[first : first + 13]
        placed = [(b, 9.0, (k - 6) * 0.95, 145.0 + 14.0 * k) for k, b in enumerate(group)]
        x, y, z = to_world(stage, np.array([1.6, 0.0, 1.5]))
        eye = Transform(float(x), float(y), float(z), -4.0, stage.yaw, 0.0)
        pictures.append(studio.take(eye, actors(studio.road_map, stage, placed), (1100, 230), 84.0))
    sheet(pictures, 1, "walkers.jpg")


def props(studio: Studio) -> None:
    """Every prop of the catalogue."""
    stage, pictures, titles = studio.stage(), [], []
    for blueprint in catalogue().values():
        if not blueprint.id.startswith("static.prop.") or max(blueprint.extent) <= 0.0:
            continue
        size = max(float(np.linalg.norm(blueprint.extent)), 0.12)
        frame = actors(studio.road_map, stage, [(blueprint, 14.0, 0.0, 215.0)])
        eye = look_at(stage, 14.0, 0.9 * blueprint.extent[2], 2.1 * size + 0.2, 18.0)
        pictures.append(studio.take(eye, frame, (120, 104), 62.0))
        titles.append(blueprint.id.removeprefix("static.prop."))
    sheet(pictures, 12, "props.jpg", titles)


def _street(studio: Studio, stage: Transform, preset: tuple[float, ...], size: tuple[int, int]) -> Image:
    kinds = catalogue()
    placed = [
        (kinds["vehicle.lincoln.mkz_2020"], 13.0, 0.0, 0.0), (kinds["vehicle.nissan.patrol"], 20.0, -3.5, 180.0),
        (kinds["walker.pedestrian.0002"], 10.0, 3.0, 90.0), (kinds["walker.pedestrian.0010"], 14.0, 4.6, 0.0),
        (kinds["vehicle.mitsubishi.fusorosa"], 42.0, -3.7, 180.0), (kinds["vehicle.mercedes.sprinter"], 30.0, 0.0, 0.0),
    ]  # fmt: skip
    night = preset[5] < 5.0
    on = 2 if night else 0
    lights = [on | 8, on, 0, 0, on, on | 16]
    x, y, z = to_world(stage, np.array([1.0, 0.0, 1.6]))
    own = (kinds["vehicle.tesla.model3"], -2.6, 0.0, 0.0)
    colors = np.arange(len(studio.road_map.signals.lights), dtype=np.int32) % 3
    frame = actors(studio.road_map, stage, [*placed, own], [*lights, on], weather=preset, traffic_light_state=colors)
    return studio.take(Transform(float(x), float(y), float(z), 0.0, stage.yaw, 0.0), frame, size, 84.0)


def weathers(studio: Studio) -> None:
    """CARLA's presets, and the sun at other heights."""
    stage = studio.stage(2)
    size = (330, 186)
    sheet([_street(studio, stage, weather(name), size) for name in WEATHERS], 4, "weathers.jpg", WEATHERS)
    noon = weather("ClearNoon")
    hours = [(*noon[:5], height, *noon[6:]) for height in HOURS_DEG]
    titles = [f"sun at {height:g} degrees" for height in HOURS_DEG]
    sheet([_street(studio, stage, preset, size) for preset in hours], 3, "hours.jpg", titles)


def approach(studio: Studio, number: int) -> Transform:
    """Return a pose 14 m before the number-th stop line of the town that lies on a straight lane, lights before signs."""
    signals = studio.road_map.signals
    boxes = [light.lane_boxes[0] for light in signals.lights]
    boxes += [s.boxes[0] for s in signals.signs if s.type_id in ("traffic.stop", "traffic.yield") and s.boxes]
    found = 0
    for box in boxes:
        x, y, _ = box.center
        back = 14.0 * np.array([np.cos(np.radians(box.yaw_deg)), np.sin(np.radians(box.yaw_deg))])
        hit = studio.road_map.lanes.nearest(np.array([[x - back[0], y - back[1]]]))
        turned = abs((float(hit.yaw_deg[0]) - box.yaw_deg + 180.0) % 360.0 - 180.0)
        if abs(float(hit.lateral_m[0])) < 0.4 and turned < 4.0:
            if found == number:
                return Transform(x - float(back[0]), y - float(back[1]), float(hit.xyz[0, 2]), 0.0, box.yaw_deg, 0.0)
            found += 1
    raise LookupError("no such straight approach")


def parked_street(studio: Studio, number: int) -> Transform:
    """Return a pose on a driving lane beside parking lanes, a little before cars that stand there; else on any street."""
    lanes, statics = studio.road_map.lanes, studio.renderer.scene.statics
    found = 0
    for x, y, z, _, yaw, _ in studio.road_map.spawn_points:
        ahead = statics.center[:, :2] - (x, y)
        c, s = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
        along, across = ahead @ (c, s), np.abs(ahead @ (-s, c))
        at_kerb = (statics.kind == int(StaticKind.PARKED_CAR)) & (statics.source >= 0)
        hit = lanes.nearest(np.array([[x + 45.0 * c, y + 45.0 * s]]))
        straight = abs(float(hit.lateral_m[0])) < 0.3
        if straight and int((at_kerb & (along > 6.0) & (along < 40.0) & (across < 7.0)).sum()) >= 4:
            if found == number:
                return Transform(float(x), float(y), float(z) - 0.5, 0.0, float(yaw), 0.0)
            found += 1
    return studio.stage(5)


def towns(files: Sequence[str]) -> None:
    """Streets, a junction and roofs of each town."""
    pictures, titles = [], []
    size = (420, 236)
    for town in [*available_towns(), *files]:
        studio = Studio(town)
        noon = weather("ClearNoon")
        for stage in (parked_street(studio, 2), studio.stage(14), approach(studio, 1)):
            pictures.append(_street(studio, stage, noon, size))
            titles.append(studio.road_map.name)
        stage = studio.stage(1)
        x, y, z = to_world(stage, np.array([-25.0, -6.0, 24.0]))
        above = Transform(float(x), float(y), float(z), -24.0, stage.yaw + 12.0, 0.0)
        pictures.append(studio.take(above, SceneFrame(weather=noon), size, 80.0))
        titles.append(studio.road_map.name)
        studio.renderer.release()
    sheet(pictures, 4, "streets.jpg", titles)


if __name__ == "__main__":
    IMAGES.mkdir(exist_ok=True)
    main = Studio("Gridvale")
    vehicles(main)
    walkers(main)
    props(main)
    weathers(main)
    towns(sys.argv[1:])
