"""Things of a map that a client has hidden are in no picture."""

from __future__ import annotations

import numpy as np
from car_frames import cars

from alpamayo_sim.frames import Transform
from alpamayo_sim.render.camera import CameraView
from alpamayo_sim.render.renderer import Renderer
from alpamayo_sim.render.scene import Scene
from alpamayo_sim.render.sky import CLEAR_NOON
from alpamayo_sim.roads.light_heads import travel_yaw_deg
from alpamayo_sim.roads.road_map import RoadMap
from alpamayo_sim.roads.static_boxes import StaticKind
from alpamayo_sim.world.scene_objects import SceneObjects

NIGHT = (*CLEAR_NOON[:5], -90.0, *CLEAR_NOON[6:])


def _picture(scene: Scene, view: CameraView, lights: np.ndarray) -> np.ndarray:
    renderer = Renderer(scene)
    image = renderer.render([view], cars([], light_states=lights, weather=NIGHT))[0].astype(int)
    renderer.release()
    return image


def test_hidden_heads_arms_and_their_halos_are_gone(renderer: Renderer, town: RoadMap) -> None:
    statics = renderer.scene.statics
    objects = SceneObjects(town, statics)
    light, index = town.signals.lights[0], 0
    heads = [o.id for o in objects.objects if o.name.startswith(f"TrafficLight_{light.signal_id}_")]
    pole = np.flatnonzero((statics.kind == int(StaticKind.LIGHT_POLE)) & (statics.source == index))
    yaw = travel_yaw_deg(light)
    back = 12.0 * np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
    x, y, z = statics.center[pole[0]]
    view = CameraView(Transform(float(x - back[0]), float(y - back[1]), float(z + 1.0), 0.0, yaw, 0.0), 320, 240, 60.0)
    off = np.full(len(town.signals.lights), 3)
    off_but_one = off.copy()
    off_but_one[index] = 0
    lit = _picture(renderer.scene, view, off_but_one)
    before = _picture(renderer.scene, view, off)
    assert ((lit - before)[..., 2] > 60).sum() > 8, "a red light"
    assert objects.enable(heads, False) == []
    hidden = Scene.from_road_map(town, statics, objects.shown())
    assert len(hidden.light_heads) == len(renderer.scene.light_heads) - len(heads)
    np.testing.assert_array_equal(_picture(hidden, view, off_but_one), _picture(hidden, view, off))
    np.testing.assert_array_equal(hidden.light_of_head, renderer.scene.light_of_head[len(heads) :])
    assert objects.enable([int(pole[0]) + 1], False) == []
    bare = Scene.from_road_map(town, statics, objects.shown())
    assert len(bare.instances.rows) == len(hidden.instances.rows) - 2, "pole and arm"
    objects.enable([*heads, int(pole[0]) + 1], True)
    np.testing.assert_array_equal(_picture(Scene.from_road_map(town, statics, objects.shown()), view, off_but_one), lit)


def test_a_hidden_plate_leaves_its_post(renderer: Renderer, town: RoadMap) -> None:
    statics = renderer.scene.statics
    objects = SceneObjects(town, statics)
    sign = next(s for s in town.signals.signs if s.type_id == "traffic.stop")
    (plate,) = [o for o in objects.objects if o.name == f"TrafficSign_{sign.signal_id}"]
    number = town.signals.signs.index(sign)
    pole = np.flatnonzero((statics.kind == int(StaticKind.SIGN_POLE)) & (statics.source == number))[0]
    yaw = sign.boxes[0].yaw_deg
    x, y, z = statics.center[pole] - np.append(5.0 * np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))]), 0.0)
    view = CameraView(Transform(float(x), float(y), float(z), 0.0, yaw, 0.0), 240, 240, 60.0)
    objects.enable([plate.id], False)
    bare = Scene.from_road_map(town, statics, objects.shown())
    pictures = [
        Renderer(scene).render([view], cars([], weather=CLEAR_NOON))[0].astype(int) for scene in (renderer.scene, bare)
    ]
    red = [((p[..., 2] > 120) & (p[..., 1] < 70)).sum() for p in pictures]
    assert red[0] > 150 and red[1] < 0.2 * red[0]
    gone = Scene.from_road_map(town, statics.where(np.arange(len(statics)) != pole))
    changed = (
        np.abs(pictures[1] - Renderer(gone).render([view], cars([], weather=CLEAR_NOON))[0].astype(int)).max(axis=2)
        > 20
    )
    assert changed[:, 110:130].sum() > 60, "the post stands"


def test_a_lamp_that_is_switched_off_lights_nothing_at_night(renderer: Renderer, town: RoadMap) -> None:
    statics = renderer.scene.statics
    objects = SceneObjects(town, statics)
    lamps = np.flatnonzero(statics.kind == int(StaticKind.LAMP))
    k = lamps[7]
    yaw = float(statics.yaw_deg[k])
    ahead = np.array([np.cos(np.radians(yaw)), np.sin(np.radians(yaw))])
    x, y, z = statics.center[k] - np.append(9.0 * ahead, statics.extent[k, 2] - 2.0)
    view = CameraView(Transform(float(x), float(y), float(z), 8.0, yaw, 0.0), 320, 240, 80.0)
    none = np.zeros(0, dtype=np.int32)
    lit = _picture(renderer.scene, view, none)
    version = objects.version
    objects.switch_lamps([True] * len(lamps))
    assert objects.version == version, "nothing has changed"
    objects.switch_lamps([bool(lamp != k) for lamp in lamps])
    assert objects.version > version
    scene = Scene.from_road_map(town, statics, objects.shown())
    dark = _picture(scene, view, none)
    fell = (lit - dark)[..., :3].max(axis=2)
    assert fell.max() > 120, "the lamp itself"
    assert (fell > 25).mean() > 0.05, "its pool of light"
    assert (dark - lit)[..., :3].max() < 12
    objects.switch_lamps([False] * len(lamps))
    darker = _picture(Scene.from_road_map(town, statics, objects.shown()), view, none)
    assert darker[..., :3].mean() < dark[..., :3].mean()
