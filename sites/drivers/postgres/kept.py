"""A server's own configuration, kept safe while its data folder is overwritten by another server's.

pg_rewind and pg_basebackup both bring along the configuration of the server that they copy from: its port,
its name, whom its commits wait for. What is kept lies beside the data folder, and is there as a whole or not
at all, so that a rejoining that was cut off anywhere still finds it.
"""

from __future__ import annotations

import shutil

from rto_rpo.durable import sync_folder
from sites.drivers.postgres.configuration import Upstream, upstream_file
from sites.drivers.postgres.folder import DataFolder

AUTO = "postgresql.auto.conf"
_FILES = ("postgresql.conf", "pg_hba.conf", "pg_ident.conf", AUTO)
_OURS = ("primary_conninfo", "primary_slot_name", "synchronous_standby_names")
# Whom its commits wait for is written again once it has a standby; until then they wait for nobody.
_WAITS_FOR_NOBODY = "synchronous_standby_names = ''\n"


class KeptConfiguration:
    def __init__(self, folder: DataFolder) -> None:
        self._folder = folder
        self._kept = folder.beside("configuration")

    def keep(self) -> None:
        """Copy what there is, durably. No effect if an earlier attempt kept it: that is the true one."""
        if self._kept.exists():
            return
        making = self._folder.beside("configuration.new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        for name in _FILES:
            if (self._folder.path / name).is_file():
                self._folder.write(making / name, (self._folder.path / name).read_text())
        sync_folder(making)
        making.rename(self._kept)
        sync_folder(self._kept.parent)

    def put_back(self, name: str, upstream: Upstream) -> None:
        """Write it again, as that of a standby of `upstream` that introduces itself as `name`."""
        for file in _FILES:
            if (self._kept / file).exists() and file != AUTO:
                self._folder.write(self._folder.path / file, (self._kept / file).read_text())
        auto = self._kept / AUTO
        lines = auto.read_text().splitlines(keepends=True) if auto.exists() else []
        own = "".join(line for line in lines if line.split("=")[0].strip().lower() not in _OURS)
        self._folder.write(self._folder.path / AUTO, own + upstream_file(name, upstream) + _WAITS_FOR_NOBODY)
        self._folder.write(self._folder.path / "standby.signal", "")

    def forget(self) -> None:
        """Once the server runs again it is its own to change."""
        shutil.rmtree(self._kept, ignore_errors=True)
