"""What there is to know of a kind of fault without a plan: what it needs, and how it is taken back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drills.fault import Fault
from sites.estate import Estate
from sites.plan.noun import Noun

Strikes = Literal["nothing", "site", "process", "volume", "repository", "dataset"]


@dataclass(frozen=True, slots=True)
class Kind:
    """`needs` is what a site, repository or dataset must be for it; `undo` how it is taken back.

    `expected`: for each kind of dataset, the verdict of a drill whose estate is as it should be.
    `refused`: the kinds of site that offer no way to it.
    """

    noun: type[Noun]
    make: Callable[[Estate, Any], Fault]
    strikes: Strikes
    needs: str
    undo: str
    expected: Mapping[str, str]
    reversible: bool = True
    refused: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        return str(self.noun.model_fields["kind"].annotation.__args__[0])  # type: ignore[union-attr]

    @property
    def says(self) -> str:
        """What it does, in its noun's own words."""
        return (self.noun.__doc__ or "").strip().splitlines()[0]
