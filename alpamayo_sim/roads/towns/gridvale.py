"""Gridvale: a signalised grid. Blocks of about 110 m, a four-lane avenue, parking bays, traffic lights, crosswalks."""

from __future__ import annotations

from alpamayo_sim.roads.towns.cross_section import driving_half, two_way
from alpamayo_sim.roads.towns.network import Node, Town

COLUMNS_M = (0.0, 115.0, 225.0, 345.0, 470.0)
ROWS_M = (0.0, 105.0, 215.0, 330.0)
STREET_NAMES = ("First Street", "Second Street", "Third Street", "Fourth Street", "Fifth Street")
AVENUE_NAMES = ("South Avenue", "Mill Avenue", "Grand Avenue", "North Avenue")


def build() -> Town:
    """The town, not yet settled."""
    town = Town("Gridvale", geo_reference=(48.8566, 2.3522))
    local = two_way(driving_half(1, parking_m=2.2, sidewalk_m=3.0))
    ring = two_way(driving_half(1, sidewalk_m=2.5))
    grand = two_way(driving_half(2, lane_width_m=3.3, sidewalk_m=3.5))
    nodes: dict[tuple[int, int], Node] = {}
    last_column, last_row = len(COLUMNS_M) - 1, len(ROWS_M) - 1
    for row, y in enumerate(ROWS_M):
        for column, x in enumerate(COLUMNS_M):
            border = (row in (0, last_row)) + (column in (0, last_column))
            if border == 2:
                continue
            lit = border == 0 or row == 2
            nodes[column, row] = town.node(
                f"{STREET_NAMES[column]} / {AVENUE_NAMES[row]}", x, y, control="signals" if lit else "stop"
            )
    for row in range(len(ROWS_M)):
        profile = grand if row == 2 else ring if row in (0, last_row) else local
        for column in range(last_column):
            if (column, row) in nodes and (column + 1, row) in nodes:
                side_road = row == 1
                town.street(
                    AVENUE_NAMES[row], nodes[column, row], nodes[column + 1, row], profile,
                    50 if row == 2 else 40 if row in (0, last_row) else 30,
                    give_way="start" if side_road and column == 0 else "end" if side_road and column == 3 else "",
                )  # fmt: skip
    for column in range(len(COLUMNS_M)):
        profile = ring if column in (0, last_column) else local
        for row in range(last_row):
            if (column, row) in nodes and (column, row + 1) in nodes:
                inner = column not in (0, last_column)
                town.street(
                    STREET_NAMES[column], nodes[column, row], nodes[column, row + 1], profile, 30 if inner else 40,
                    give_way="start" if inner and row == 0 else "end" if inner and row == last_row - 1 else "",
                )  # fmt: skip
    x0, x1, y0, y1 = COLUMNS_M[0], COLUMNS_M[-1], ROWS_M[0], ROWS_M[-1]
    corners = (
        ("Southwest Bend", (1, 0), (x0, y0), (0, 1)),
        ("Southeast Bend", (last_column - 1, 0), (x1, y0), (last_column, 1)),
        ("Northeast Bend", (last_column - 1, last_row), (x1, y1), (last_column, last_row - 1)),
        ("Northwest Bend", (1, last_row), (x0, y1), (0, last_row - 1)),
    )
    for name, start, corner, end in corners:
        town.street(name, nodes[start], nodes[end], ring, 40, via=[corner], radius_m=30.0)
    return town
