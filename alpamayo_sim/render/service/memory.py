"""Memory that two processes share without a name: it lives as long as one of them holds it."""

from __future__ import annotations

import fcntl
import mmap
import os

from alpamayo_sim.errors import InputError

SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
MOST_BYTES = 1 << 32


class SharedMemory:
    """A mapping of `size` bytes."""

    def __init__(self, descriptor: int, size: int) -> None:
        """Map what a descriptor stands for, and take the descriptor over; InputError if it is not sealed memory of that size."""
        try:
            if not 0 < size <= MOST_BYTES:
                raise InputError(f"memory of {size} bytes; expected 1 to {MOST_BYTES}")
            if os.fstat(descriptor).st_size != size:
                raise InputError(f"memory of {os.fstat(descriptor).st_size} bytes was sent as one of {size}")
            if fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & SEALS != SEALS:
                raise InputError("the size of the memory is not sealed")
            self._map = mmap.mmap(descriptor, size)
        except OSError as error:
            raise InputError(f"what was sent is not memory that can be mapped: {error}") from error
        finally:
            os.close(descriptor)
        self.view = memoryview(self._map)

    @classmethod
    def create(cls, size: int) -> tuple[SharedMemory, int]:
        """Return new memory and a descriptor to send to another process, to be closed after that."""
        descriptor = os.memfd_create("alpamayo-pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, size)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, SEALS)
        return cls(os.dup(descriptor), size), descriptor
