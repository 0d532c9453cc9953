"""The lightest estate that can be switched: one dataset, its two real servers, nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import yaml

from sites.estate import Estate
from sites.plan import read_plan
from tests.sites.drivers.pairs import PASSWORD, REPLICATION_PASSWORD, Pair


def light_estate(pair: Pair, **failover: object) -> Estate:
    """An estate over a pair that is up, whose folders it shares. `failover`: more of that section."""
    secrets = {"owner": PASSWORD, "replicator": REPLICATION_PASSWORD}
    for name, value in secrets.items():
        (pair.folder / name).write_text(value)
        (pair.folder / name).chmod(0o600)
    declared = {
        "name": "light",
        "environment": "test",
        "sites": {name: _site(pair, name) for name in ("primary", "dr")},
        "datasets": {"orders": _dataset(pair)},
        "failover": {"from": "primary", "to": "dr", "fence": "required", "decide": "automatic", **failover},
        "state": str(pair.folder / "state"),
    }
    path = pair.folder / "plan.yaml"
    path.write_text(yaml.safe_dump(declared))
    return Estate(read_plan(path, path.read_bytes(), {}), until_pid=os.getpid())


def _site(pair: Pair, name: str) -> dict[str, object]:
    server = pair.servers[name]
    process: dict[str, object] = {
        "command": [server.programs.path("postgres"), "-D", str(server.data)],
        "ready": {"kind": "tcp", "host": server.settings.host, "port": server.settings.port},
        "stop_signal": "INT",
        "pid_file": str(server.data / "postmaster.pid"),
    }
    if server.user is not None:
        process["user"] = server.user
    return {
        "kind": "processes",
        "path": str(pair.folder / name),
        "drills": True,
        **({"network": pair.wired} if pair.wired and name == "primary" else {}),
        "processes": {"postgres": process},
    }


def _dataset(pair: Pair) -> dict[str, object]:
    def server(name: str) -> dict[str, object]:
        made = pair.servers[name]
        return {
            "site": name,
            "host": made.settings.host,
            "port": made.settings.port,
            "process": "postgres",
            "data": str(made.data),
        }

    folder = Path(pair.folder)
    return {
        "kind": "postgres",
        "database": "desk",
        "user": "blackstart",
        "password": {"file": str(folder / "owner")},
        "replication": {"user": "replicator", "password": {"file": str(folder / "replicator")}},
        "primary": server("primary"),
        "standby": server("dr"),
        "synchronous": True,
        "on_standby_loss": "block",
    }
