"""Runs a command in a process group of its own and ends the whole group when whoever asked for it is gone.

`python -m alpamayo_sim.client.process_guard COMMAND...` with a pipe on standard input: the end of the pipe, which comes however
its owner ends, ends the group. A server that a shell script starts cannot be reached in another way. The first line on standard
output is the group's id. Imports nothing that takes time.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from types import FrameType

GRACE_S = 5.0
_LOOK_EVERY_S = 0.1


def end_group(group: int, grace_s: float = GRACE_S) -> bool:
    """End a process group, politely first, then for certain; return whether nothing of it is left."""
    for number, patience_s in ((signal.SIGTERM, grace_s), (signal.SIGKILL, grace_s)):
        if not _signal(group, number):
            return True
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            # Our own child stays in its group until it has been waited for.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(group, os.WNOHANG)
            if not _signal(group, 0):
                return True
            time.sleep(0.02)
    return False


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def guard(command: list[str], descriptors: tuple[int, ...]) -> int:
    """Run a command until it or the owner ends; return its exit code, or 128 and its signal's number."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=2, start_new_session=True, pass_fds=descriptors
    )
    print(process.pid, flush=True)
    os.close(1)
    try:
        while process.poll() is None:
            readable, _, _ = select.select([0], [], [], _LOOK_EVERY_S)
            if readable and not os.read(0, 4096):
                break
    finally:
        code = process.poll()
        end_group(process.pid)
        if code is None:
            code = process.wait()
    return code if code >= 0 else 128 - code


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Guard the command after the descriptors that it is to inherit (comma-separated, may be empty)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminated)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    descriptors = tuple(int(part) for part in arguments[0].split(",") if part)
    try:
        return guard(arguments[1:], descriptors)
    except OSError as error:
        print(f"error: {arguments[1]} cannot be run: {error}", file=sys.stderr)
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
