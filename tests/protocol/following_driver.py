"""A driver that does not tick: `following_driver.py PORT ACTOR FRAMES batch|call` prints which frames it handled.

At every frame that it gets it asks questions, thinks for a while, and steers the vehicle towards the waypoint ahead, as CARLA's
own example agents do. It sends its controls in batches or by `apply_control`, which the client library leaves out when the
control is that of the last frame. `overtaken` is how often the world had gone on before it sent its control.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import time

import carla
from waits import LONG_S, until

THINKING_S = 0.004


def main(port: int, actor_id: int, frames: int, in_batches: bool) -> None:
    client = carla.Client("127.0.0.1", port)
    client.set_timeout(LONG_S)
    world = client.get_world()
    town, vehicle = world.get_map(), world.get_actor(actor_id)
    until(lambda: world.get_snapshot().find(actor_id) is not None)
    start = world.get_snapshot().frame
    # A queue, since a frame that comes while this process has no turn is missed by `wait_for_tick`.
    coming: queue.SimpleQueue[int] = queue.SimpleQueue()
    world.on_tick(lambda snapshot: coming.put(snapshot.frame))
    client.apply_batch([carla.command.ApplyVehicleControl(vehicle, carla.VehicleControl(throttle=0.1))])
    client.get_server_version()  # answered after the batch, with which its first turn ends
    print("ready", flush=True)
    handled: list[int] = []
    overtaken = 0
    while len(handled) < frames:
        frame = coming.get(timeout=LONG_S)
        if frame <= start:
            continue
        assert vehicle.bounding_box.extent.x > 0.0
        ahead = town.get_waypoint(vehicle.get_location()).next(6.0)[0].transform.location
        pose = vehicle.get_transform()
        right, forward = pose.get_right_vector(), pose.get_forward_vector()
        to = ahead - pose.location
        bearing = (to.x * right.x + to.y * right.y) / max(1.0, to.x * forward.x + to.y * forward.y)
        time.sleep(THINKING_S)
        overtaken += world.get_snapshot().frame != frame
        control = carla.VehicleControl(throttle=0.4, steer=max(-0.6, min(0.6, bearing)))
        if in_batches:
            client.apply_batch([carla.command.ApplyVehicleControl(vehicle, control)])
        else:
            vehicle.apply_control(control)
        handled.append(frame)
    found = {"first": handled[0], "last": handled[-1], "handled": len(handled), "overtaken": overtaken}
    print(json.dumps(found), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]), in_batches=sys.argv[4] == "batch")
