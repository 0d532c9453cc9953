"""A store of lines in a plain file, with a folder for each site, run by a user's own commands alone."""

from __future__ import annotations

import shutil
from pathlib import Path

from sites.drivers.shell_dataset import DatasetCommands, ShellDataset

COMMANDS = {
    "dump": 'cp "$ROOT/$BLACKSTART_SITE/fills" "$BLACKSTART_DUMP/fills" && cd "$BLACKSTART_DUMP" && '
    "sha256sum fills > sums",
    "check_dump": 'cd "$BLACKSTART_DUMP" && sha256sum --quiet -c sums >&2',
    "load": 'cp "$BLACKSTART_DUMP/fills" "$ROOT/$BLACKSTART_SITE/fills"',
    "query": '[ "$BLACKSTART_QUERY" = "SELECT count(*) FROM fills" ] || exit 1; '
    'grep -c "" "$BLACKSTART_DUMP/fills"',
    "writable": '[ -d "$ROOT/$BLACKSTART_SITE" ] || exit 69; [ -e "$ROOT/$BLACKSTART_SITE/writable" ]',
    "promote": '[ -d "$ROOT/$BLACKSTART_SITE" ] && touch "$ROOT/$BLACKSTART_SITE/writable"',
    "in_sync": 'ls "$ROOT/primary/writable" > /dev/null && [ ! -e "$ROOT/dr/writable" ] && '
    'cmp "$ROOT/primary/fills" "$ROOT/dr/fills"',
    "point": 'date -u -r "$ROOT/dr/fills" +%Y-%m-%dT%H:%M:%SZ',
}


def words(name: str) -> tuple[str, ...]:
    return ("sh", "-c", COMMANDS[name])


def declared(root: Path) -> dict[str, object]:
    """The store at that place as a plan declares it, with a standby that can take over."""
    acts = ("writable", "promote", "in_sync")
    commands = {act: [word.replace("$", "$$") for word in words(act)] for act in acts}
    return {"kind": "shell", "site": "primary", "standby": "dr", "env": {"ROOT": str(root)}, **commands}


class ShellStore:
    """The one at "primary" takes writes, "dr" has a copy."""

    def __init__(self, root: Path, name: str = "fills", **commands: tuple[str, ...] | None) -> None:
        self.root = root
        for site in ("primary", "dr"):
            (root / site).mkdir(parents=True)
            (root / site / "fills").touch()
        (root / "primary" / "writable").touch()
        told = {each: words(each) for each in COMMANDS} | commands
        self.dataset = ShellDataset(
            name,
            DatasetCommands(**told),
            ("primary", "dr"),
            lambda: ({"ROOT": str(root)}, {}),
            limit_seconds=20,
            standby="dr",
        )

    def add(self, site: str, row: str) -> None:
        with (self.root / site / "fills").open("a") as file:
            file.write(f"{row}\n")

    def read(self, site: str) -> list[str]:
        return (self.root / site / "fills").read_text().splitlines()

    def lose(self, site: str) -> None:
        shutil.rmtree(self.root / site)
