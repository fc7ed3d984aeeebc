"""Plan-view alignments of lines and arcs, in the OpenDRIVE frame (x east, y north, heading counter-clockwise, radians)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_TINY = 1e-9


def wrap_angle(angle_rad: float) -> float:
    """The same angle in (-pi, pi]."""
    return math.remainder(angle_rad, 2.0 * math.pi)


@dataclass(frozen=True)
class Pose:
    """A point and a heading of the plan view."""

    x: float
    y: float
    heading: float

    def ahead(self, distance_m: float) -> Pose:
        """The pose `distance_m` further along the heading, same heading."""
        return Pose(
            self.x + distance_m * math.cos(self.heading), self.y + distance_m * math.sin(self.heading), self.heading
        )

    def left(self, offset_m: float) -> Pose:
        """The pose `offset_m` to the left (OpenDRIVE t), same heading."""
        return Pose(
            self.x - offset_m * math.sin(self.heading), self.y + offset_m * math.cos(self.heading), self.heading
        )

    def turned(self, angle_rad: float) -> Pose:
        """The same point with its heading turned counter-clockwise."""
        return Pose(self.x, self.y, self.heading + angle_rad)

    def local(self, x: float, y: float) -> tuple[float, float]:
        """Coordinates (ahead, left) of a point in this pose's frame."""
        cos_h, sin_h = math.cos(self.heading), math.sin(self.heading)
        dx, dy = x - self.x, y - self.y
        return dx * cos_h + dy * sin_h, -dx * sin_h + dy * cos_h


@dataclass(frozen=True)
class Piece:
    """One line (curvature 0) or arc (curvature > 0 turns left)."""

    length: float
    curvature: float = 0.0

    def pose_from(self, start: Pose, s: float) -> Pose:
        """The pose `s` metres along this piece when it begins at `start`."""
        if abs(self.curvature) < _TINY:
            return start.ahead(s)
        heading = start.heading + s * self.curvature
        radius = 1.0 / self.curvature
        return Pose(
            start.x + radius * (math.sin(heading) - math.sin(start.heading)),
            start.y - radius * (math.cos(heading) - math.cos(start.heading)),
            heading,
        )


@dataclass(frozen=True)
class Alignment:
    """A tangent-continuous chain of lines and arcs."""

    start: Pose
    pieces: tuple[Piece, ...]

    @property
    def length(self) -> float:
        """Total length in metres."""
        return sum(piece.length for piece in self.pieces)

    @property
    def end(self) -> Pose:
        """The last pose."""
        return self.pose_at(self.length)

    def pose_at(self, s: float) -> Pose:
        """The pose `s` metres from the start; before and after the ends it goes on straight."""
        pose = self.start
        if s <= 0.0:
            return pose.ahead(s)
        for piece in self.pieces:
            if s <= piece.length:
                return piece.pose_from(pose, s)
            pose = piece.pose_from(pose, piece.length)
            s -= piece.length
        return pose.ahead(s)

    def curvature_at(self, s: float) -> float:
        """Curvature of the piece under `s`, 1/m."""
        for piece in self.pieces:
            if s <= piece.length:
                return piece.curvature
            s -= piece.length
        return 0.0

    def trimmed(self, start_m: float, end_m: float) -> Alignment:
        """This alignment without its first `start_m` and last `end_m` metres. ValueError when nothing is left."""
        stop = self.length - end_m
        if stop - start_m < 1.0:
            raise ValueError(f"alignment of {self.length:.1f} m has no room for trims {start_m:.1f} and {end_m:.1f}")
        pieces: list[Piece] = []
        at = 0.0
        for piece in self.pieces:
            low, high = max(at, start_m), min(at + piece.length, stop)
            if high - low > 1e-6:
                pieces.append(Piece(high - low, piece.curvature))
            at += piece.length
        return Alignment(self.pose_at(start_m), tuple(pieces))

    def project(self, x: float, y: float, step_m: float = 0.5) -> tuple[float, float]:
        """(s, t) of the nearest point of the alignment, s within its ends."""
        count = max(2, int(self.length / step_m) + 1)
        grid = [self.length * i / (count - 1) for i in range(count)]
        s = min(grid, key=lambda at: _distance2(self.pose_at(at), x, y))
        for _ in range(8):
            ahead, left = self.pose_at(s).local(x, y)
            s = min(max(s + ahead / max(0.2, 1.0 - self.curvature_at(s) * left), 0.0), self.length)
        return s, self.pose_at(s).local(x, y)[1]


def _distance2(pose: Pose, x: float, y: float) -> float:
    return (pose.x - x) ** 2 + (pose.y - y) ** 2


def through_points(points: Sequence[tuple[float, float]], radii: Sequence[float] | float) -> Alignment:
    """The alignment along a polyline whose corners are rounded by arcs.

    `radii` is one radius or one per inner corner, metres; ValueError when two roundings overlap.
    """
    corners = len(points) - 2
    radius = [float(radii)] * corners if isinstance(radii, int | float) else [float(r) for r in radii]
    headings = [math.atan2(b[1] - a[1], b[0] - a[0]) for a, b in zip(points, points[1:], strict=False)]
    lengths = [math.dist(a, b) for a, b in zip(points, points[1:], strict=False)]
    turns = [wrap_angle(b - a) for a, b in zip(headings, headings[1:], strict=False)]
    tangents = [0.0, *(r * math.tan(abs(turn) / 2.0) for r, turn in zip(radius, turns, strict=True)), 0.0]
    pieces: list[Piece] = []
    for i, length in enumerate(lengths):
        straight = length - tangents[i] - tangents[i + 1]
        if straight < -1e-6:
            raise ValueError(f"corner radii too large at leg {i} of {points}: {straight:.2f} m left")
        if straight > 1e-6:
            pieces.append(Piece(straight))
        if i < corners and abs(turns[i]) > 1e-6:
            pieces.append(Piece(radius[i] * abs(turns[i]), math.copysign(1.0 / radius[i], turns[i])))
    return Alignment(Pose(points[0][0], points[0][1], headings[0]), tuple(pieces))


def connect(start: Pose, end: Pose, lead_m: float = 0.0) -> Alignment:
    """The shortest smooth alignment between two poses: line, one arc, line where their tangents meet, else two arcs.

    `lead_m`: how much of each end stays straight where there is room for it.
    """
    ahead, left = start.local(end.x, end.y)
    turn = wrap_angle(end.heading - start.heading)
    if abs(turn) < 1e-6 and abs(left) < 1e-6:
        return Alignment(start, (Piece(ahead),))
    if abs(math.sin(turn)) > 0.05:
        to_corner = ahead - left * math.cos(turn) / math.sin(turn)
        from_corner = left / math.sin(turn)
        room = min(to_corner, from_corner)
        if room > 1.0 and abs(turn) < math.radians(150.0):
            tangent = room - min(lead_m, max(0.0, room - 5.0))
            radius = tangent / math.tan(abs(turn) / 2.0)
            arc = Piece(radius * abs(turn), math.copysign(1.0 / radius, turn))
            lines = [Piece(to_corner - tangent), arc, Piece(from_corner - tangent)]
            return Alignment(start, tuple(piece for piece in lines if piece.length > 1e-6))
    return _biarc(start, end)


def _biarc(start: Pose, end: Pose) -> Alignment:
    """Two tangent arcs with equal tangent lengths from `start` to `end`."""
    vx, vy = end.x - start.x, end.y - start.y
    t1, t2 = (math.cos(start.heading), math.sin(start.heading)), (math.cos(end.heading), math.sin(end.heading))
    tx, ty = t1[0] + t2[0], t1[1] + t2[1]
    v_dot_t, v_dot_v = vx * tx + vy * ty, vx * vx + vy * vy
    denominator = 2.0 * (1.0 - (t1[0] * t2[0] + t1[1] * t2[1]))
    if denominator < 1e-9:
        d = v_dot_v / (4.0 * (vx * t2[0] + vy * t2[1]))
    else:
        d = (-v_dot_t + math.sqrt(v_dot_t * v_dot_t + denominator * v_dot_v)) / denominator
    middle = (
        (start.x + end.x + d * (t1[0] - t2[0])) / 2.0,
        (start.y + end.y + d * (t1[1] - t2[1])) / 2.0,
    )
    first = _arc_to(start, middle)
    second = _arc_to(first.pose_from(start, first.length), (end.x, end.y))
    return Alignment(start, (first, second))


def _arc_to(start: Pose, point: tuple[float, float]) -> Piece:
    ahead, left = start.local(*point)
    chord = math.hypot(ahead, left)
    half = math.atan2(left, ahead)
    if abs(half) < 1e-9:
        return Piece(chord)
    radius = chord / (2.0 * math.sin(abs(half)))
    return Piece(2.0 * radius * abs(half), math.copysign(1.0 / radius, half))
