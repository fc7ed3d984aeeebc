"""Ending with the process that started this one, however that one ends (Linux)."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, number: signal.Signals = signal.SIGTERM) -> None:
    """Let the kernel send this process a signal when its parent, whose process id is `parent`, ends; called by the child.

    The kernel watches the thread that forked. Elsewhere than on Linux nothing happens; pipes that end must do there.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        # It ended before the kernel was told.
        os.kill(os.getpid(), number)
