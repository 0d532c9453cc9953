"""A story held against a profile of one control."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from rto_rpo.controls.answer import State
from rto_rpo.controls.assess import Assessment
from rto_rpo.controls.profile import Control, Profile, Reading
from rto_rpo.dossier.dossier import as_things_stand, beside_runs
from rto_rpo.dossier.shelf import read_shelf
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.lines.line import canonical, line_hash
from tests.rto_rpo.dossier.stories import NAME, PLAN, Story, day_of, run_id

READ = Reading.model_validate({"address": "here", "date": "2026-11-01", "of": "original"})


def profile_of(*answers: str, of: str = "original", **other: str) -> Profile:
    read = READ.model_copy(update={"of": of})
    control = Control(clause="1", asks="x", quotation="x y z", read=read, answers=answers, **other)  # type: ignore[arg-type]
    return Profile(name="p", title="t", original="o", binds="b", controls=(control,))


def assessed(story: Story, wanted: Profile) -> Assessment:
    """As of the newest run."""
    *_, last = beside_runs(read_shelf(story.root), NAME, [wanted])
    return last.mappings[0].assessments[0]


def state(story: Story, *answers: str) -> State:
    return assessed(story, profile_of(*answers)).state


def on_day(story: Story, number: int, *answers: str) -> Assessment:
    """As things stand on the day of that number."""
    told = as_things_stand(read_shelf(story.root), NAME, day_of(number), [profile_of(*answers)])
    return told.mappings[0].assessments[0]


def all_of(story: Story, number: int, answers: Iterable[str]) -> dict[str, Assessment]:
    """The same of each answer by itself."""
    profiles = [profile_of(answer) for answer in answers]
    told = as_things_stand(read_shelf(story.root), NAME, day_of(number), profiles)
    return {one.answers[0][0]: one for mapping in told.mappings for one in mapping.assessments}


def give_up(story: Story, number: int, plan: bytes = PLAN, *, drill: str = "kill-primary") -> Path:
    """A run that is opened and that nobody closes."""
    folder = chain.open_run(
        story.root, run=run_id(number), drill=drill, plan=plan, key=story.key, now=day_of(number)
    )
    assert folder.descriptor is not None
    os.close(folder.descriptor)
    return folder.path


def garble(folder: Path) -> None:
    """Let the report be no report any more."""
    (folder / "report.json").write_bytes(b"{}")


def strip_signatures(root: Path) -> None:
    """Rewrite the chain without its signatures, every hash right again."""
    prev, lines = "0" * 64, []
    for line in (root / "chain.jsonl").read_bytes().splitlines():
        raw = canonical({**json.loads(line), "prev": prev, "signature": None, "key": None}) + b"\n"
        prev = line_hash(raw)
        lines.append(raw)
    (root / "chain.jsonl").write_bytes(b"".join(lines))
