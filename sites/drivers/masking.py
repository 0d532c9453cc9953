"""Keep secrets out of whatever people and files get to see."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"

_registered: set[str] = set()


def register_secret(value: str) -> None:
    """From now on `value` never shows in an error. An empty one is ignored."""
    if value:
        _registered.add(value)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace every registered secret and each of `secrets`, also as they look inside a URL."""
    for secret in _known(secrets):
        text = text.replace(secret, MASK)
    return text


def mask_torn(head: str, tail: str, secrets: Iterable[str] = ()) -> tuple[str, str]:
    """Mask two pieces of a text whose middle was dropped: a secret may have been torn by the cut."""
    known = _known(secrets)
    head, tail = mask(head, secrets), mask(tail, secrets)
    for secret in known:
        for length in range(len(secret) - 1, 0, -1):
            if head.endswith(secret[:length]):
                head = head[:-length] + MASK
                break
        for length in range(len(secret) - 1, 0, -1):
            if tail.startswith(secret[-length:]):
                tail = MASK + tail[length:]
                break
    return head, tail


def _known(secrets: Iterable[str]) -> list[str]:
    """Longest first, so that a secret which contains another one goes as a whole."""
    plain = {secret for secret in (*_registered, *secrets) if secret}
    return sorted(plain | {quote(secret, safe="") for secret in plain}, key=len, reverse=True)
