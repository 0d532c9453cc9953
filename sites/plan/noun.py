"""What every noun of a plan has in common, and what its values are read against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationInfo

NEAREST_LETTERS_MAX = 64


class Noun(BaseModel):
    """Base of everything that a plan declares: it does not change, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Interpolated(str):
    """Text that holds the value of a variable. Such values are kept as evidence."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The plan's folder, and the names that each of its sections declares."""

    folder: Path
    names: Mapping[str, frozenset[str]] = field(default_factory=dict)


def folder_of(info: ValidationInfo) -> Path:
    return info.context.folder if isinstance(info.context, Surroundings) else Path.cwd()


def among(name: str, known: Iterable[str], label: str) -> str:
    """The end of a message about an unknown name: the nearest known one, and all of them."""
    names = sorted(known)
    close = get_close_matches(name[:NEAREST_LETTERS_MAX], names, n=1, cutoff=0.67)
    nearest = f'did you mean "{close[0]}"? ' if close else ""
    return f"{nearest}{label}: {', '.join(names) or 'none'}"
