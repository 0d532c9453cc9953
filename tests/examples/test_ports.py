"""Ports for the desk's servers: free, different, and out of the way of outgoing connections."""

from __future__ import annotations

import socket
from pathlib import Path

from ports import LOWEST, free_ports


def test_ports_differ_and_can_be_listened_on() -> None:
    ports = free_ports(20)
    assert len(set(ports)) == 20
    for port in ports:
        socket.create_server(("127.0.0.1", port)).close()


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert all(LOWEST <= port < first_outgoing for port in free_ports(50))


def test_a_port_in_use_is_left_out() -> None:
    with socket.create_server(("127.0.0.1", free_ports(1)[0])) as taken:
        assert all(taken.getsockname()[1] not in free_ports(500) for _ in range(10))
