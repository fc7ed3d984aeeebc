"""What scenarios ask of the background traffic, after the leaderboard's background activity (`background_manager.py`)."""

from __future__ import annotations

import carla


class Background:
    """Background traffic that is not there: it takes every command and has nothing to do.

    The traffic of a benchmark's route (`activity.py`) derives from it. Lanes are named by a waypoint in them.
    """

    def leave_space_in_front(self, space_m: float) -> None:
        """Keep a stretch ahead of the ego in its lane free: those in it drive on faster until it is."""

    def leave_crossing_space(self, collision_point: carla.Waypoint) -> None:
        """Keep the crossing before a place that something will step into free, so that it is not hit by the traffic."""

    def change_road(
        self,
        *,
        front_vehicles: int | None = None,
        back_vehicles: int | None = None,
        spawn_distance_m: float | None = None,
        extra_space_m: float | None = None,
        switch_source: bool | None = None,
    ) -> None:
        """Change how many vehicles drive ahead of and behind the ego in each lane, and how far apart they are spawned."""

    def change_opposite(self, *, active: bool | None = None, spawn_distance_m: float | None = None) -> None:
        """Change the traffic that comes the other way."""

    def change_junction(self, *, source_vehicles: int | None = None, spawn_distance_m: float | None = None) -> None:
        """Change the traffic that enters junctions ahead."""

    def set_max_speed(self, speed_kmh: float | None) -> None:
        """Limit the speed of the vehicles on the ego's road; None lifts the limit."""

    def stop_front_vehicles(self) -> None:
        """Make the vehicles ahead of the ego brake to a stop, with brake lights."""

    def start_front_vehicles(self) -> None:
        """Let them drive on."""

    def stop_back_vehicles(self) -> None:
        """Make the vehicles behind the ego stop, so that something between them and the ego has room."""

    def start_back_vehicles(self) -> None:
        """Let them drive on."""

    def switch_route_sources(self, *, active: bool) -> None:
        """Stop or go on with spawning vehicles in the lanes of the route."""

    def remove_road_lane(self, lane: carla.Waypoint) -> None:
        """Take away the vehicles of a lane and spawn no more in it."""

    def readd_road_lane(self, lane: carla.Waypoint) -> None:
        """Use a lane again."""

    def handle_junction_scenario(
        self,
        *,
        clear_junction: bool = True,
        clear_ego_entry: bool = True,
        remove_entries: tuple[carla.Waypoint, ...] = (),
        remove_exits: tuple[carla.Waypoint, ...] = (),
        stop_entries: bool = True,
        extend_road_exit_m: float = 0.0,
    ) -> None:
        """Prepare the junction ahead for a scenario: empty it and the ego's entry, take traffic away from entries and exits,
        hold back the other entries, and leave room behind the exit that the route takes."""

    def release_junction_scenario(self) -> None:
        """Let the held entries go and use all of them again."""

    def keep_clear(self, place: carla.Location, radius_m: float) -> None:
        """Take away the vehicles around a place where a scenario puts actors, and spawn none there from now on."""
