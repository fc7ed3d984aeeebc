"""Contacts of the ego with others, seen from above: who hit whom, and would hit whom soon (nuPlan's and NAVSIM's rules)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from alpamayo_sim.frames import Transform, to_world
from alpamayo_sim.metrics.navsim import AGENT_STOPPED_MPS, EGO_STOPPED_MPS
from alpamayo_sim.metrics.tick import ActorState

_BEHIND_DEG = 150.0
_TTC_INSTANTS_S = (0.0, 0.3, 0.6, 0.9)
_REACH_M = 40.0
_CORNERS = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])


class ContactSide(str, Enum):
    """How the ego touches another."""

    STOPPED_EGO = "stopped_ego"
    STOPPED_OTHER = "stopped_other"
    FRONT = "front"
    REAR = "rear"
    SIDE = "side"


@dataclass(frozen=True)
class Contact:
    """The first touch of one other actor."""

    actor_id: int
    side: ContactSide
    is_road_user: bool
    """A vehicle or a person; otherwise an object."""
    at_fault: bool


def footprint(actor: ActorState, ahead_s: float = 0.0) -> NDArray[np.float64]:
    """Return the corners [4, 2] of an actor's box: front right, front left, rear left, rear right.

    `ahead_s` moves it on with its present velocity. CARLA world frame, metres.
    """
    half = np.array([actor.extent_m[0], actor.extent_m[1]])
    corners = np.column_stack([_CORNERS * half + np.array(actor.box_center_m[:2]), np.zeros(4)])
    pose = actor.transform
    flat = Transform(pose.x, pose.y, 0.0, yaw=pose.yaw)
    return to_world(flat, corners)[:, :2] + ahead_s * np.array(actor.velocity_mps[:2])


def overlap(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Whether two convex quadrilaterals [4, 2] have a point in common (separating axes; touching counts)."""
    for corners in (first, second):
        edges = np.roll(corners, -1, axis=0) - corners
        normals = np.stack([-edges[:, 1], edges[:, 0]], axis=-1)
        a, b = first @ normals.T, second @ normals.T
        if bool(np.any((a.max(axis=0) < b.min(axis=0)) | (b.max(axis=0) < a.min(axis=0)))):
            return False
    return True


def near(ego: ActorState, others: Iterable[ActorState]) -> list[ActorState]:
    """Return those of `others` that a second's drive could reach, within 40 m and on the ego's level."""
    here = ego.transform
    return [
        actor
        for actor in others
        if math.hypot(actor.transform.x - here.x, actor.transform.y - here.y) < _REACH_M
        and abs(actor.transform.z - here.z) < 3.0
    ]


def contacts(
    ego: ActorState, others: Sequence[ActorState], known: Iterable[int], *, in_one_lane: bool
) -> list[Contact]:
    """Return the contacts that begin at this instant; actors in `known` were touched before and are left out.

    At fault are hitting what stands, hitting with the front, and touching sideways while not wholly in one lane. A
    standing ego and one that is hit from behind are not at fault.
    """
    before = set(known)
    body = footprint(ego)
    found: list[Contact] = []
    for other in others:
        if other.actor_id not in before and overlap(body, footprint(other)):
            side = _side(ego, body, other)
            at_fault = side in (ContactSide.STOPPED_OTHER, ContactSide.FRONT) or (
                side is ContactSide.SIDE and not in_one_lane
            )
            found.append(Contact(other.actor_id, side, is_road_user(other), at_fault))
    return found


def soon_collides(ego: ActorState, others: Sequence[ActorState], known: Iterable[int], *, in_one_lane: bool) -> bool:
    """Whether ego and another, both going on as they are, touch within 1 s (NAVSIM's TTC).

    Looked at every 0.3 s. Actors that were touched before, a standing ego, and others behind it do not count, nor, while
    the ego is wholly in one lane, those beside it.
    """
    if math.hypot(*ego.velocity_mps[:2]) < EGO_STOPPED_MPS:
        return False
    before = set(known)
    for other in others:
        angle = _angle_deg(ego, other)
        if other.actor_id in before or angle > _BEHIND_DEG or (in_one_lane and angle > _AHEAD_DEG):
            continue
        if any(overlap(footprint(ego, t), footprint(other, t)) for t in _TTC_INSTANTS_S):
            return True
    return False


_AHEAD_DEG = 30.0


def is_road_user(actor: ActorState) -> bool:
    """Whether an actor is a vehicle or a person."""
    return actor.type_id.startswith(("vehicle.", "walker."))


def _side(ego: ActorState, body: NDArray[np.float64], other: ActorState) -> ContactSide:
    if math.hypot(*ego.velocity_mps[:2]) < EGO_STOPPED_MPS:
        return ContactSide.STOPPED_EGO
    if math.hypot(*other.velocity_mps[:2]) < AGENT_STOPPED_MPS:
        return ContactSide.STOPPED_OTHER
    if _angle_deg(ego, other) > _BEHIND_DEG:
        return ContactSide.REAR
    bumper = body[[0, 1, 1, 0]]
    return ContactSide.FRONT if overlap(bumper, footprint(other)) else ContactSide.SIDE


def _angle_deg(ego: ActorState, other: ActorState) -> float:
    """The angle between the ego's heading and the direction to another's origin, in [0, 180]."""
    pose = ego.transform
    dx, dy = other.transform.x - pose.x, other.transform.y - pose.y
    yaw = math.radians(pose.yaw)
    along, across = dx * math.cos(yaw) + dy * math.sin(yaw), dy * math.cos(yaw) - dx * math.sin(yaw)
    return abs(math.degrees(math.atan2(across, along)))
