"""Which lanes a traffic light or sign governs, as CARLA reads it out of OpenDRIVE.

CARLA goes through every landmark (a signal or signal reference on a road with its lane validities). A governed lane
inside a junction stands for the lane that leads there, when there is exactly one. A `<signal>` record that carries
validity 0..0, as in Town01, governs nothing itself: its references in the junction do.
"""

from __future__ import annotations

from dataclasses import dataclass

import carla

from alpamayo_sim.roads.lanes import LaneTable, LaneType
from alpamayo_sim.roads.signal_boxes import GovernedPlace


@dataclass(frozen=True)
class Landmark:
    """One appearance of a signal on a road, read from `carla.Landmark` once."""

    signal_id: str
    road_id: int
    s: float
    name: str
    signal_type: str
    subtype: str
    value: float
    xyz: tuple[float, float, float]
    yaw_deg: float
    validities: tuple[tuple[int, int], ...]


def read_landmarks(carla_map: carla.Map) -> dict[str, list[Landmark]]:
    """Return the landmarks of a map by signal id, each list in a stable order (road, s)."""
    found: dict[str, list[Landmark]] = {}
    for item in carla_map.get_all_landmarks():
        place = item.transform.location
        landmark = Landmark(
            item.id,
            item.road_id,
            item.s,
            item.name,
            item.type,
            item.sub_type,
            item.value,
            (place.x, place.y, place.z),
            item.transform.rotation.yaw,
            tuple((first, last) for first, last in item.get_lane_validities()),
        )
        found.setdefault(item.id, []).append(landmark)
    for appearances in found.values():
        appearances.sort(key=lambda mark: (mark.road_id, mark.s, mark.validities))
    return found


class SignalLanes:
    """Finds the governed places of signals, and which lanes lead into which junction."""

    def __init__(self, lanes: LaneTable) -> None:
        self._lanes = lanes
        self._feeders: dict[int, list[int]] = {}
        self._junctions: dict[int, set[int]] = {}
        for lane in range(len(lanes)):
            for ahead in lanes.next_lanes(lane).tolist():
                self._feeders.setdefault(ahead, []).append(lane)
                if lanes.is_junction[ahead] and not lanes.is_junction[lane]:
                    self._junctions.setdefault(lane, set()).add(int(lanes.junction_id[ahead]))

    def junctions_ahead(self, lane: int) -> set[int]:
        """Return the ids of the junctions that begin where `lane` ends."""
        return self._junctions.get(lane, set())

    def approaches(self, junction_id: int) -> list[int]:
        """Return the driving lanes that lead into a junction from outside."""
        return [lane for lane, junctions in self._junctions.items() if junction_id in junctions]

    def places(self, appearances: list[Landmark]) -> list[GovernedPlace]:
        """Return the governed places of one signal, one per driving lane."""
        found: dict[int, GovernedPlace] = {}
        for landmark in appearances:
            for lane in self._valid_lanes(landmark):
                place = self._upstream(lane, landmark.s)
                found.setdefault(place.lane, place)
        return list(found.values())

    def with_siblings(self, places: list[GovernedPlace], taken: set[int]) -> list[GovernedPlace]:
        """Return `places` and the lanes beside them that lead into the same junction under no other light."""
        lanes = self._lanes
        extended = list(places)
        for place in places:
            for junction in self.junctions_ahead(place.lane):
                for lane in self.approaches(junction):
                    side_by_side = (
                        lanes.road_id[lane] == lanes.road_id[place.lane]
                        and lanes.section[lane] == lanes.section[place.lane]
                        and lanes.lane_id[lane] * lanes.lane_id[place.lane] > 0
                    )
                    if side_by_side and lane not in taken and all(lane != p.lane for p in extended):
                        gap = float(lanes.length_m[place.lane]) - place.along_m
                        extended.append(GovernedPlace(lane, float(lanes.length_m[lane]) - gap))
        return extended

    def _valid_lanes(self, landmark: Landmark) -> list[int]:
        ids = {i for low, high in landmark.validities for i in range(min(low, high), max(low, high) + 1) if i}
        found = [self._lanes.find(landmark.road_id, lane_id, landmark.s) for lane_id in sorted(ids)]
        return [lane for lane in found if lane >= 0 and self._lanes.lane_type[lane] == LaneType.DRIVING]

    def _upstream(self, lane: int, s: float) -> GovernedPlace:
        lanes = self._lanes
        if lanes.is_junction[lane]:
            feeders = self._feeders.get(lane, [])
            if len(feeders) == 1 and not lanes.is_junction[feeders[0]]:
                return GovernedPlace(feeders[0], float(lanes.length_m[feeders[0]]))
        return GovernedPlace(lane, lanes.along_at(lane, s))
