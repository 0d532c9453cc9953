"""A lost primary on a host comes back as a standby, over a real sshd, on real PostgreSQL."""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import PurePosixPath

import pytest

from sites.drivers.hosts.host import Host
from sites.drivers.hosts.rejoin import HostRejoining
from sites.drivers.postgres.programs import DEBIAN, unprivileged_user
from sites.drivers.postgres.rejoin import Rejoined
from sites.errors import DatasetError
from tests.sites.drivers.pairs import REPLICATION, Pair
from tests.sites.drivers.test_postgres_rejoin import ask, fail_over
from tests.sites.sshd import one_sshd, why_not

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
    pytest.mark.skipif(not list(DEBIAN.glob("*/bin")), reason="a host finds PostgreSQL where Debian has it"),
]
NewPair = Callable[..., Pair]
OWNER = unprivileged_user() or pwd.getpwuid(os.geteuid()).pw_name


def rejoining(pair: Pair, site: str) -> HostRejoining:
    data = pair.servers[site].data
    shutil.chown(data.parent, OWNER)  # as it is where Debian has it
    return HostRejoining(site, Host("a", one_sshd().address()), PurePosixPath(data), OWNER, REPLICATION)


def rejoin(pair: Pair, by: HostRejoining) -> Rejoined:
    source = pair.dataset.host_standby("dr", "primary", limit_seconds=20)
    done = by.prepare(source, limit_seconds=60)
    pair.primary.up()
    proof = pair.dataset.wait_until_in_sync(limit_seconds=20, standby="primary", synchronous=False)
    assert proof.holds, proof
    return done


def test_a_killed_primary_is_rewound_and_follows(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=True)
    own = (pair.servers["primary"].data / "postgresql.conf").read_text()
    fail_over(pair, diverge=False)
    by = rejoining(pair, "primary")
    assert by.control().state == "in production"

    done = rejoin(pair, by)

    assert done == Rejoined("rewound")
    assert ask(pair, "primary", "SELECT count(*) FROM since") == [(5000,)]
    assert (pair.servers["primary"].data / "postgresql.conf").read_text() == own
    beside = {path.name for path in pair.servers["primary"].data.parent.glob("data.*")}
    assert beside == {"data.passfile"}, "neither a secret nor a mark is left"
    assert (pair.servers["primary"].data.parent / "data.passfile").stat().st_mode & 0o777 == 0o600


@pytest.mark.campaign
def test_campaign_of_what_cannot_be_rewound(new_pair: NewPair) -> None:
    """It is copied anew, and says why; so is what an earlier rejoining left half done."""
    pair = new_pair(synchronous=False)
    fail_over(pair, diverge=True)
    ask(pair, "dr", "REVOKE EXECUTE ON FUNCTION pg_read_binary_file(text) FROM blackstart")
    by = rejoining(pair, "primary")

    done = rejoin(pair, by)

    assert done.how == "copied anew"
    assert "permission denied for function pg_read_binary_file" in done.why
    pair.primary.stop("postgres")
    assert by._act("keep", "begin", 20) == ["begun"]
    (pair.servers["primary"].data / "PG_VERSION").unlink()
    assert rejoin(pair, by) == Rejoined("copied anew", "an earlier rejoining was cut off")


def test_what_goes_wrong_there_is_told_with_its_host(new_pair: NewPair) -> None:
    pair = new_pair(synchronous=False)
    host = Host("a", one_sshd().address())
    nowhere = HostRejoining("x", host, PurePosixPath("/no/such/folder"), OWNER, REPLICATION)

    with pytest.raises(DatasetError, match='cannot read the control file of /no/such/folder on host "a"'):
        nowhere.control()
    source = pair.dataset.host_standby("primary", "x", limit_seconds=20)
    with pytest.raises(DatasetError, match=r"must be able to write in /no/such"):
        nowhere.prepare(source, limit_seconds=20)
