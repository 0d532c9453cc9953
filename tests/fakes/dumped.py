"""A dataset that is dumped, in memory: as simple as one can be that keeps the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sites.errors import DatasetError, SiteError


@dataclass
class FakeDumped:
    """`rows` has what each site holds. It understands one query: how many there are."""

    name: str
    rows: dict[str, list[str]] = field(default_factory=dict)

    def dump(self, site: str, to: Path) -> None:
        to.write_text(json.dumps(self._at(site)) + "\n-- end\n")

    def check_dump(self, path: Path) -> None:
        self._read(path)

    def load(self, site: str, dump: Path) -> None:
        self._at(site)[:] = self._read(dump)

    @contextmanager
    def opened(self, dump: Path, scratch: Path) -> Iterator[Callable[[str], str | None]]:
        del scratch
        rows = self._read(dump)

        def ask(statement: str) -> str | None:
            if statement != "SELECT count(*) FROM fills":
                raise ValueError(f"no such query: {statement}")
            return str(len(rows))

        yield ask

    def _read(self, dump: Path) -> list[str]:
        try:
            return [str(row) for row in json.loads(dump.read_text().removesuffix("-- end\n"))]
        except (OSError, ValueError) as error:
            raise DatasetError(f'the dump {dump} of dataset "{self.name}" cannot be read: {error}') from error

    def _at(self, site: str) -> list[str]:
        if site not in self.rows:
            raise SiteError(
                f'dataset "{self.name}" has no copy at site "{site}"; it has: {", ".join(self.rows)}'
            )
        return self.rows[site]
