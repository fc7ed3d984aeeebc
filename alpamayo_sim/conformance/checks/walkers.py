"""Walkers: by hand, and under the client's own navigation."""

from __future__ import annotations

from collections.abc import Iterator

import carla

from alpamayo_sim.conformance.check import Family, Measured, Skip
from alpamayo_sim.conformance.context import STEP_S, Context

WALKERS = Family("walkers")


def _walker(context: Context, place: carla.Transform) -> carla.Walker:
    adults = [b.id for b in context.library.filter("walker.pedestrian.*") if b.get_attribute("age").as_str() == "adult"]
    if not adults:
        raise Skip("the server has no adult walker blueprint")
    return context.spawn(carla.Walker, sorted(adults)[0], place, {"is_invincible": "false"})


@WALKERS.check(
    "control",
    "A walker goes where its control says, at the speed that it says",
    carla="Walkers reach the speed almost at once and stop at once with speed 0.",
    source="Carla/Walker/WalkerController.cpp; Docs/python_api.md, carla.WalkerControl",
)
def _control(context: Context) -> Iterator[Measured]:
    place = context.places.straight(40.0).at(10.0)
    place.location.z += 0.9
    walker = _walker(context, place)
    context.tick(20)
    forward = place.get_forward_vector()
    walker.apply_control(carla.WalkerControl(forward, 1.5, False))
    context.tick(10)
    start = walker.get_location()
    context.tick(40)
    yield Measured("distance in two seconds", (walker.get_location() - start).dot(forward), "m", 3.0, 0.15)
    yield Measured("speed", walker.get_velocity().length(), "m/s", 1.5, 0.05)
    yield Measured("speed of its control", walker.get_control().speed, "m/s", 1.5, 1e-3)
    walker.apply_control(carla.WalkerControl(forward, 0.0, False))
    context.tick(10)
    yield Measured("speed half a second after it was stopped", walker.get_velocity().length(), "m/s", 0.0, 0.05)


@WALKERS.check(
    "jump",
    "A walker that jumps leaves the ground and comes back",
    carla="JumpZVelocity is 5 m/s: up by about 1.2 m for one second.",
    source="Carla/Walker/WalkerController.cpp and CARLA's walker blueprint",
)
def _jump(context: Context) -> Iterator[Measured]:
    place = context.places.straight(40.0).at(10.0)
    place.location.z += 0.9
    walker = _walker(context, place)
    context.tick(20)
    ground = walker.get_location().z
    walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0, True))
    heights: list[float] = []
    for number in range(60):
        context.tick()
        heights.append(walker.get_location().z - ground)
        if number == 0:
            walker.apply_control(carla.WalkerControl(carla.Vector3D(1.0, 0.0, 0.0), 0.0, False))
    yield Measured("height of the jump", max(heights), "m", diff_tolerance=0.3)
    yield Measured("height at the end", heights[-1], "m", 0.0, 0.05)


@WALKERS.check(
    "navigation_points",
    "The town has places to walk",
    carla="get_random_location_from_navigation gives points of sidewalks from the server's navigation mesh.",
    source="LibCarla/source/carla/nav/Navigation.cpp; Docs/core_actors.md",
)
def _navigation_points(context: Context) -> Iterator[Measured]:
    context.world.set_pedestrians_seed(7)
    points = [context.world.get_random_location_from_navigation() for _ in range(10)]
    found = [point for point in points if point is not None]
    yield Measured("points of ten", len(found), expected=10)
    if found:
        # The mesh is below the ground that a walker stands on, by its cell height.
        heights = [
            abs(hit.location.z - point.z)
            for point in found
            if (hit := context.world.ground_projection(_above(point, 1.5), 6.0)) is not None
        ]
        yield Measured("points with ground", len(heights) == len(found), expected=True)
        yield Measured("largest height of a point beside the ground", max(heights, default=9.0), "m", 0.0, 0.6)


@WALKERS.check(
    "ai",
    "A walker under controller.ai.walker walks to where it is sent",
    carla="The client's crowd moves the walker along the navigation mesh with ApplyWalkerState batches.",
    source="PythonAPI/examples/generate_traffic.py; LibCarla/source/carla/nav/WalkerManager.cpp",
)
def _ai(context: Context) -> Iterator[Measured]:
    context.world.set_pedestrians_seed(7)
    start = context.world.get_random_location_from_navigation()
    if start is None:
        raise Skip("the town has no navigation mesh")
    walker = _walker(context, carla.Transform(_above(start, 1.0)))
    context.tick()
    controller = context.spawn(carla.WalkerAIController, "controller.ai.walker", carla.Transform(), parent=walker)
    context.tick()
    controller.start()
    try:
        controller.go_to_location(_far_point(context, start))
        controller.set_max_speed(1.4)
        context.tick(20)
        before = walker.get_location()
        context.tick(100)
        moved = walker.get_location().distance(before)
        speed = walker.get_velocity().length()
    finally:
        controller.stop()
        context.tick()
    yield Measured("it walks", moved > 2.0, expected=True)
    yield Measured("no faster than it may", moved <= 1.4 * 100 * STEP_S + 0.3, expected=True)
    yield Measured("distance from its start after five seconds", moved, "m", diff_tolerance=3.0)
    yield Measured("its speed is told", speed <= 2.0, expected=True)


def _above(point: carla.Location, height_m: float) -> carla.Location:
    return carla.Location(point.x, point.y, point.z + height_m)


def _far_point(context: Context, start: carla.Location) -> carla.Location:
    points = [context.world.get_random_location_from_navigation() for _ in range(20)]
    return max((p for p in points if p is not None), key=lambda p: p.distance(start), default=start)
