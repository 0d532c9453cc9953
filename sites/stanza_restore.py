"""Fill a database from a pgBackRest repository: its server brought up apart, its log replayed, then dumped.

What is put in place is a dump, as from any other backup: roles, addresses and the way in which a server
follows another stay those of the site that takes over.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from sites.drivers.pgbackrest.results import BackupSet
from sites.drivers.pgbackrest.stanza import Stanza
from sites.drivers.postgres.commits import programs_of
from sites.drivers.postgres.folder import DataFolder
from sites.drivers.postgres.revived import revived
from sites.errors import DatasetError, RepositoryError
from sites.points import DUMP_NAME
from sites.restore import ChosenPoint, Loadable, Restored


@dataclass(frozen=True, slots=True)
class StanzaSource:
    """Where a database is recovered from at the other site, and below which folder, as whom, it is dumped."""

    dataset: str
    repository_name: str
    stanza: Stanza
    site: str
    scratch: Path
    database: str
    user: str
    loader: Loadable
    chosen: ChosenPoint | None = None

    def restore(self, limit_seconds: float, *, gently: bool = True) -> Restored:  # noqa: ARG002  restic's
        """Restore the newest backup, replay all of the log that follows, and load what came out at the site.

        Raises RepositoryError, DatasetError; until the last step what is at the site is as it was.
        """
        if self.chosen is not None:
            raise RepositoryError(
                f'cannot restore dataset "{self.dataset}" as of snapshot {self.chosen.snapshot_id[:8]}: '
                f'"{self.repository_name}" is pgBackRest\'s, which has none',
                hint="`blackstart restore-test --until` shows what a moment before held",
            )
        began = time.monotonic()
        base = self._newest()
        try:
            with self._room(base) as folder:
                self.stanza.restore(base.label, folder.path, tablespaces=folder.beside("tablespaces"))
                dump = folder.path.parent / DUMP_NAME
                taken = base.began
                with revived(
                    folder,
                    database=self.database,
                    user=self.user,
                    restore_command=self.stanza.restore_command(folder.path),
                    env=self.stanza.env,
                    secret_env=self.stanza.secret_environment(),
                    limit_seconds=limit_seconds,
                ) as server:
                    taken = max(server.committed or taken, taken)
                    server.dump(dump, limit_seconds)
                kept = self.loader.load(self.site, dump)
        except OSError as error:
            reason = f"{self.scratch}: {error.strerror or error}"
            raise DatasetError(f'cannot restore dataset "{self.dataset}" in {reason}') from error
        return Restored(self.dataset, base.label, taken, True, time.monotonic() - began, kept)

    def _newest(self) -> BackupSet:
        whole = [base for base in self.stanza.info().sets if not base.damaged]
        if not whole:
            raise RepositoryError(
                f'cannot restore dataset "{self.dataset}": "{self.repository_name}" has no whole backup',
                hint="`pgbackrest info` lists what it has; look in the other repositories",
            )
        return whole[-1]

    @contextmanager
    def _room(self, base: BackupSet) -> Iterator[DataFolder]:
        """An empty data folder of pgBackRest's user, apart from every server, removed whatever happens."""
        self.scratch.mkdir(parents=True, exist_ok=True)
        free_bytes = shutil.disk_usage(self.scratch).free
        if base.bytes > free_bytes:
            raise DatasetError(
                f"{self.scratch} has {free_bytes} bytes free; the restore needs {base.bytes}",
                hint="it needs room for the whole server beside the one that it fills",
            )
        room = Path(mkdtemp(prefix=f"{self.dataset}-restoring-", dir=self.scratch))
        try:
            room.chmod(0o711)  # its data folder lets in nobody but its user
            folder = DataFolder(room / "data", programs_of(base.archive.partition("-")[0]), self.stanza.user)
            folder.make()
            folder.at(folder.beside("tablespaces")).make()
            yield folder
        finally:
            shutil.rmtree(room, ignore_errors=True)
