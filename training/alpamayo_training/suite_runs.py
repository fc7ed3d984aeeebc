"""What commands that drive a suite have in common: their options' ranges, and driving what a run has no result of yet."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from alpamayo_scenarios.benchmark.coordinator import Coordinator, Limits
from alpamayo_scenarios.benchmark.messages import WorkerSetup
from alpamayo_scenarios.benchmark.progress import BenchProgress
from alpamayo_scenarios.benchmark.store import ResultStore
from alpamayo_sim.errors import InputError


def check_numbers(arguments: Any, waits: Sequence[str]) -> None:
    """Raise InputError for --jobs, --attempts, --repeat, --seed or one of the waits (seconds) that is out of its range."""
    for name in ("jobs", "attempts"):
        if getattr(arguments, name) < 1:
            raise InputError(f"--{name} is 1 or more; found {getattr(arguments, name)}")
    if arguments.repeat is not None and arguments.repeat < 1:
        raise InputError(f"--repeat is 1 or more; found {arguments.repeat}")
    if arguments.seed is not None and arguments.seed < 0:
        raise InputError(f"--seed is 0 or more; found {arguments.seed}")
    for name in waits:
        if getattr(arguments, name) <= 0.0:
            raise InputError(f"--{name.replace('_', '-')} is more than 0 s; found {getattr(arguments, name)}")


def drive_missing(store: ResultStore, setups: Sequence[WorkerSetup], attempts: int, resume_command: str) -> None:
    """Drive every episode of a run's plan that has no result yet, with progress; who interrupts it is told how to go on."""
    plan = store.plan
    done = [task for task in plan.tasks if store.is_complete(task)]
    if len(done) == len(plan.tasks):
        return
    try:
        with (
            BenchProgress(plan.tasks, done) as progress,
            Coordinator(store, setups, progress, Limits(attempts)) as coordinator,
        ):
            coordinator.run()
    except KeyboardInterrupt:
        print(f"stopped; go on with: {resume_command}", file=sys.stderr)
        raise
