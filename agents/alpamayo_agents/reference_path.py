"""The path that the ego is to follow: the route's line, shifted sideways where lanes change or something is in the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from alpamayo_sim.roads.road_options import RoadOption
from alpamayo_sim.roads.route_planner import Route

Array = NDArray[np.float64]

STEP_M = 0.5
SMOOTHING_M = 1.0
LANE_CHANGE_M = 30.0
"""Length of a lane change unless another is asked for."""


@dataclass
class LaneShift:
    """A smooth way from one lateral offset (at `start_m`) to another (at `end_m`), stations along the route."""

    start_m: float
    end_m: float
    from_right_m: float
    to_right_m: float

    def offset(self, station_m: Array) -> Array:
        """Return the offset to the right at stations; quintic, so that curvature starts and ends at nought."""
        share = np.clip((station_m - self.start_m) / max(1e-6, self.end_m - self.start_m), 0.0, 1.0)
        smooth = share**3 * (10.0 - 15.0 * share + 6.0 * share**2)
        return self.from_right_m + (self.to_right_m - self.from_right_m) * smooth


@dataclass
class LaneChange:
    """A lane change of the route: from station `start_m` on, the route's line lies in the new lane."""

    start_m: float
    side_m: float
    """Where the old lane lies as seen from the new one, metres to the right (negative: left)."""
    delay_m: float = 0.0
    """How much later than the route's line the ego begins."""
    length_m: float = LANE_CHANGE_M


class ReferencePath:
    """A polyline for the rear axle at 0.5 m, by station: the route's arc length. CARLA world frame."""

    def __init__(self, route: Route) -> None:
        self.route_station_m = route.arc_length_m
        self._base = route.points
        yaw = np.radians(route.yaw_deg)
        self._right = np.stack([-np.sin(yaw), np.cos(yaw)], axis=1)
        self.lane_changes = _lane_changes(route, self._right)
        self.shifts: list[tuple[LaneShift, LaneShift]] = []
        """Ways round obstacles: out of the lane, and back into it."""
        self.nudge: tuple[LaneShift, LaneShift] | None = None
        """To the edge of the lane, and back."""
        self.way_in: LaneShift | None = None
        """From a place beside the road into the lane."""
        self.station_m = np.arange(0.0, max(STEP_M, route.length_m) + 1e-9, STEP_M)
        nearest = np.clip(np.searchsorted(self.route_station_m, self.station_m), 0, len(self._base) - 1)
        self.in_junction = route.in_junction[nearest]
        self.lane = route.lane[nearest]
        self.lane_width_m = route.lane_width_m[nearest]
        self.rebuild()

    @property
    def length_m(self) -> float:
        """Station of the last point."""
        return float(self.station_m[-1])

    def offset_right_m(self, station_m: Array) -> Array:
        """Return how far to the right of the route's line the path runs at stations."""
        total = np.zeros_like(station_m)
        for change in self.lane_changes:
            start = change.start_m + change.delay_m
            shift = LaneShift(start, start + change.length_m, change.side_m, 0.0)
            total += np.where(station_m > change.start_m + 1e-6, shift.offset(station_m), 0.0)
        for out, back in [*self.shifts, *([self.nudge] if self.nudge is not None else [])]:
            total += np.where(station_m < back.start_m, out.offset(station_m), back.offset(station_m))
        if self.way_in is not None:
            total += self.way_in.offset(station_m)
        return total

    def rebuild(self) -> None:
        """Compute the polyline anew after lane changes or shifts were altered."""
        offset = self.offset_right_m(self.route_station_m)
        flat = self._base[:, :2] + self._right * offset[:, None]
        station = self.route_station_m
        xy = np.stack([np.interp(self.station_m, station, flat[:, axis]) for axis in range(2)], axis=1)
        sigma = SMOOTHING_M / STEP_M
        self.xy = gaussian_filter1d(xy, sigma, axis=0, mode="nearest") if len(xy) > 3 else xy
        self.xy[[0, -1]] = xy[[0, -1]]
        self.z = np.interp(self.station_m, station, self._base[:, 2])
        direction = np.gradient(self.xy, axis=0) if len(xy) > 1 else np.array([[1.0, 0.0]])
        self.yaw = np.unwrap(np.arctan2(direction[:, 1], direction[:, 0]))
        arc = np.maximum(1e-3, np.linalg.norm(direction, axis=1))
        curvature = np.gradient(self.yaw) / arc if len(xy) > 1 else np.zeros(1)
        self.curvature_per_m = gaussian_filter1d(curvature, sigma, mode="nearest") if len(xy) > 3 else curvature

    def project(self, xy: Array, near_m: float, *, behind_m: float = 8.0, ahead_m: float = 20.0) -> float:
        """Return the station nearest to a point [2], searched around a station where it lay before."""
        first = max(0, int((near_m - behind_m) / STEP_M))
        last = min(len(self.station_m), int((near_m + ahead_m) / STEP_M) + 2)
        first = min(first, max(0, last - 2))
        off = self.xy[first:last] - xy
        index = first + int(np.argmin(np.einsum("ij,ij->i", off, off)))
        along = (xy[0] - self.xy[index, 0]) * np.cos(self.yaw[index]) + (xy[1] - self.xy[index, 1]) * np.sin(
            self.yaw[index]
        )
        return float(np.clip(self.station_m[index] + np.clip(along, -STEP_M, STEP_M), 0.0, self.length_m))

    def pose(self, station_m: Array) -> tuple[Array, Array, Array]:
        """Return xy [..., 2], z [...] and yaw in radians [...] at stations; straight on beyond the end."""
        inside = np.clip(station_m, 0.0, self.length_m)
        beyond = station_m - inside
        yaw = np.interp(inside, self.station_m, self.yaw)
        x = np.interp(inside, self.station_m, self.xy[:, 0]) + beyond * np.cos(yaw)
        y = np.interp(inside, self.station_m, self.xy[:, 1]) + beyond * np.sin(yaw)
        return np.stack([x, y], axis=-1), np.interp(inside, self.station_m, self.z), yaw


def _lane_changes(route: Route, right: Array) -> list[LaneChange]:
    changes: list[LaneChange] = []
    options = (int(RoadOption.CHANGELANELEFT), int(RoadOption.CHANGELANERIGHT))
    for index in range(len(route.points) - 1):
        option = int(route.road_option[index])
        if option not in options or int(route.road_option[index + 1]) != option:
            continue
        side = float((route.points[index, :2] - route.points[index + 1, :2]) @ right[index + 1])
        if abs(side) > 1.0:
            changes.append(LaneChange(float(route.arc_length_m[index]), side))
    for change, following in zip(changes, changes[1:], strict=False):
        change.length_m = min(change.length_m, max(8.0, following.start_m - change.start_m))
    return changes
