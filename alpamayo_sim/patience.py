"""How long a server waits for what a client is about to do, such as to connect for a sensor's data: a moment, or longer.

A moment is enough on a machine that has a processor for every client. Where clients get no turn for seconds, ALPAMAYO_PATIENCE=20
makes servers wait twenty times as long for them.
"""

from __future__ import annotations

import os

from alpamayo_sim.errors import InputError

VARIABLE = "ALPAMAYO_PATIENCE"


def patience_factor() -> float:
    """Return what waits for clients are multiplied with; InputError when the environment names no number from 1 to 1000."""
    text = os.environ.get(VARIABLE, "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1.0 <= factor <= 1000.0:
        raise InputError(f"{VARIABLE} is a factor from 1 to 1000; found {text!r}")
    return factor
