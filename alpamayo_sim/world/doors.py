"""Where the side doors of vehicles hang, for contact; they are drawn there too."""

from __future__ import annotations

Pair = tuple[float, float]

SIDE_DOORS: dict[str, tuple[Pair, Pair]] = {
    "vehicle.dodge.charger_2020": ((0.28, 0.56), (0.0, 0.0)),
    "vehicle.dodge.charger_police_2020": ((0.40, 0.56), (-0.19, 0.55)),
    "vehicle.ford.ambulance": ((0.66, 0.46), (0.0, 0.0)),
    "vehicle.ford.crown": ((0.40, 0.56), (-0.19, 0.55)),
    "vehicle.lincoln.mkz_2020": ((0.40, 0.56), (-0.19, 0.55)),
    "vehicle.mercedes.coupe_2020": ((0.28, 0.56), (0.0, 0.0)),
    "vehicle.mercedes.sprinter": ((0.80, 0.55), (0.0, 0.0)),
    "vehicle.mini.cooper_s_2021": ((0.46, 0.56), (-0.14, 0.38)),
    "vehicle.nissan.patrol_2021": ((0.46, 0.56), (-0.14, 0.38)),
    "vehicle.volkswagen.t2_2021": ((0.80, 0.38), (0.0, 0.0)),
}
"""Hinge ahead of the middle, and length (0: none), in shares of half the box's length: of the front and the rear doors."""
NONE: tuple[Pair, Pair] = ((0.0, 0.0), (0.0, 0.0))


def side_doors(type_id: str, half_length_m: float) -> tuple[Pair, Pair]:
    """Return the places of the hinges ahead of the middle of the box and the lengths, (front, rear) each, metres."""
    front, rear = SIDE_DOORS.get(type_id, NONE)
    return (front[0] * half_length_m, rear[0] * half_length_m), (front[1] * half_length_m, rear[1] * half_length_m)
