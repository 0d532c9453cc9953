"""The drivers of a plan's repositories, secrets looked up only when a call needs them."""

from __future__ import annotations

import os
from functools import partial

from sites.drivers.pgbackrest.stanza import Stanza
from sites.drivers.postgres.programs import unprivileged_user
from sites.drivers.restic.repository import Restic
from sites.plan import ResticRepository
from sites.plan import Stanza as StanzaNoun
from sites.secret import Secret


def restic_repository(name: str, declared: ResticRepository, host: str, *, foreign: bool) -> Restic:
    """`foreign`: somebody else's, which is only ever read."""
    return Restic(
        name,
        declared.url,
        declared.password.resolve,
        host=host,
        secrets={key: partial(_value, value) for key, value in declared.env.items()},
        options=declared.options,
        lock=not foreign,
        read_only=foreign,
    )


def stanza_repository(name: str, declared: StanzaNoun, *, foreign: bool) -> Stanza:
    """`foreign`: somebody else's, which is only ever read."""
    return Stanza(
        name,
        declared.stanza,
        declared.repo,
        declared.config,
        (declared.user or unprivileged_user()) if os.geteuid() == 0 else None,
        env={key: value for key, value in declared.env.items() if not isinstance(value, Secret)},
        secrets={key: value.resolve for key, value in declared.env.items() if isinstance(value, Secret)},
        read_only=foreign,
    )


def _value(declared: str | Secret) -> str:
    return declared.resolve() if isinstance(declared, Secret) else declared
