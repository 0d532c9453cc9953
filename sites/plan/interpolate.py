"""Variables in a plan: ${NAME}, ${NAME:-default}, and $$ for a dollar sign.

The values used are kept as evidence, so that a verdict can be computed again: no secret may be one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sites.plan.agreed import agreed
from sites.plan.document import Node
from sites.plan.leaks import names_a_secret
from sites.plan.noun import Interpolated
from sites.plan.problem import Place, Problem

VALUE_LETTERS_MAX = 4096
_HIDDEN = (
    "variable {name} stands for what people agree to, and the plan that a run freezes would not show it "
    "change; write the value itself, or another plan file for each value (--plan FILE)"
)
_DOLLAR = re.compile(r"\$(?:(\$)|\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^{}]*))?\})?")


@dataclass(slots=True)
class Interpolation:
    """Replaces variables in a tree, keeping count of the values used and of what is wrong.

    `hidden`: where a variable keeps from the plan's text what people agree to.
    """

    environ: Mapping[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    hidden: list[Problem] = field(default_factory=list)

    def told(self) -> list[Problem]:
        """The problems, those that say the same told once, at the first place."""
        same: dict[str, list[Problem]] = {}
        for problem in self.problems:
            same.setdefault(problem.message, []).append(problem)
        return [_first_of(problems) for problems in same.values()]

    def mapping(self, node: Node) -> dict[str, object]:
        """A mapping as plain data, all variables replaced."""
        return {key: self._tree(child, (key,)) for key, child in node.children() if isinstance(key, str)}

    def _tree(self, node: Node, place: Place) -> object:
        if isinstance(node.value, dict):
            return {key: self._tree(child, (*place, key)) for key, child in node.value.items()}
        if isinstance(node.value, list):
            return [self._tree(child, (*place, at)) for at, child in enumerate(node.value)]
        if node.value is None or "$" not in node.value:
            return node.value
        return self._text(node.value, node.line, place)

    def _text(self, text: str, line: int, place: Place) -> str:
        wrong: list[str] = []
        used: dict[str, str] = {}

        def replace(found: re.Match[str]) -> str:
            if found[1]:
                return "$"
            try:
                value = self._value(found[2], found[3])
            except ValueError as error:
                wrong.append(str(error))
                return found[0]
            used[found[2]] = value
            return value

        replaced = _DOLLAR.sub(replace, text)
        self.problems.extend(Problem(line, place, message) for message in wrong)
        if used and agreed(place):
            self.hidden.append(Problem(line, place, _HIDDEN.format(name=", ".join(used))))
        return Interpolated(replaced) if used else replaced

    def _value(self, name: str | None, default: str | None) -> str:
        """The value of a variable. Raises ValueError, saying what is wrong with its use."""
        if name is None:
            raise ValueError('a lone "$"; write "${NAME}" for a variable, or "$$" for a dollar sign')
        if names_a_secret(name):
            raise ValueError(
                f"variable {name} seems to hold a secret, and the values of variables are kept as evidence; "
                f"where a secret is wanted write {{env: {name}}}"
            )
        value = self.environ.get(name) or default
        if value is None:
            state = "empty" if name in self.environ else "not set"
            raise ValueError(f"variable {name} is {state}; set it, or give a default: ${{{name}:-...}}")
        if len(value) > VALUE_LETTERS_MAX or not value.isprintable():
            raise ValueError(
                f"variable {name} holds no printable text of up to {VALUE_LETTERS_MAX} characters"
            )
        if self.variables.setdefault(name, value) != value:
            raise ValueError(f"variable {name} has two different defaults; give it one")
        return value


def _first_of(problems: list[Problem]) -> Problem:
    first, others = problems[0], len(problems) - 1
    more = f" (used in {others} more place{'s' if others > 1 else ''})" if others else ""
    return Problem(first.line, first.place, first.message + more)
