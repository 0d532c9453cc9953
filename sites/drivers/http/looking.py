"""One look at every address at once; and a program that does so when told to: the far end of a vantage.

    look LIMIT_SECONDS URL...      ->      sign good

One line each way. It ends when nobody talks to it any more.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Literal

from sites.drivers.http.check import check

Seen = Literal["good", "refused", "silent", "blind"]

_SIGNS: dict[str, Seen] = {"good": "good", "bad": "refused", "refused": "refused", "silent": "silent"}
_TOO_OFTEN = "429"  # who is told to look less often has seen nothing of the service
_LOOKERS = ThreadPoolExecutor(16, thread_name_prefix="look")


def look(urls: Sequence[str], limit_seconds: float) -> Seen:
    """What is seen of all of them within the limit. Raises ValueError for what is no URL."""
    if len(urls) == 1:
        return _one(urls[0], limit_seconds)
    return together(list(_LOOKERS.map(partial(_one, limit_seconds=limit_seconds), urls)))


def together(signs: Collection[Seen]) -> Seen:
    """A site is gone only when every service is: one that answers is a good sign."""
    order: tuple[Seen, ...] = ("good", "blind", "silent")
    return next((sign for sign in order if sign in signs), "refused")


def _one(url: str, limit_seconds: float) -> Seen:
    seen = check(url, limit_seconds)
    return "blind" if seen.cause == _TOO_OFTEN else _SIGNS[seen.sign]


def main() -> None:
    for line in sys.stdin:
        word, limit, *urls = line.split()
        said = look(urls, float(limit)) if word == "look" and urls else "blind"
        print(f"sign {said}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
