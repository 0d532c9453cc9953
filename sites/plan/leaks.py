"""Secrets that stand in a plan by value. What is found is never quoted: it would leak once more."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sites.plan.problem import Place
from sites.plan.references import WAYS

_WORDS = r"(?:password|passwd|passphrase|secret|token|api_?key|private_?key|access_?key|credentials?)"
_NAME = re.compile(rf".*{_WORDS}", re.IGNORECASE | re.DOTALL)
_OPTION = re.compile(rf"-.*{_WORDS}", re.IGNORECASE)
_ASSIGNMENT = re.compile(rf"{_WORDS}=[^\s&]", re.IGNORECASE)
_IN_URL = re.compile(r"://[^\s/@:]{0,256}:(?![0-9]{0,5}(?:/|$))[^\s@]{1,512}@")


def names_a_secret(name: str) -> bool:
    """Whether a variable or key of this name holds a secret: PGPASSWORD does, PASSWORD_FILE does not."""
    return _NAME.fullmatch(name) is not None


def leaks(data: object, place: Place = ()) -> Iterator[tuple[Place, str]]:
    """The places of plain data where a secret stands by value, and what to do about each."""
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, str) and value and names_a_secret(str(key)):
                yield (*place, key), f"secret by value; a plan only says where to find a secret: {WAYS}"
            else:
                yield from leaks(value, (*place, key))
    elif isinstance(data, list):
        for at, value in enumerate(data):
            if at and isinstance(value, str) and _is_option(data[at - 1]):
                yield (*place, at), "secret by value in a command, where anyone can see it; pass it by env"
            else:
                yield from leaks(value, (*place, at))
    elif isinstance(data, str):
        if _IN_URL.search(data):
            yield place, "a password inside a URL; leave it out and pass it as a reference to a secret"
        elif _ASSIGNMENT.search(data):
            yield place, "secret by value; pass it as a reference to a secret, by env or by a file"


def _is_option(word: object) -> bool:
    return isinstance(word, str) and _OPTION.fullmatch(word) is not None
