"""Cross-sections of streets: strips from the centre line outwards, and how they change along the street."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Mark:
    """A painted (or kerb) line: OpenDRIVE roadMark type, colour and whether lanes may be changed across it."""

    type: str = "none"
    color: str = "white"
    lane_change: str = "none"
    width_m: float = 0.125


NO_MARK = Mark()
WHITE_SOLID = Mark("solid")
WHITE_BROKEN = Mark("broken", lane_change="both")
YELLOW_SOLID = Mark("solid", "yellow")
YELLOW_BROKEN = Mark("broken", "yellow")
YELLOW_DOUBLE = Mark("solid solid", "yellow")
CURB = Mark("curb", "white", width_m=0.15)


@dataclass(frozen=True)
class Strip:
    """One lane of a cross-section; `mark` lies on its outer edge, `approach_mark` replaces it near junctions."""

    key: str
    kind: str
    width_m: float
    mark: Mark = NO_MARK
    approach_mark: Mark | None = None
    end_width_m: float | None = None

    @property
    def width_at_end_m(self) -> float:
        """Width where the section ends; differs from `width_m` on a taper."""
        return self.width_m if self.end_width_m is None else self.end_width_m


@dataclass(frozen=True)
class Section:
    """Strips from the centre outwards, valid from `s_m` on."""

    s_m: float
    left: tuple[Strip, ...]
    right: tuple[Strip, ...]


@dataclass(frozen=True)
class Profile:
    """A kind of street: its strips on both sides of the centre line, and the centre line's marks."""

    left: tuple[Strip, ...]
    right: tuple[Strip, ...]
    center: Mark = YELLOW_BROKEN
    center_approach: Mark | None = YELLOW_SOLID

    @property
    def one_way(self) -> bool:
        """Whether all driving lanes go the way of the centre line."""
        return not any(strip.kind == "driving" for strip in self.left)


def driving_half(
    lanes: int,
    *,
    lane_width_m: float = 3.5,
    parking_m: float = 0.0,
    gutter_m: float = 0.5,
    sidewalk_m: float = 2.5,
    median_m: float = 0.0,
    curb: bool = True,
) -> tuple[Strip, ...]:
    """Strips of one travel direction: median, driving lanes, parking, gutter with kerb (or open shoulder), sidewalk."""
    strips: list[Strip] = []
    if median_m:
        strips.append(Strip("median", "median", median_m, YELLOW_SOLID))
    for i in range(1, lanes):
        strips.append(Strip(f"drive{i}", "driving", lane_width_m, WHITE_BROKEN, WHITE_SOLID))
    strips.append(Strip(f"drive{lanes}", "driving", lane_width_m, WHITE_SOLID))
    if parking_m:
        strips.append(Strip("parking", "parking", parking_m))
    if gutter_m:
        strips.append(Strip("gutter", "shoulder", gutter_m, CURB if curb else NO_MARK))
    if sidewalk_m:
        strips.append(Strip("sidewalk", "sidewalk", sidewalk_m))
    return tuple(strips)


def edge_half(gutter_m: float = 0.5, green_m: float = 0.0) -> tuple[Strip, ...]:
    """Strips of a side without traffic (left of a one-way street): gutter with kerb, then ground kept free."""
    strips = [Strip("gutter", "shoulder", gutter_m, CURB)]
    if green_m:
        strips.append(Strip("green", "none", green_m))
    return tuple(strips)


def two_way(half: tuple[Strip, ...]) -> Profile:
    """A two-way street with the same strips on both sides; yellow centre line, double where lanes are several."""
    driving = sum(strip.kind == "driving" for strip in half)
    if any(strip.kind == "median" for strip in half):
        return Profile(half, half, NO_MARK, None)
    if driving > 1:
        return Profile(half, half, YELLOW_DOUBLE, None)
    return Profile(half, half)


def one_way(half: tuple[Strip, ...], green_m: float = 0.0) -> Profile:
    """A one-way street along the centre line's direction; the centre line is its yellow left edge.

    `green_m`: width of the ground left of it that stays free, as the island of a roundabout.
    """
    return Profile(edge_half(green_m=green_m), half, YELLOW_SOLID, None)


def along(
    profile: Profile, length_m: float, *, approach_m: float = 12.17, taper_m: float = 9.89
) -> tuple[Section, ...]:
    """Sections of a street: parking bays stop before both ends, where the kerb comes out to the driving lane."""
    bays = any(strip.kind == "parking" for strip in (*profile.left, *profile.right))
    ends = approach_m + taper_m
    bare = Section(0.0, _without_parking(profile.left), _without_parking(profile.right))
    if not bays or length_m < 2.0 * ends + 15.0:
        return (bare,)
    return (
        bare,
        Section(approach_m, _tapered(profile.left, 0.0, 1.0), _tapered(profile.right, 0.0, 1.0)),
        Section(ends, profile.left, profile.right),
        Section(length_m - ends, _tapered(profile.left, 1.0, 0.0), _tapered(profile.right, 1.0, 0.0)),
        replace(bare, s_m=length_m - approach_m),
    )


def _without_parking(half: tuple[Strip, ...]) -> tuple[Strip, ...]:
    return tuple(strip for strip in half if strip.kind != "parking")


def _tapered(half: tuple[Strip, ...], begin: float, finish: float) -> tuple[Strip, ...]:
    return tuple(
        replace(strip, kind="shoulder", width_m=strip.width_m * begin, end_width_m=strip.width_m * finish)
        if strip.kind == "parking"
        else strip
        for strip in half
    )
