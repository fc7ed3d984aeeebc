"""Layouts against a CARLA client library: `python -m alpamayo_sim.layouts.check [LIBRARY.so] [--write FILE]`.

Derives the layouts from the library's debug information through gdb (a minute or so) and says in what they differ from the data
that the server is built on. Exit codes: 0 the same, 1 they differ, 2 bad arguments, 3 gdb is missing or fails.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from alpamayo_sim.errors import InfrastructureError, InputError
from alpamayo_sim.layouts.layout import FOLDER, VERSION

_SCRIPT = FOLDER / "from_debug_info.py"
_TIMEOUT_S = 1200.0


def installed_library() -> Path:
    """Return the path of the installed `carla` package's library; InputError if there is none."""
    for path in metadata.files("carla") or ():
        if path.name.startswith("libcarla") and path.suffix == ".so":
            return Path(str(path.locate()))
    raise InputError("the installed carla package has no libcarla*.so; name a library")


def derive(library: Path) -> dict[str, Any]:
    """Return the layouts that a library's debug information tells, as in our data files.

    Raises InputError for a file that is not there, InfrastructureError when gdb is missing or makes nothing of it.
    """
    if not library.is_file():
        raise InputError(f"there is no library {library}")
    gdb = shutil.which("gdb")
    if gdb is None:
        raise InfrastructureError("gdb reads the debug information, and it is not installed: apt-get install gdb")
    command = [gdb, "-batch", "-nx", "-x", str(_SCRIPT), str(library)]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise InfrastructureError(f"gdb did not read {library} within {_TIMEOUT_S:.0f} s") from error
    _, start, rest = result.stdout.partition("<<<LAYOUTS")
    text, end, _ = rest.partition("LAYOUTS>>>")
    if not start or not end:
        reason = result.stderr.strip()[-300:] or f"code {result.returncode}"
        raise InfrastructureError(f"gdb told no layouts of {library} ({reason}); has it debug information?")
    return dict(json.loads(text))


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """Return in what two sets of layouts differ, one line a thing."""
    found: list[str] = []
    for section in ("packed", "enums", "msgpack"):
        for name in sorted({*ours[section], *theirs[section]}):
            one, other = ours[section].get(name), theirs[section].get(name)
            if one is None or other is None:
                if one != other:
                    found.append(f"{section} {name}: {'missing' if other is None else 'new'} in the library")
            elif one != other:
                found += [f"{section} {name}: {line}" for line in _inside(one, other)]
    for section in ("sensors", "commands"):
        found += _order(section, ours[section], theirs[section])
    return found


def _inside(one: Any, other: Any) -> list[str]:
    first, second = _members(one), _members(other)
    lines = [f"{name} is {_say(first, name)} in the data, {_say(second, name)} in the library"
             for name in dict.fromkeys([*first, *second]) if first.get(name) != second.get(name)]  # fmt: skip
    if list(first) != list(second) and not lines:
        lines.append("the members come in another order")
    if isinstance(one, Mapping) and "size" in one and one["size"] != other["size"]:
        lines.append(f"{one['size']} bytes in the data, {other['size']} in the library")
    return lines


def _members(table: Any) -> dict[str, Any]:
    """Return what a table says of each of its members, whichever kind of table it is."""
    if isinstance(table, Mapping) and "fields" in table:
        return {m["name"]: f"{m['type']} at {m['offset']}" for m in table["fields"]}
    if isinstance(table, Mapping):
        return dict(table)
    return {name: f"{kind} (field {number})" for number, (name, kind) in enumerate(table)}


def _say(members: Mapping[str, Any], name: str) -> str:
    return str(members[name]) if name in members else "missing"


def _order(section: str, ours: Sequence[Any], theirs: Sequence[Any]) -> list[str]:
    names = [entry if isinstance(entry, str) else entry[0] for entry in ours]
    others = [entry if isinstance(entry, str) else entry[0] for entry in theirs]
    found: list[str] = []
    for name in dict.fromkeys([*names, *others]):
        one = names.index(name) if name in names else None
        other = others.index(name) if name in others else None
        if one != other:
            found.append(f"{section} {name}: number {one} in the data, {other} in the library")
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, or write a data file; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m alpamayo_sim.layouts.check", description=__doc__)
    parser.add_argument("library", type=Path, nargs="?", help="a libcarla*.so; by default the installed one")
    parser.add_argument("--write", type=Path, help="write the library's layouts to this file instead of comparing them")
    options = parser.parse_args(argv)
    try:
        library = options.library or installed_library()
        derived = derive(library)
        if options.write is not None:
            options.write.write_text(json.dumps(derived, indent=1) + "\n", encoding="utf-8")
            print(f"wrote {options.write}")
            return 0
        data = json.loads((FOLDER / f"carla-{VERSION}.json").read_text(encoding="utf-8"))
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except InfrastructureError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    found = differences(data, derived)
    for line in found:
        print(line)
    print(f"{len(found)} differences from carla-{VERSION}" if found else f"the layouts are those of carla-{VERSION}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
