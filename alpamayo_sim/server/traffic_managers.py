"""Which TrafficManagers run, in which client: a client asks here before it starts one of its own."""

from __future__ import annotations

from collections.abc import Hashable


class TrafficManagers:
    """TrafficManagers by RPC port; one ends with the connection that registered it, as it lives in that client."""

    def __init__(self) -> None:
        self._by_port: dict[int, tuple[str, Hashable]] = {}

    def __len__(self) -> int:
        return len(self._by_port)

    def add(self, host: str, port: int, owner: Hashable) -> bool:
        """Register one; False if the port has one already."""
        if port in self._by_port:
            return False
        self._by_port[port] = (host, owner)
        return True

    def is_running(self, port: int) -> bool:
        """Return whether there is one at the port."""
        return port in self._by_port

    def find(self, port: int) -> tuple[str, int]:
        """Return (host, port) of the one at the port; ("", 0) without one."""
        entry = self._by_port.get(port)
        return (entry[0], port) if entry else ("", 0)

    def remove(self, port: int) -> None:
        """Forget the one at the port, if any."""
        self._by_port.pop(port, None)

    def owner_lost(self, owner: Hashable) -> None:
        """Forget those that `owner` registered."""
        self._by_port = {port: entry for port, entry in self._by_port.items() if entry[1] is not owner}
