"""Messages to people, through whatever Apprise knows an address for. Addresses are secrets."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from sites.drivers.http.check import check
from sites.drivers.masking import register_secret

_PING_SECONDS = 20.0


def send(addresses: Sequence[str], title: str, body: str) -> list[str]:
    """Send one message to every address; what went wrong, a line for each that did not take it.

    An address is named by its place and its scheme, never by itself.
    """
    import apprise  # here: it takes longer to import than most commands run

    # what it logs of a failure would go to standard error, address and all; we return it instead
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    failed = []
    for place, address in enumerate(addresses, 1):
        register_secret(address)
        name = f"address {place} ({address.partition(':')[0][:20]}:)"
        one = apprise.Apprise()
        if not one.add(address):
            failed.append(f"{name} is none that Apprise knows")
        elif not one.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
            failed.append(f"{name} did not take the message")
    return failed


def ping(address: str) -> str | None:
    """Ask an address with GET; why it was not reached, or None when it answered 2xx."""
    register_secret(address)
    try:
        seen = check(address, _PING_SECONDS)
    except ValueError:
        return "the ping's address is none that can be asked with GET"
    return None if seen.sign == "good" else f"the ping was not heard: {seen.cause}"
