"""Each gap is told where it is, and not where it is closed."""

from __future__ import annotations

from pathlib import Path

import pytest

from sites.plan import Plan, load
from sites.protection.coverage import databases, gaps, volumes

PLAN = """\
name: desk
environment: test
sites:
  here:  {{kind: processes, path: here, fault_domain: {{region: west, power: a}}}}
  there: {{kind: processes, path: there, fault_domain: {{region: {region}, power: b}}}}
repositories:
  near: {{site: here, url: here/r, password: {{env: P}}, env: {{KEY: {{env: {near}}}, REGION: x}}}}
  far:  {{site: there, url: there/r, password: {{env: P}}, copy_of: near,
          env: {{KEY: {{env: {far}}}, REGION: x}}, append_only: {append_only}}}
  alone: {{site: here, url: here/alone, password: {{env: P}}}}
datasets:
  files: {{kind: files, site: here, path: here/files, rpo: {rpo}, backup: {{to: {to}, every: 1h}}}}
  orders: {{kind: postgres, database: orders, user: u, rpo: 0s, primary: {{site: here, host: a}}{standby}}}
"""
CLOSED = {
    "region": "north",
    "near": "ONE",
    "far": "TWO",
    "append_only": "false",
    "rpo": "1h",
    "to": "near",
    "standby": ", standby: {site: there, host: b}",
}
ENVIRON = {"P": "p", "ONE": "1", "TWO": "2", "SAME": "1"}


def plan_of(folder: Path, **changes: str) -> Plan:
    path = folder / "plan.yaml"
    path.write_text(PLAN.format(**(CLOSED | changes)))
    return load(path, ENVIRON)


def told(plan: Plan) -> list[str]:
    def resolve(secret: object) -> str | None:
        return ENVIRON.get(getattr(secret, "env", None) or "")

    return [f"{gap.about}: {gap.what}" for gap in gaps(plan, resolve)]


def test_a_plan_without_a_gap_has_none(tmp_path: Path) -> None:
    assert told(plan_of(tmp_path)) == []


@pytest.mark.parametrize(
    ("changes", "gap"),
    [
        ({"rpo": "59m"}, "dataset files: an rpo of 59m cannot be met by a backup every 1h"),
        ({"standby": ""}, "dataset orders: nothing protects it"),
        ({"to": "alone"}, 'dataset files: every copy of it is lost with site "here"'),
        ({"region": "west"}, "all its copies are in one fault domain: region west"),
        ({"to": "far"}, 'dataset files: site "here" writes repository "far" at "there" and could delete it'),
        ({"far": "SAME"}, 'repository far: its KEY is that of "near": "here" could delete the copy'),
    ],
)
def test_each_gap_is_told(tmp_path: Path, changes: dict[str, str], gap: str) -> None:
    assert any(gap in line for line in told(plan_of(tmp_path, **changes)))


def test_what_is_append_only_or_not_to_be_had_here_opens_nothing(tmp_path: Path) -> None:
    assert told(plan_of(tmp_path, far="SAME", append_only="true")) == []
    assert told(plan_of(tmp_path, to="far", append_only="true")) == []
    assert told(plan_of(tmp_path, near="NOWHERE", far="NOWHERE")) == []


def test_a_database_beside_the_named_one_is_a_gap_unless_a_standby_has_it(tmp_path: Path) -> None:
    for standby, expected in (("", 1), (CLOSED["standby"], 0)):
        plan = plan_of(tmp_path, standby=standby)
        orders = plan.datasets["orders"]
        assert orders.kind == "postgres"
        found = list(databases("orders", orders, plan, ["orders", "postgres", "ledger"]))
        assert [("ledger" in gap.what) for gap in found] == [True] * expected


def test_a_volume_that_no_dataset_covers_is_a_gap(tmp_path: Path) -> None:
    stores = {
        "web": [tmp_path / "here/files/sub", tmp_path / "here/uploads", tmp_path / "here/r"],
        "db": [tmp_path / "here/db"],
    }
    unnamed = plan_of(tmp_path)
    assert list(volumes(unnamed, "here", stores)) == []  # any of them may be that of the database
    text = (tmp_path / "plan.yaml").read_text()
    named = text.replace("host: a}", "host: a, process: db}").replace(
        "path: here,", "path: here, processes: {db: {command: [db]}},"
    )
    (tmp_path / "plan.yaml").write_text(named)
    (gap,) = volumes(load(tmp_path / "plan.yaml", ENVIRON), "here", stores)
    assert f"volume {tmp_path}/here/uploads" in gap.what


def test_an_archived_log_keeps_an_rpo_that_no_schedule_could(
    tmp_path: Path,
) -> None:
    path = tmp_path / "plan.yaml"
    wall = "{kind: pgbackrest, stanza: desk, "
    text = PLAN.format(**CLOSED | {"standby": ", backup: {to: wal, every: 1d}"})
    copy = f"{wall}site: there, repo: 2, copy_of: wal}}"
    path.write_text(
        text.replace("datasets:", f"  wal: {wall}site: here}}\n  wal-copy: {copy}\ndatasets:").replace(
            "rpo: 0s", "rpo: 1m"
        )
    )
    [gap] = told(load(path, ENVIRON))
    assert gap.startswith('dataset orders: site "here" itself writes "wal-copy" at "there"')
    path.write_text(path.read_text().replace("copy_of: wal}", "copy_of: wal, append_only: true}"))
    assert told(load(path, ENVIRON)) == []
