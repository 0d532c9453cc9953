"""What a plan declares, from the copy that a run froze: enough to say what was in scope and what was not.

The plan was checked when the run began. Here it is only told again: what is not as expected is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

LEAVES_MAX = 20_000
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")

Tree = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Declared:
    """The plan as a tree of text. `flat` maps the dotted path of every value to the value."""

    tree: Tree
    flat: Mapping[str, str]

    def nouns(self, kind: str) -> Mapping[str, Tree]:
        """The sites, datasets, services or drills by their names."""
        return {name: _tree(one) for name, one in _tree(self.tree.get(kind)).items()}

    def text(self, path: str) -> str | None:
        return self.flat.get(path)


def declared(plan: bytes, variables: Mapping[str, str] | None = None) -> Declared:
    """The plan, its variables filled in as the ledger recorded them. An unreadable one declares nothing."""
    try:
        # Every scalar stays text, as the plan's own reader has it; the base loader makes no objects.
        tree = yaml.load(plan, Loader=_LOADER)  # noqa: S506
    except (yaml.YAMLError, ValueError, RecursionError):
        tree = {}
    filled = _tree(tree)
    flat = dict(_flat(filled, "", variables or {}))
    return Declared(filled, flat)


def _flat(value: object, path: str, variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Depth first, in the plan's order, at most LEAVES_MAX of them: aliases can make a small file endless."""
    open_: list[tuple[object, str]] = [(value, path)]
    found = 0
    while open_ and found < LEAVES_MAX:
        one, where = open_.pop()
        if isinstance(one, dict):
            open_ += [
                (each, f"{where}.{name}" if where else str(name)) for name, each in reversed(one.items())
            ]
        elif isinstance(one, list):
            if all(isinstance(each, str) for each in one):
                yield where, filled(", ".join(one), variables)
                found += 1
            else:
                open_ += [(each, f"{where}.{place}") for place, each in reversed(list(enumerate(one)))]
        else:
            yield where, filled(str(one), variables)
            found += 1


def filled(text: str, variables: Mapping[str, str]) -> str:
    """The text with each ${NAME} replaced by the value that the run used, where that is known."""

    def value(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        return variables.get(name, found[0] if default is None else default)

    return _VARIABLE.sub(value, text)


def _tree(value: object) -> Tree:
    return {str(name): each for name, each in value.items()} if isinstance(value, dict) else {}
