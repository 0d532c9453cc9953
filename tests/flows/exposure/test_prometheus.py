"""Metrics say what the status says, and nothing about what it does not know."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.exposure.prometheus import text, write
from flows.exposure.status import SiteState, Status
from sites.errors import SiteError
from sites.protection.exposure import Exposure

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
LINE = re.compile(r'(# (HELP|TYPE) \w+ .+|\w+\{(\w+="[^"\n]*",?)+\} [-+0-9.e]+)')


def status(*rows: Exposure, left_behind: tuple[str, ...] = ()) -> Status:
    return Status(
        plan="desk",
        environment="test",
        stands="home",
        datasets=rows,
        sites=(SiteState("primary", ("db",), fenced=True),),
        drills=(),
        left_behind=left_behind,
        unprotected=(),
        head=None,
        kept="",
        not_run=(),
        blind=(),
    )


KNOWN = Exposure("ticks", 900.0, "backup", AT, 42.5, exceeded=False, proven=AT, peaks=(800.0,))
UNKNOWN = Exposure("orders", 60.0, None, None, None, exceeded=True)


def test_every_line_is_in_the_format_and_holds_what_the_status_knows() -> None:
    told = text(status(KNOWN, UNKNOWN), AT)
    assert all(LINE.fullmatch(line) for line in told.splitlines())
    for line in (
        'blackstart_exposure_seconds{plan="desk",dataset="ticks"} 42.5',
        'blackstart_exposure_exceeded{plan="desk",dataset="ticks"} 0',
        'blackstart_exposure_exceeded{plan="desk",dataset="orders"} 1',
        f'blackstart_proven_timestamp_seconds{{plan="desk",dataset="ticks"}} {AT.timestamp():.17g}',
        'blackstart_site_fenced{plan="desk",site="primary"} 1',
        'blackstart_good{plan="desk"} 0',
    ):
        assert line in told.splitlines()


def test_what_is_not_known_has_no_sample() -> None:
    told = text(status(UNKNOWN), AT)
    for metric in ("exposure_seconds", "restorable_point_timestamp_seconds", "proven_timestamp_seconds"):
        assert f"blackstart_{metric}{{" not in told


def test_the_file_is_replaced_whole_and_others_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "blackstart.prom"
    path.write_text("old")
    write(path, status(KNOWN))
    assert 'blackstart_good{plan="desk"} 1' in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match="cannot write the metrics"):
        write(tmp_path / "none" / "x.prom", status(KNOWN))
