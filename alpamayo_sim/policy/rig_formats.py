"""Camera rigs from plain data and files, and from and as the sensor lists of the leaderboard's and Bench2Drive's agents."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml

from alpamayo_sim.errors import InputError
from alpamayo_sim.policy.camera_rig import SENSOR_BLUEPRINT, CameraRig, RigCamera


def rig_from_plain(plain: Mapping[str, Any]) -> CameraRig:
    """Return the rig of a mapping, as YAML or JSON gives it; InputError that shows the form for anything else.

    {"name", "width_px", "height_px", "cameras": [{"name", "position_rig_m": [x, y, z], "yaw_deg", "fov_deg"}, ...]}:
    metres in the rig frame (rear axle, x forward, y left), yaw to the left.
    """
    try:
        cameras: list[RigCamera] = []
        for entry in cast("Sequence[Mapping[str, Any]]", plain["cameras"]):
            x, y, z = (float(value) for value in entry["position_rig_m"])
            cameras.append(
                RigCamera(str(entry["name"]), (x, y, z), math.radians(float(entry["yaw_deg"])), float(entry["fov_deg"]))
            )
        return CameraRig(str(plain["name"]), tuple(cameras), int(plain["width_px"]), int(plain["height_px"]))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            "a rig is name, width_px, height_px and cameras, each with name, position_rig_m [x, y, z], yaw_deg and fov_deg; "
            f"wrong or missing: {error}"
        ) from error


def leaderboard_sensors(rig: CameraRig, rear_axle_x_m: float) -> list[dict[str, Any]]:
    """Return what an agent's `sensors()` returns for a rig: CARLA's vehicle frame (y right), metres and degrees.

    `rear_axle_x_m` is where the rear axle is in the vehicle's frame, negative.
    """
    sensors: list[dict[str, Any]] = []
    for camera in rig.cameras:
        mount = camera.mount(rear_axle_x_m)
        sensors.append(
            {
                "type": SENSOR_BLUEPRINT,
                "id": camera.name,
                "x": mount.x,
                "y": mount.y,
                "z": mount.z,
                "roll": mount.roll,
                "pitch": mount.pitch,
                "yaw": mount.yaw,
                "width": rig.width_px,
                "height": rig.height_px,
                "fov": camera.fov_deg,
            }
        )
    return sensors


def rig_from_sensors(name: str, sensors: Sequence[Mapping[str, Any]], rear_axle_x_m: float) -> CameraRig:
    """Return the rig of the colour cameras in what an agent's `sensors()` returns, the inverse of `leaderboard_sensors`.

    Other sensors are left out. InputError for cameras that no rig has: of different sizes, pitched or rolled, or incomplete.
    """
    found = [sensor for sensor in sensors if sensor.get("type") == SENSOR_BLUEPRINT]
    try:
        cameras = tuple(
            RigCamera(
                str(sensor["id"]),
                (float(sensor["x"]) - rear_axle_x_m, -float(sensor["y"]), float(sensor["z"])),
                -math.radians(float(sensor["yaw"])),
                float(sensor["fov"]),
            )
            for sensor in found
        )
        sizes = {(int(sensor["width"]), int(sensor["height"])) for sensor in found}
        tilted = [sensor["id"] for sensor in found if float(sensor.get("pitch", 0.0)) or float(sensor.get("roll", 0.0))]
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"a camera of an agent's sensors has id, x, y, z, yaw, width, height and fov; wrong or missing: {error}"
        ) from error
    if len(sizes) != 1 or tilted:
        raise InputError(
            f"a rig's cameras are level and take pictures of one size; found sizes {sorted(sizes)}, tilted {tilted}"
        )
    ((width_px, height_px),) = sizes
    return CameraRig(name, cameras, width_px, height_px)


def read_rig(path: Path) -> CameraRig:
    """Return the rig of a YAML or JSON file of the form that `rig_from_plain` takes; InputError names the file."""
    try:
        plain = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path} cannot be read as a rig in YAML: {error}") from error
    if not isinstance(plain, Mapping):
        raise InputError(
            f"{path}: expected a mapping with name, width_px, height_px and cameras; found {type(plain).__name__}"
        )
    try:
        return rig_from_plain(cast("Mapping[str, Any]", plain))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def plain_rig(rig: CameraRig) -> dict[str, Any]:
    """Return a rig as `rig_from_plain` takes it, to be written as YAML or JSON."""
    return {
        "name": rig.name,
        "width_px": rig.width_px,
        "height_px": rig.height_px,
        "cameras": [
            {
                "name": camera.name,
                "position_rig_m": [round(value, 6) for value in camera.position_rig_m],
                "yaw_deg": round(math.degrees(camera.yaw_rad), 6),
                "fov_deg": camera.fov_deg,
            }
            for camera in rig.cameras
        ],
    }
