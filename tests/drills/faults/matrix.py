"""The matrix of docs/faults.md: fault, kind of dataset and kind of site; what is proven by which test.

`python -m tests.drills.faults.matrix` writes the table anew. What counts as tested is what a test claims by
`pytest.mark.cell(FAULT, SITE, DATASET)`, with `verdict=` where a whole drill was judged; what a kind of site
was seen to refuse, by `pytest.mark.refused(FAULT, SITE)`. A claim of a long proof counts once docs/proof.json
says that the proof passed, at whatever commit: one that was skipped, or never run, proves nothing.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import get_args

from drills.faults import KINDS
from sites.plan import ProcessesSite, Site

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "faults.md"
PROOFS = ROOT / "docs" / "proof.json"
BEGIN, END = "<!-- the matrix -->\n", "<!-- end of the matrix -->\n"
UNTESTED, NOT_YET = "not tested", "not tested yet"
SITE_BY_SITE = {"each", "that_stands_still"}  # of their parameters "containers" is run by the campaign alone
ANY, REFUSED = "any", "refused"


@dataclass(frozen=True)
class Cell:
    """One claim of one test. `long`: it is run by the campaign alone."""

    fault: str
    site: str
    dataset: str
    verdict: str | None
    test: str
    long: bool = False
    parameter: str = ""

    @property
    def holds(self) -> bool:
        """Whether the test is run each time, or has passed as a long proof."""
        nodes = [node for node in passed() if node.partition("[")[0] == self.test]
        return not self.long or any(self.parameter in node for node in nodes)


@cache
def passed() -> frozenset[str]:
    """The long proofs that passed, at whatever commit."""
    found = json.loads(PROOFS.read_text(encoding="utf-8")).items()
    return frozenset(node for node, proof in found if proof["outcome"] == "passed")


def site_kinds() -> tuple[str, ...]:
    """Every kind of site that a plan knows."""
    members = get_args(get_args(Site)[0]) if get_args(Site) else (Site,)
    found = [get_args(member.model_fields["kind"].annotation)[0] for member in members or (ProcessesSite,)]
    return tuple(sorted(found))


def cells() -> Iterator[Cell]:
    """Every claim in the tests, read from their source."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "mark.cell" in source or "mark.refused" in source:
            yield from _claims(path, ast.parse(source))


def _claims(path: Path, tree: ast.Module) -> Iterator[Cell]:
    all_long = any(_is_long(node.value) for node in tree.body if _marks_all(node))  # type: ignore[attr-defined]
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef):
            continue
        long = all_long or any(map(_is_long, node.decorator_list))
        test = f"{path.relative_to(ROOT)}::{node.name}"
        for call in node.decorator_list:
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.refused"):
                fault, site = (ast.literal_eval(word) for word in call.args)
                yield Cell(fault, site, ANY, REFUSED, test, long)
            if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("mark.cell"):
                fault, site, dataset = (ast.literal_eval(word) for word in call.args)
                told = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
                by_site = site == "containers" and bool(
                    SITE_BY_SITE & set(map(ast.unparse, node.decorator_list))
                )
                parameter = "[containers" if by_site else ""
                yield Cell(fault, site, dataset, told.get("verdict"), test, long or by_site, parameter)


def _marks_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"


def _is_long(node: ast.expr) -> bool:
    return "mark.campaign" in ast.unparse(node)


def table() -> str:
    """The table as Markdown."""
    claims, kinds = list(cells()), site_kinds()
    head = ["fault", "dataset", "expected verdict", *(f"`{kind}`" for kind in kinds)]
    lines = [_row(head), _row(["---"] * len(head))]
    for kind in KINDS:
        for dataset, expected in kind.expected.items():
            proven = [_proven(claims, kind.name, site, dataset) for site in kinds]
            lines.append(_row([f"`{kind.name}`", dataset, expected, *proven]))
    return "\n".join(lines) + "\n"


def _proven(claims: list[Cell], fault: str, site: str, dataset: str) -> str:
    here = [one for one in claims if (one.fault, one.site) == (fault, site)]
    if any(one.verdict == REFUSED and one.holds for one in here):
        return "refused: there is no way to"
    claimed = [one for one in here if dataset in (one.dataset, ANY)]
    found = [one for one in claimed if one.holds]
    if not found:
        return NOT_YET if claimed else UNTESTED
    verdicts = sorted({one.verdict for one in found if one.verdict})
    return f"tested, drill: {', '.join(verdicts)}" if verdicts else "tested: fault and undo"


def _row(words: list[str]) -> str:
    return f"| {' | '.join(words)} |"


def page() -> str:
    """The page with its table as it should be."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
