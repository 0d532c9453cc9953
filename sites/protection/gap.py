"""One thing that a plan leaves open."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """`about` names the object, `what` says what is open and how to close it."""

    about: str
    what: str
