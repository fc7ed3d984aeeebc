"""Camera rigs from plain data, and as the sensor lists that the leaderboard's and Bench2Drive's agents return."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, cast

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
