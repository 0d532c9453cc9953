"""The status as Prometheus reads it: a text file for node_exporter's collector, always whole."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from flows.exposure.status import Status
from sites.errors import SiteError
from sites.protection.exposure import Exposure

_HELP = {
    "blackstart_exposure_seconds": "age of the newest content restorable at the other site",
    "blackstart_rpo_seconds": "the objective",
    "blackstart_exposure_exceeded": "1 unless the exposure is known to be within its objective",
    "blackstart_restorable_point_timestamp_seconds": "when that content was taken; absent if there is none",
    "blackstart_proven_timestamp_seconds": "when a restore test last was met; absent if never",
    "blackstart_exposure_peak_seconds": "the last exposure at its highest; absent if unknown",
    "blackstart_site_fenced": "1 while the site is kept from taking writes",
    "blackstart_standby_lost": "replicated datasets without a standby to fail over to",
    "blackstart_repositories_unread": "repositories whose packs were not all read again for too long",
    "blackstart_left_behind": "what a drill or a failover did not finish",
    "blackstart_drills_not_run": "drills that were due and did not happen",
    "blackstart_good": "1 when nothing is exceeded, lost or left behind",
    "blackstart_status_timestamp_seconds": "when all this was looked at",
}
Sample = tuple[str, dict[str, str], float]


def text(found: Status, now: datetime | None = None) -> str:
    """All samples in the text exposition format, grouped by metric."""
    samples = list(_samples(found, now or datetime.now(UTC)))
    lines = []
    for metric, what in _HELP.items():
        lines += [f"# HELP {metric} {what}", f"# TYPE {metric} gauge"]
        lines += [
            f"{metric}{{{_labels({'plan': found.plan, **labels})}}} {value:.17g}"
            for name, labels, value in samples
            if name == metric
        ]
    return "\n".join(lines) + "\n"


def write(path: Path, found: Status) -> None:
    """Raises SiteError."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text(found), encoding="utf-8")
        temporary.chmod(0o644)  # whoever collects is another user
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SiteError(f"cannot write the metrics to {path}: {error.strerror}") from error


def _samples(found: Status, now: datetime) -> Iterator[Sample]:
    for row in found.datasets:
        yield from _of_dataset(row)
    for site in found.sites:
        yield "blackstart_site_fenced", {"site": site.name}, float(site.fenced)
    yield "blackstart_standby_lost", {}, float(len(found.unprotected))
    yield "blackstart_repositories_unread", {}, float(len(found.unread))
    yield "blackstart_left_behind", {}, float(len(found.left_behind))
    yield "blackstart_drills_not_run", {}, float(len(found.not_run))
    yield "blackstart_good", {}, float(found.good)
    yield "blackstart_status_timestamp_seconds", {}, now.timestamp()


def _of_dataset(row: Exposure) -> Iterator[Sample]:
    known = {
        "blackstart_exposure_seconds": row.age_seconds,
        "blackstart_rpo_seconds": row.rpo_seconds,
        "blackstart_exposure_exceeded": float(row.exceeded),
        "blackstart_restorable_point_timestamp_seconds": row.point.timestamp() if row.point else None,
        "blackstart_proven_timestamp_seconds": row.proven.timestamp() if row.proven else None,
        "blackstart_exposure_peak_seconds": row.peaks[-1] if row.peaks else None,
    }
    for name, value in known.items():
        if value is not None:
            yield name, {"dataset": row.dataset}, value


def _labels(labels: dict[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
