"""Which recovery point a cold recovery restores of each dataset, where it is not simply the newest.

Kept on disk until the recovery has ended, so that one that was cut off goes on with the same points.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from rto_rpo.durable import make_folder, write_durably
from sites.errors import RunbookError
from sites.restore import ChosenPoint

_NAME = "chosen-points.json"


class ChosenPoints:
    """The choice of one plan, in its state folder."""

    def __init__(self, state: Path) -> None:
        self._path = state / _NAME

    def all(self) -> dict[str, ChosenPoint]:
        """By dataset; empty when nothing was chosen. Raises RunbookError for a file that makes no sense."""
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return {name: ChosenPoint(str(one["snapshot"]), str(one["why"])) for name, one in told.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunbookError(
                f"cannot tell which recovery points were chosen: {self._path}: {error}",
                hint="delete that file and choose again: blackstart failover --cold --clean",
            ) from error

    def choose(self, points: Mapping[str, ChosenPoint]) -> None:
        told = {name: {"snapshot": one.snapshot_id, "why": one.why} for name, one in points.items()}
        make_folder(self._path.parent)
        write_durably(self._path, (json.dumps(told, indent=2) + "\n").encode())

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)
