"""Hold a standby's receiver still: the negative control that an honest instrument must notice.

Asynchronous replication then loses what is acknowledged meanwhile; synchronous replication acknowledges
nothing.
"""

from __future__ import annotations

import signal
from typing import Protocol


class Signalling(Protocol):
    """A site whose processes can be signalled by the number that they have inside."""

    def signal(self, inner_pid: int, number: signal.Signals) -> None: ...


def freeze_receiver(site: Signalling, receiver_pid: int) -> None:
    """Stop the receiver. The server's views go on calling it streaming."""
    site.signal(receiver_pid, signal.SIGSTOP)


def drop_receiver(site: Signalling, receiver_pid: int) -> None:
    """Let a stopped receiver go, together with the changes that the kernel kept for it unread.

    It ends as soon as it runs again; the server starts another one while there is a primary to ask. A stopped
    one must go before a promotion, which waits for it.
    """
    site.signal(receiver_pid, signal.SIGTERM)
    site.signal(receiver_pid, signal.SIGCONT)


def thaw_receiver(site: Signalling, receiver_pid: int) -> None:
    """Let a stopped receiver go on where it was: nothing is lost."""
    site.signal(receiver_pid, signal.SIGCONT)
