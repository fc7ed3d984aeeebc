"""Answers on the wire: `[1, id, nil, result]` with the result in the envelope of its family."""

from __future__ import annotations

from typing import Any

import msgpack

from alpamayo_sim.server.registry import Family, Packed

pack: Any = msgpack.Packer(use_bin_type=True, unicode_errors="surrogateescape", autoreset=True).pack

_VALUE = b"\x91\x92\x01"
_VOID = b"\x91\x91\xc2"
_VALUE_ERROR = b"\x91\x92\x00\x91"
_VOID_ERROR = b"\x91\x92\xc3\x91"
_RAW_ERROR = b"\x91\x91\x92\x00\x91"
"""One failed command of a batch."""
_ERRORS = {Family.VALUE: _VALUE_ERROR, Family.VOID: _VOID_ERROR, Family.RAW: _RAW_ERROR}


def success(message_id: int, family: Family, result: Any) -> bytes:
    """Return the answer of a call that was carried out."""
    if family is Family.VOID:
        body = _VOID
    elif family is Family.VALUE:
        body = _VALUE + (result if type(result) is Packed else pack(result))
    else:
        body = result if type(result) is Packed else pack(result)
    return b"\x94\x01" + pack(message_id) + b"\xc0" + body


def failure(message_id: int, family: Family, message: str) -> bytes:
    """Return the answer of a call that was not carried out."""
    return b"\x94\x01" + pack(message_id) + b"\xc0" + _ERRORS[family] + pack(message)
