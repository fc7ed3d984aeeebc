"""Results of branches by their orders."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from alpamayo_scenarios.counterfactual.branch import (
    Branch,
    BranchResult,
    BranchStore,
    ReplaySpec,
    decode_branch,
    encode_branch,
)
from alpamayo_scenarios.counterfactual.interventions import (
    ActorRef,
    ChangeRoute,
    HoldActors,
    HoldLight,
    MoveActors,
    MoveSign,
    Place,
    PutObstacle,
    RemoveActors,
    RemoveSign,
    RenewDriver,
)
from alpamayo_scenarios.counterfactual.tape import EgoTape
from alpamayo_sim.errors import InputError

REF = ActorRef(7, "vehicle.audi.a2", 1.25, -3.5)
PLACE = Place(1.0, 2.0, 0.1, 90.0)
EVERY_KIND = (
    RemoveActors((REF,)),
    MoveActors((REF,)),
    HoldActors((REF,), (PLACE,)),
    PutObstacle(PLACE),
    HoldLight(4, "green"),
    RemoveSign(5),
    MoveSign(5),
    ChangeRoute(),
    RenewDriver(),
)
REPLAY = ReplaySpec("Gridvale", "/somewhere/routes.xml", "12", 3, cache="/tmp/one")
BRANCH = Branch(REPLAY, 88, EVERY_KIND, 208)


def result() -> BranchResult:
    rng = np.random.default_rng(0)
    tape = EgoTape(np.arange(5) + 23, rng.random(5), rng.random((5, 6)), rng.random(5), rng.integers(0, 9, 5))
    return BranchResult(
        tape,
        done=("removed vehicle.audi.a2 (7)",),
        ended="completed",
        collisions=((25, "static.building"),),
        decisions=((23, "follow", "keep_lane"),),
        present=(REF,),
        wall_time_s=1.5,
        ticks_per_s=300.0,
    )


def test_an_order_comes_back_from_its_line() -> None:
    assert decode_branch(encode_branch(BRANCH)) == BRANCH
    assert "\n" not in encode_branch(BRANCH)


@pytest.mark.parametrize(
    "text", ["{}", '{"replay": {}}', "[]", '{"replay":{"town":"A"},"interventions":[{"kind":"x"}]}']
)
def test_other_lines_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="validation error"):
        decode_branch(text)


def test_every_order_has_a_name_of_its_own() -> None:
    orders = [
        BRANCH,
        replace(BRANCH, at_frame=89),
        replace(BRANCH, until_frame=-1),
        replace(BRANCH, replay=replace(REPLAY, seed=4)),
        *(replace(BRANCH, interventions=(one,)) for one in EVERY_KIND),
    ]
    assert len({order.key for order in orders}) == len(orders)
    assert replace(BRANCH, replay=replace(REPLAY, cache="/tmp/two")).key == BRANCH.key


def test_a_result_comes_back_as_it_was(tmp_path: Path) -> None:
    store = BranchStore(tmp_path / "new")
    assert not store.has(BRANCH)
    with pytest.raises(InputError, match="has not been driven"):
        store.read(BRANCH)
    store.write(BRANCH, result())
    back, wanted = store.read(BRANCH), result()
    assert back.tape.equals(wanted.tape)
    names = [field.name for field in fields(BranchResult) if field.name != "tape"]
    assert [getattr(back, name) for name in names] == [getattr(wanted, name) for name in names]
    assert [path.name for path in store.folder.iterdir()] == [f"{BRANCH.key}.npz"], "nothing is left beside it"
    store.remove(BRANCH)
    store.remove(BRANCH)
    assert not store.has(BRANCH)


def test_tapes_differ_by_any_bit() -> None:
    tape = result().tape
    for name in ("frame", "time_s", "pose", "speed_mps", "others"):
        values = getattr(tape, name).copy()
        values[2] += 1 if values.dtype.kind == "i" else 1e-15
        assert not tape.equals(replace(tape, **{name: values})), name
    assert tape.equals(tape.cut(0, 100)) and len(tape.cut(24, 26)) == 3
    assert tape.row_of(25) == 2 and tape.row_of(22) == tape.row_of(28) == -1
