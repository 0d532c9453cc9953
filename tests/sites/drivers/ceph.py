"""A real S3 store whose object lock is its own: Ceph's gateway, on one monitor and one OSD in memory.

Needs Debian's ceph-mon, ceph-osd and radosgw (`apt-get install --no-install-recommends`). All of it lives in
one folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sites.drivers import command
from tests.sites.drivers.pairs import LOOPBACK, free_port

PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin")
_START_SECONDS = 90.0

_CONFIGURATION = """\
[global]
fsid = {fsid}
mon_host = [v2:127.0.0.1:{first}/0,v1:127.0.0.1:{second}/0]
ms_bind_ipv6 = false
public_network = 127.0.0.0/8
cluster_network = 127.0.0.0/8
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
osd_pool_default_pg_num = 4
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 2000
mon_data_avail_warn = 1
mon_data_avail_crit = 1
osd_objectstore = memstore
memstore_device_bytes = 536870912
mon_data = {folder}/mon
osd_data = {folder}/osd
rgw_data = {folder}/rgw
run_dir = {folder}
admin_socket = {folder}/$name.asok
log_file = {folder}/$name.log
keyring = {folder}/keyring
rgw_frontends = beast endpoint=127.0.0.1:{port}
"""


def why_no_ceph() -> str | None:
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    return f"NO REAL STORE WAS TRIED: {', '.join(missing)} not installed" if missing else None


@contextmanager
def ceph_store(folder: Path, access: str, secret: str) -> Iterator[str]:
    """The address of its gateway, where `access` and `secret` are a user's keys."""
    store = _Store(folder)
    try:
        yield store.up(access, secret)
    finally:
        store.down()


class _Store:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pids: list[int] = []
        self._port, first, second = (free_port() for _ in range(3))
        self._fsid, self._monitor = str(uuid.uuid4()), f"[v2:127.0.0.1:{first},v1:127.0.0.1:{second}]"
        for name in ("mon", "osd", "rgw"):
            (folder / name).mkdir(parents=True)
        told = {"fsid": self._fsid, "first": first, "second": second, "folder": folder, "port": self._port}
        (folder / "ceph.conf").write_text(_CONFIGURATION.format(**told))

    def up(self, access: str, secret: str) -> str:
        self._keys()
        map_ = self._folder / "monmap"
        self._run("monmaptool", "--create", "--addv", "a", self._monitor, "--fsid", self._fsid, map_)
        mon = ("ceph-mon", *self._configured, "-i", "a")
        self._run(*mon, "--mkfs", "--monmap", map_, "--keyring", self._keyring)
        self._spawn(*mon, "-f")
        self._osd()
        self._spawn("radosgw", *self._admin, "-f")
        self._wait()
        user = ("--uid", "blackstart", "--display-name", "blackstart")
        self._run(
            "radosgw-admin", *self._admin, "user", "create", *user, "--access-key", access, "--secret", secret
        )
        return f"http://{LOOPBACK}:{self._port}"

    def down(self) -> None:
        for pid in reversed(self._pids):
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)

    @property
    def _keyring(self) -> Path:
        return self._folder / "keyring"

    @property
    def _configured(self) -> tuple[str, ...]:
        return ("-c", str(self._folder / "ceph.conf"))

    @property
    def _admin(self) -> tuple[str, ...]:
        return (*self._configured, "-n", "client.admin", "--keyring", str(self._keyring))

    def _keys(self) -> None:
        every = ("--cap", "osd", "allow *", "--cap", "mgr", "allow *")
        tool = ("ceph-authtool", self._keyring, "--gen-key")
        self._run(*tool, "--create-keyring", "-n", "mon.", "--cap", "mon", "allow *")
        self._run(*tool, "-n", "client.admin", "--cap", "mon", "allow *", *every)

    def _osd(self) -> None:
        known, key = str(uuid.uuid4()), self._folder / "osd" / "keyring"
        ceph = ("ceph", *self._admin)
        self._run(*ceph, "osd", "new", known)
        allowed = ("mon", "allow profile osd", "osd", "allow *", "mgr", "allow profile osd")
        self._run(*ceph, "auth", "get-or-create", "osd.0", *allowed, "-o", key)
        osd = ("ceph-osd", *self._configured, "-i", "0", "--keyring", key)
        self._run(*osd, "--mkfs", "--osd-uuid", known)
        self._spawn(*osd, "-f")

    def _wait(self) -> None:
        import urllib.request

        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                urllib.request.urlopen(f"http://{LOOPBACK}:{self._port}/", timeout=2).close()
            except OSError as error:
                if time.monotonic() > deadline:
                    raise AssertionError(
                        f"Ceph's gateway did not start: {error}; see {self._folder}"
                    ) from error
                time.sleep(0.2)
            else:
                return

    def _run(self, *argv: str | Path) -> None:
        command.run(argv, limit_seconds=60)

    def _spawn(self, *argv: str | Path) -> None:
        log = self._folder / f"{argv[0]}.out"
        self._pids.append(command.spawn(argv, stdout=log, env={}, cwd=self._folder))
