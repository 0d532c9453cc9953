"""A small runbook over files, run as a program that a test kills: FOLDER POINT, with POINT 0 for never."""

from __future__ import annotations

import sys
from pathlib import Path

from sites.recovery.injection import KilledAt, nothing
from sites.recovery.journal import Journal
from sites.recovery.runbook import Engine, Step

NOTHING_TO_DO = 4
NEEDS = {
    "fence": (),
    "promote": ("fence",),
    "restore": ("fence",),
    "start": ("promote",),
    "redirect": ("start",),
    "attest": ("redirect", "restore"),
}


def step(folder: Path, name: str) -> Step:
    acts = folder / "acts"

    def do(_limit_seconds: float) -> dict[str, object]:
        with acts.open("a") as out:
            out.write(name + "\n")
        return {"did": name}

    def done() -> bool:
        return acts.exists() and name in acts.read_text().split()

    return Step(name, name, do, done, 5.0, name, NEEDS[name])


def main(folder: Path, point: int) -> int:
    path = folder / "journal.jsonl"
    if (folder / "acts").exists() and not path.exists():
        return NOTHING_TO_DO
    with Journal(path) as journal:
        steps = [step(folder, name) for name in NEEDS]
        run = Engine(steps, journal, lambda *_: None, at=KilledAt(point) if point else nothing).run()
        if run.complete:
            journal.put_away()
    return 0 if run.complete else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
