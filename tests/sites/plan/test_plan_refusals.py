"""Every way in which a plan can be wrong: one line each, with the place, the reason and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from sites.errors import PlanError
from sites.plan import load

Change = Callable[..., str]
Refused = Callable[..., list[str]]
Read = Callable[..., object]

CASES = yaml.safe_load((Path(__file__).parent / "refusals.yaml").read_text())


@pytest.mark.parametrize("name", CASES)
def test_one_mistake_is_told_once_and_clearly(change: Change, refused: Refused, name: str) -> None:
    told = refused(change(*CASES[name]["change"]))
    assert [line.split(": ", 1)[1] for line in told] == [CASES[name]["told"]]


def test_the_line_is_the_one_of_the_mistake(change: Change, refused: Refused) -> None:
    text = change(("deadline: 2m", "deadline: 10s"))
    line = text.splitlines().index("    deadline: 10s") + 1
    assert refused(text)[0].startswith(f"plan.yaml:{line}: drills.kill-primary.deadline: 10s is shorter")


def test_all_mistakes_are_told_in_one_go_in_the_order_of_the_file(change: Change, refused: Refused) -> None:
    told = refused(
        change(
            ("environment: demo", "environment: Demo 1"),
            ("copy_of: onsite", "copy_of: offsite"),
            ("    database: desk", "    databse: desk"),
            ("  ticks:\n    kind: files\n    site: primary", "  ticks:\n    kind: files\n    site: nyc"),
            ("needs: [orders]", "needs: [orders, engine]"),
            ("  to: dr", "  to: primary"),
            ("deadline: 2m", "deadline: 10s"),
        )
    )
    assert [line.split(": ")[1] for line in told] == [
        "environment",
        "repositories.offsite.copy_of",
        "datasets.orders.database",
        "datasets.orders.databse",
        "datasets.ticks.site",
        "services.engine.needs",
        "failover.to",
        "drills.kill-primary.deadline",
    ]


def test_what_only_follows_from_another_mistake_is_not_told(change: Change, refused: Refused) -> None:
    told = refused(change(("  decide: automatic", "  decide: maybe"), ("deadline: 2m", "deadline: 10s")))
    assert [line.split(": ")[1] for line in told] == ["failover.decide", "drills.kill-primary.deadline"]


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(
        PlanError, match=r"nowhere\.yaml: cannot read the plan: No such file or directory"
    ) as caught:
        load(tmp_path / "nowhere.yaml")
    assert caught.value.hint == "name another with --plan FILE; `blackstart init` writes a first one"


def test_a_folder_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot read the plan: Is a directory"):
        load(tmp_path)


def test_a_path_that_no_file_can_have(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="cannot read the plan: embedded null byte"):
        load(f"{tmp_path}/a\0b")


def test_very_many_mistakes_are_cut_short(refused: Refused) -> None:
    keys = "\n".join(f"key{number}: x" for number in range(200))
    told = refused(f"name: a\nenvironment: b\nsites: {{a: {{kind: processes, path: a}}}}\n{keys}\n")
    assert len(told) == 51
    assert told[-1] == "plan.yaml: and 150 more problems"


NOTHING_TO_PROVE = """
name: files-only
environment: test
sites: {here: {kind: processes, path: here}, there: {kind: processes, path: there}}
failover: {from: here, to: there, decide: automatic}
"""
UNPROVEN = 'nothing can prove that site "here" takes no writes, so no failover may be automatic'


def test_no_failover_is_automatic_that_could_prove_no_fence(refused: Refused, read: Read) -> None:
    told = refused(NOTHING_TO_PROVE)
    assert told == [
        f"plan.yaml:5: failover.fence: {UNPROVEN}; give `power_off` or `lease`, or decide: approval"
    ]
    read(NOTHING_TO_PROVE.replace("automatic", "approval"))
    off = "automatic, power_off: {command: [off], confirm: [is-off]}"
    read(NOTHING_TO_PROVE.replace("automatic", off))
