"""An ego driver for other people's scenarios: CARLA's BasicAgent in a second client, which never ticks the world.

    python ego_driver.py --port PORT [--role-name hero] [--speed-kmh 30]

Needs CARLA's `agents` package on the path. BasicAgent sees vehicles only, and where they are; this driver also stops for walkers
and cyclists, where they are and where they are going, and for what is too tall to drive over. It ends when its vehicle is gone.
"""

from __future__ import annotations

import argparse
import sys
import time

import carla
from agents.navigation.basic_agent import BasicAgent
from shapely.geometry import LineString, MultiPoint

CLEARANCE_M = 0.3
"""A prop that is lower than this can be driven over."""
SIDE_ROOM_M = 0.3
STOPPING_ROOM_M = 5.0
BRAKING_MPS2 = 3.0
FORESIGHT_S = 3.0
"""How long a walker or cyclist is expected to go on as it does."""
BACKING_THROTTLE = 0.3


def find_vehicle(world: carla.World, role_name: str, patience_s: float) -> carla.Vehicle | None:
    """The vehicle with a role name, waited for."""
    deadline_s = time.monotonic() + patience_s
    while time.monotonic() < deadline_s:
        for actor in world.get_actors().filter("vehicle.*"):
            if actor.attributes.get("role_name") == role_name:
                return actor
        time.sleep(0.02)
    return None


class Driver:
    """BasicAgent along the road ahead, with eyes for all that stands on it."""

    def __init__(self, vehicle: carla.Vehicle, speed_kmh: float, ignore_lights: bool) -> None:
        self._vehicle = vehicle
        self._world = vehicle.get_world()
        self._agent = BasicAgent(vehicle, target_speed=speed_kmh, opt_dict={"ignore_traffic_lights": ignore_lights})

    def control(self) -> carla.VehicleControl:
        """What to do now."""
        control = self._agent.run_step()
        if self._blocked():
            control.throttle, control.brake = 0.0, 0.8
        return control

    def backing_control(self) -> carla.VehicleControl:
        """Straight backwards."""
        return carla.VehicleControl(throttle=BACKING_THROTTLE, reverse=True)

    def _blocked(self) -> bool:
        pose = self._vehicle.get_transform()
        speed_mps = self._vehicle.get_velocity().length()
        extent = self._vehicle.bounding_box.extent
        reach_m = extent.x + STOPPING_ROOM_M + speed_mps**2 / (2.0 * BRAKING_MPS2)
        points = [(pose.location.x, pose.location.y)]
        for waypoint, _ in self._agent.get_local_planner().get_plan():
            location = waypoint.transform.location
            if location.distance(pose.location) > reach_m:
                break
            points.append((location.x, location.y))
        if len(points) < 2:
            return False
        way = LineString(points).buffer(extent.y + SIDE_ROOM_M, cap_style="flat")
        for actor in self._world.get_actors():
            if actor.id == self._vehicle.id or not actor.type_id.startswith(("walker.", "vehicle.", "static.prop.")):
                continue
            location = actor.get_location()
            if location.distance(pose.location) > reach_m + 5.0:
                continue
            box = actor.bounding_box
            if actor.type_id.startswith("static.") and 2.0 * box.extent.z < CLEARANCE_M:
                continue
            corners = [(corner.x, corner.y) for corner in box.get_world_vertices(actor.get_transform())]
            if actor.type_id.startswith("walker.") or actor.attributes.get("number_of_wheels") == "2":
                velocity = actor.get_velocity()
                corners += [(x + FORESIGHT_S * velocity.x, y + FORESIGHT_S * velocity.y) for x, y in corners]
            if way.intersects(MultiPoint(corners).convex_hull):
                return True
        return False


def main() -> int:
    """Drive until the vehicle is gone; 1 if there never was one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--role-name", default="hero")
    parser.add_argument("--speed-kmh", type=float, default=30.0)
    parser.add_argument("--ignore-lights", action="store_true")
    parser.add_argument("--back-up-m", type=float, default=0.0, help="first drive backwards so far")
    parser.add_argument("--drives", type=int, default=1, help="drive so many vehicles, one after the other")
    parser.add_argument("--patience", type=float, default=60.0, metavar="SECONDS")
    options = parser.parse_args()
    client = carla.Client(options.host, options.port)
    client.set_timeout(20.0)
    world = client.get_world()
    for _ in range(options.drives):
        vehicle = find_vehicle(world, options.role_name, options.patience)
        if vehicle is None:
            print(f"no vehicle with the role name {options.role_name}", file=sys.stderr)
            return 1
        drive(client, vehicle, Driver(vehicle, options.speed_kmh, options.ignore_lights), options.back_up_m)
    return 0


def drive(client: carla.Client, vehicle: carla.Vehicle, driver: Driver, back_up_m: float) -> None:
    """Drive until the vehicle is gone."""
    world = vehicle.get_world()
    first = last = world.get_snapshot().frame
    turns, start = 0, vehicle.get_location()
    backing = back_up_m > 0.0
    while True:
        last = world.wait_for_tick(20.0).frame
        if not vehicle.is_alive or world.get_snapshot().find(vehicle.id) is None:
            break
        backing = backing and vehicle.get_location().distance(start) < back_up_m
        control = driver.backing_control() if backing else driver.control()
        # A batch, since the client library does not send a control that has not changed, and lock-step waits for it.
        client.apply_batch([carla.command.ApplyVehicleControl(vehicle, control)])
        turns += 1
    print(f"driver: {turns} turns in {last - first} frames", flush=True)


if __name__ == "__main__":
    sys.exit(main())
