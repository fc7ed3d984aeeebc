"""The table of the client's calls against the wheel itself: every name and family in it is read from the compiled code."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import carla
import pytest
from client_calls import CLIENT_CALLS, NOT_AWAITED, RAW, WITH_VALUE, WITHOUT_VALUE

CLASS = "carla::client::detail::Client::"
SCRIPT = r"""
import json, re, gdb
gdb.execute("set pagination off"); gdb.execute("set width 0")
memory = gdb.selected_inferior()
found = []
for line in gdb.execute("info functions carla::client::detail::Client::", to_string=True).splitlines():
    if "Pimpl" in line or not re.match(r"^\d+:\t", line):
        continue
    signature = line.split("\t", 1)[1].rstrip(";")
    signature = signature[signature.index("CLASS"):]
    code = gdb.execute("disassemble '%s'" % signature, to_string=True)
    kind = next((k for k in ("CallAndWait<void", "CallAndWait", "async_call", "AsyncCall", "RawCall") if k in code), "")
    pieces = []
    for row in code.splitlines():
        vector = re.search(r"mov(?:dqa|aps|dqu|ups)\s+.*\(%rip\),%xmm\d+\s+# 0x([0-9a-f]+)", row)
        number = re.search(r"(?:movabs|mov[lw])\s+\$0x([0-9a-f]+),", row)
        if vector:
            pieces.append(memory.read_memory(int(vector.group(1), 16), 16).tobytes())
        elif number:
            digits = number.group(1)
            pieces.append(bytes.fromhex(digits.zfill(len(digits) + len(digits) % 2))[::-1])
    words = [re.search(r"[A-Za-z_]{3,}$", p.strip(b"\0").decode("latin1")) for p in pieces]
    found.append([signature, kind, [word.group() for word in words if word]])
print("FOUND" + json.dumps(found))
""".replace("CLASS", CLASS)


@pytest.mark.full
@pytest.mark.skipif(shutil.which("gdb") is None, reason="needs gdb")
def test_table_is_what_the_wheel_can_send(tmp_path: Path) -> None:
    (library,) = Path(carla.__file__).parent.glob("libcarla*.so")
    script = tmp_path / "read_calls.py"
    script.write_text(SCRIPT, encoding="utf-8")
    output = subprocess.run(
        ["gdb", "-q", "-batch", "-x", str(script), str(library)],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    ).stdout
    line = next(line for line in output.splitlines() if line.startswith("FOUND"))
    functions = [one for one in json.loads(line.removeprefix("FOUND")) if one[1]]
    families = {
        "CallAndWait<void": WITHOUT_VALUE, "CallAndWait": WITH_VALUE | WITHOUT_VALUE, "async_call": NOT_AWAITED,
        "AsyncCall": NOT_AWAITED, "RawCall": RAW | WITH_VALUE | WITHOUT_VALUE,
    }  # fmt: skip
    # Long names are cut short, and where the compiler has put `CallAndWait` into its caller only the raw call is left.
    explained: set[str] = set()
    for signature, kind, pieces in functions:
        # Names are put together from pieces that overlap, the last letters apart.
        names = [n for n in families[kind] | RAW if all(p in n for p in pieces) and n.startswith(tuple(pieces))]
        assert names, f"{signature} ({kind}) sends a call that the table lacks: {pieces}"
        explained.add(min(names, key=len))
    assert sorted(CLIENT_CALLS - explained) == []
    assert len(functions) >= len(CLIENT_CALLS) - 2
