"""Where running processes write to, seen from outside: on this machine and on hosts over a real sshd."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sites.drivers.hosts.host import Host
from sites.drivers.hosts.site import HostsSite
from sites.drivers.processes import control
from sites.drivers.processes.site import ProcessSite, ProcessSpec
from sites.drivers.written import written_folders
from sites.errors import SiteError
from tests.sites.repositories import wait_until
from tests.sites.sshd import one_sshd, sleeper, why_not


@pytest.fixture(params=[True, False], ids=["namespace", "tree"])
def namespace(request: pytest.FixtureRequest) -> bool:
    if request.param and not control.namespaces_work():
        pytest.skip("no PID namespaces for us here")
    return bool(request.param)


@pytest.fixture
def site(tmp_path: Path, namespace: bool) -> Iterator[ProcessSite]:
    """A process that writes by a child of a child, reads, has deleted what it writes, and writes no file."""
    for name in ("kept", "read", "gone"):
        (tmp_path / name).mkdir()
    (tmp_path / "read" / "file").touch()
    inner = f"exec 3>>{tmp_path}/kept/file 4<{tmp_path}/read/file 5>{tmp_path}/gone/file 6>/dev/null"
    script = f"sh -c '{inner}; rm {tmp_path}/gone/file; touch {tmp_path}/ready; sleep 600; :' & wait"
    specs = {"writer": ProcessSpec(("sh", "-c", script)), "other": ProcessSpec(("sleep", "600"))}
    made = ProcessSite("north", tmp_path / "site", specs, namespace=namespace)
    made.up()
    wait_until(lambda: (tmp_path / "ready").exists())
    yield made
    made.kill()


def test_what_is_written_to_is_seen_and_nothing_else(site: ProcessSite, tmp_path: Path) -> None:
    logs = tmp_path / "site" / "logs"
    assert written_folders(site, ()) == {"writer": (tmp_path / "kept", logs), "other": (logs,)}
    assert written_folders(site, (logs,)) == {"writer": (tmp_path / "kept",), "other": ()}
    site.down()
    assert written_folders(site, ()) == {}


def test_what_may_not_be_looked_into_is_no_empty_answer(
    site: ProcessSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site, "at_volume", lambda *_, **__: ["closed 17"])
    with pytest.raises(SiteError, match='process "writer" of site "north"'):
        written_folders(site)


@pytest.mark.skipif(why_not() is not None, reason=str(why_not()))
def test_hosts_are_looked_into_where_they_are(tmp_path: Path) -> None:
    server = one_sshd()
    (tmp_path / "kept").mkdir()
    process = sleeper(tmp_path, "alpha")
    assert process.start is not None
    *words, script = process.start
    quoted = shlex.quote(str(tmp_path / "kept" / "file"))
    writing = script.replace("setsid sleep 600", f"setsid sleep 600 3>>{quoted}")
    assert writing != script
    made = HostsSite(
        "north", {"a": Host("a", server.address())}, {"alpha": replace(process, start=(*words, writing))}
    )
    try:
        made.up()
        assert written_folders(made, ()) == {"alpha": (tmp_path / "kept",)}
    finally:
        made.kill()
        made.close()


def test_our_own_process_is_not_the_sites(site: ProcessSite, tmp_path: Path) -> None:
    with (tmp_path / "ours").open("w"):
        assert os.getpid() not in site.running().values()
        assert tmp_path not in written_folders(site, ())["writer"]
