"""A closed port is no proof: a firewall's refusal, orphaned backends, and what proves that it is nobody's."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import yaml

from sites.errors import FenceError
from sites.estate import Estate
from sites.plan import read_plan
from sites.recovery.failover import Failover
from sites.recovery.respond import fail_over
from tests.sites.drivers.pairs import PASSWORD, Pair, free_port
from tests.sites.drivers.test_postgres import dataset_at
from tests.sites.recovery.light import light_estate
from tests.sites.wire import no_wire, wired_address

pytestmark = pytest.mark.postgres

NewPair = Callable[..., Pair]
REJECTS = {"icmp": "reject with icmp type port-unreachable", "reset": "reject with tcp reset"}
TABLE = "inet firewall"


def inside(pair: Pair, *argv: str, told: str = "") -> None:
    """Run a program in the network of the primary's site."""
    subprocess.run([*_enter(pair), *argv], input=told.encode(), check=True)


def _enter(pair: Pair) -> list[str]:
    pid = pair.primary.running()["postgres"]
    return [shutil.which("nsenter") or "nsenter", f"--net=/proc/{pid}/ns/net", "--"]


@contextmanager
def firewall(pair: Pair, reject: str) -> Iterator[None]:
    """Whoever comes over the wire is refused; what runs at the primary's own address reaches it."""
    port = pair.servers["primary"].settings.port
    chain = f'type filter hook input priority 0;\niifname != "lo" tcp dport {port} {reject}'
    inside(pair, "nft", "-f", "-", told=f"table {TABLE} {{\nchain input {{\n{chain}\n}}\n}}\n")
    try:
        yield
    finally:
        inside(pair, "nft", "delete", "table", *TABLE.split())


def written_from_inside(pair: Pair) -> None:
    """A client beside the primary commits a row: it takes writes, whatever its refusals say."""
    at = pair.servers["primary"].settings
    words = f"host={at.host} port={at.port} dbname=desk user=blackstart"
    sql = "CREATE TABLE IF NOT EXISTS beside (n int); INSERT INTO beside VALUES (1)"
    env = {**os.environ, "PGPASSWORD": PASSWORD, "PGOPTIONS": "-c synchronous_commit=local"}
    program = pair.servers["primary"].programs.path("psql")
    subprocess.run([*_enter(pair), program, words, "-qc", sql], env=env, check=True)


def elsewhere(pair: Pair) -> Estate:
    """A plan that does not run the primary's server."""
    declared = yaml.safe_load(light_estate(pair).plan.raw)
    declared["sites"]["primary"] |= {"path": str(pair.folder / "elsewhere"), "processes": {}}
    del declared["datasets"]["orders"]["primary"]["process"]
    path = pair.folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())


@pytest.mark.campaign
@pytest.mark.skipif(no_wire() is not None, reason=str(no_wire()))
@pytest.mark.parametrize("reject", REJECTS)
def test_a_firewalls_refusal_fences_nobody(new_pair: NewPair, reject: str) -> None:
    pair = new_pair(synchronous=True, wired=wired_address())
    estate = elsewhere(pair)
    with firewall(pair, REJECTS[reject]):
        proof = estate.postgres("orders").refuses_write("primary")
        assert "refused the connection" in proof.how
        run = fail_over(estate, Failover(estate, lambda *_: None).steps(), lambda *_: None)
        written_from_inside(pair)
    assert not proof.holds
    (failed,) = run.failed.values()
    assert isinstance(failed, FenceError)
    assert "a closed port is no refused write" in str(failed)
    assert pair.dataset.writable("dr") is False, "nobody was promoted beside a living primary"


def test_a_closed_port_counts_with_its_process_proven_gone(new_pair: NewPair) -> None:
    """As after a switchover, when the site itself lives on."""
    estate = light_estate(new_pair(synchronous=True))
    orders, site = estate.postgres("orders"), estate.site("primary")
    site.stop("postgres")
    assert site.proven_gone().holds is False
    proof = orders.refuses_write("primary")
    assert proof.holds, proof
    assert 'refused the connection, and process "postgres"' in proof.how
    site.kill()
    assert orders.refuses_write("primary").holds


@pytest.mark.campaign
@pytest.mark.parametrize("namespace", [None, False])
def test_backends_that_outlive_their_server_are_no_proof(new_pair: NewPair, namespace: bool | None) -> None:
    """They stand still here, so that they are still there when their port is closed."""
    pair = new_pair(synchronous=True, namespace=namespace)
    estate, at = light_estate(pair), pair.servers["primary"].settings
    with psycopg.connect(
        host=at.host, port=at.port, dbname="desk", user="blackstart", password=PASSWORD
    ) as client:
        backend = outside(pair, client.info.backend_pid)
        os.kill(backend, signal.SIGSTOP)
        os.kill(pair.primary.running()["postgres"], signal.SIGKILL)
        while "postgres" in pair.primary.running() or closed_not_yet(estate):
            asyncio.run(asyncio.sleep(0.01))
        proof = estate.postgres("orders").refuses_write("primary")
        assert not proof.holds, proof
        assert "is alive" in proof.how
        os.kill(backend, signal.SIGKILL)


def closed_not_yet(estate: Estate) -> bool:
    return "refused the connection" not in estate.postgres("orders").refuses_write("primary").how


def outside(pair: Pair, inner: int) -> int:
    """The number out here of a process of the primary's site."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            numbers = next(line for line in status.read_text().splitlines() if line.startswith("NSpid:"))
            here = Path(f"{status.parent}/cwd").resolve() == pair.servers["primary"].data
        except OSError:
            continue
        if here and numbers.split()[-1] == str(inner):
            return int(status.parent.name)
    raise AssertionError(inner)


def test_who_has_no_site_to_ask_has_no_proof() -> None:
    proof = dataset_at(("127.0.0.1", free_port())).refuses_write("there")
    assert not proof.holds
    assert "a closed port is no refused write" in proof.how
