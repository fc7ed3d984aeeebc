"""Runs an evaluator of older times in a Python of today, its files untouched.

    python agents/alpamayo_evaluator.py LEADERBOARD_ROOT/leaderboard/leaderboard_evaluator.py --routes ... --agent ...

Leaderboard 2.0, 2.1 and Bench2Drive were written for Python 3.7 and use what later versions have removed; CARLA 0.9.16's
client library needs 3.10 or later. What is missing is put back before the evaluator is run, in this process only:
`Element.getchildren` (gone since 3.9), `distutils` (3.12) and `pkg_resources` (recent setuptools), the last two as far as
evaluators use them.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import runpy
import sys
import types
from typing import Any


def restore_getchildren() -> None:
    """Give XML elements `getchildren` back; they are Python's own then, since those written in C take no new method."""
    loaded = [name for name in ("_elementtree", "xml.etree.ElementTree") if name in sys.modules]
    for name in loaded:
        del sys.modules[name]
    sys.modules["_elementtree"] = None  # pyright: ignore[reportArgumentType] - None makes its import fail, as wanted
    import xml.etree.ElementTree as ElementTree

    def getchildren(self: Any) -> list[Any]:
        return list(self)

    ElementTree.Element.getchildren = getchildren  # pyright: ignore[reportAttributeAccessIssue]


class LooseVersion:
    """A version by its numbers, as distutils' class of this name compares them."""

    def __init__(self, text: object) -> None:
        self.version = [int(number) for number in re.findall(r"\d+", str(text))]

    def __lt__(self, other: LooseVersion) -> bool:
        return self.version < other.version

    def __le__(self, other: LooseVersion) -> bool:
        return self.version <= other.version

    def __gt__(self, other: LooseVersion) -> bool:
        return self.version > other.version

    def __ge__(self, other: LooseVersion) -> bool:
        return self.version >= other.version


def strtobool(value: str) -> int:
    """Return 1 for words that say yes and 0 for those that say no; ValueError for others."""
    word = value.lower()
    if word in ("y", "yes", "t", "true", "on", "1"):
        return 1
    if word in ("n", "no", "f", "false", "off", "0"):
        return 0
    raise ValueError(f"expected yes or no; found {value!r}")


def restore_distutils() -> None:
    """Put `distutils.version` and `distutils.util` in place where Python has none."""
    if importlib.util.find_spec("distutils") is not None:
        return
    package, version, util = (types.ModuleType(name) for name in ("distutils", "distutils.version", "distutils.util"))
    package.__path__ = []
    version.LooseVersion = LooseVersion  # pyright: ignore[reportAttributeAccessIssue]
    util.strtobool = strtobool  # pyright: ignore[reportAttributeAccessIssue]
    package.version, package.util = version, util  # pyright: ignore[reportAttributeAccessIssue]
    for module in (package, version, util):
        sys.modules[module.__name__] = module


def restore_pkg_resources() -> None:
    """Put `pkg_resources.get_distribution` in place where there is no setuptools, or one that has dropped it."""
    if importlib.util.find_spec("pkg_resources") is not None:
        return
    module = types.ModuleType("pkg_resources")

    def get_distribution(name: str) -> Any:
        return types.SimpleNamespace(version=importlib.metadata.version(name))

    module.get_distribution = get_distribution  # pyright: ignore[reportAttributeAccessIssue]
    sys.modules["pkg_resources"] = module


def main(arguments: list[str]) -> None:
    """Restore what is missing, then run the program that is named first with the arguments that follow."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__)
        raise SystemExit(0 if arguments else 2)
    program = arguments[0]
    if not os.path.isfile(program):
        raise SystemExit(f"error: expected an evaluator's Python file; there is none at {program}")
    restore_getchildren()
    restore_distutils()
    restore_pkg_resources()
    sys.argv = arguments
    sys.path[0] = os.path.dirname(os.path.abspath(program))
    runpy.run_path(program, run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
