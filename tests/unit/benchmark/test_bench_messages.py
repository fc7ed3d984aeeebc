from __future__ import annotations

import os

import pytest
from bench_parts import SETTINGS, task
from hypothesis import given
from hypothesis import strategies as st

from alpamayo_scenarios.benchmark.messages import (
    Failed,
    Finished,
    LineReader,
    Order,
    Progress,
    Ready,
    Refused,
    Report,
    ServerChoice,
    WorkerSetup,
    decode_order,
    decode_report,
    decode_setup,
    encode,
    write_all,
)

REPORTS = st.one_of(
    st.just(Ready()),
    st.builds(Progress, percent=st.floats(0, 100), time_s=st.floats(0, 1e6)),
    st.builds(Finished, status=st.text()),
    st.builds(Failed, kind=st.text(), reason=st.text()),
    st.builds(Refused, message=st.text()),
)


@given(REPORTS)
def test_reports_come_out_as_they_went_in(report: Report) -> None:
    line = encode(report)
    assert line.count(b"\n") == 1
    assert decode_report(line) == report


def test_set_up_and_order_come_out_as_they_went_in() -> None:
    choice = ServerChoice("carla", program="/x/CarlaUE4.sh", program_args=("-graphicsadapter=1",), memory_limit_mib=10)
    setup = WorkerSetup("/run", SETTINGS, choice, ("/maps",), "/cache", 300.0, 60.0)
    assert decode_setup(encode(setup)) == setup
    order = Order(task(3, "Accident"), "/run/.attempts/1")
    assert decode_order(encode(order)) == order


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b"no", b'{"event":"begun"}', b'{"event":"finished"}'])
def test_what_is_no_report_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode_report(line)


@given(st.lists(st.binary(max_size=50).filter(lambda b: b"\n" not in b), min_size=1), st.data())
def test_lines_are_put_together_however_they_arrive(lines: list[bytes], data: st.DataObject) -> None:
    out, into = os.pipe()
    try:
        whole = b"".join(line + b"\n" for line in lines)
        reader, found = LineReader(out), []
        while whole:
            cut = data.draw(st.integers(1, len(whole)))
            write_all(into, whole[:cut])
            whole = whole[cut:]
            found += reader.read()
        assert found == lines
        assert not reader.is_at_end
        os.close(into)
        into = -1
        assert reader.read() == []
        assert reader.is_at_end
    finally:
        os.close(out)
        if into >= 0:
            os.close(into)
