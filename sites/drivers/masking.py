"""Keep secrets out of whatever people and files get to see."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

MASK = "***"

_Span = tuple[int, int]
_registered: set[str] = set()


def register_secret(value: str) -> None:
    """From now on `value` never shows in an error. An empty one is ignored."""
    if value:
        _registered.add(value)


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace every registered secret and each of `secrets`, also as they look inside a URL."""
    return _covered(text, _spans(text, _known(secrets)))


def mask_torn(head: str, tail: str, secrets: Iterable[str] = ()) -> tuple[str, str]:
    """Mask two pieces of a text whose middle was dropped: a secret may have been torn by the cut."""
    known = _known(secrets)
    last = max((_overlap(head, secret) for secret in known), default=0)
    first = max((_overlap(secret, tail) for secret in known), default=0)
    return (
        _covered(head, [*_spans(head, known), (len(head) - last, len(head))]),
        _covered(tail, [*_spans(tail, known), (0, first)]),
    )


def _known(secrets: Iterable[str]) -> set[str]:
    plain = {secret for secret in (*_registered, *secrets) if secret}
    return plain | {quote(secret, safe="") for secret in plain}


def _spans(text: str, known: Iterable[str]) -> Iterator[_Span]:
    """Where secrets are, all of them in the text as it is: masking one must not hide a part of another."""
    for secret in known:
        begin = text.find(secret)
        while begin >= 0:
            yield begin, begin + len(secret)
            begin = text.find(secret, begin + 1)


def _overlap(left: str, right: str) -> int:
    """How much of the beginning of `right` the end of `left` may be."""
    longest = min(len(left), len(right))
    return next((n for n in range(longest, 0, -1) if left.endswith(right[:n])), 0)


def _covered(text: str, spans: Iterable[_Span]) -> str:
    """The text with a mask in place of each stretch that any span covers."""
    shown, covered_until = [], 0
    for begin, end in sorted(span for span in spans if span[0] < span[1]):
        if begin >= covered_until:
            shown += [text[covered_until:begin], MASK]
        covered_until = max(covered_until, end)
    return "".join([*shown, text[covered_until:]])
