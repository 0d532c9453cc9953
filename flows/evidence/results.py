"""What is left in the evidence, in the few lines that a person reads at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rto_rpo.evidence.checking.verify import Verification
from rto_rpo.evidence.keeping.pruning import Prunable
from rto_rpo.evidence.names import PAGE_NAME, REPORT_NAME, TEXT_NAME
from rto_rpo.report.forms.summary import summary


def closed_lines(folder: Path, report: dict[str, Any], head: str) -> list[str]:
    return [*report_lines(folder, report), f"chain head   {head}"]


def report_lines(folder: Path, report: dict[str, Any]) -> list[str]:
    """The verdict, and where the reports are."""
    written = [folder / name for name in (PAGE_NAME, REPORT_NAME, TEXT_NAME)]
    return [*summary(report), "", *(f"{path.name:<11}  {path}" for path in written if path.exists())]


def verification_lines(folder: Path, found: Verification) -> list[str]:
    intact = "intact" if found.intact else "NOT INTACT"
    if found.unproven:
        intact += f", {len(found.unproven)} of its verdicts not proven"
    lines = [f"{intact}: {folder}, {len(found.runs)} run{'' if len(found.runs) == 1 else 's'}"]
    lines += [f"  {finding}" for finding in (*found.findings, *found.unproven)]
    for run in found.runs:
        verdict = run.verdict or run.state
        again = "recomputed the same" if run.recomputed == run.verdict else f"recomputed {run.recomputed}"
        again = "nothing to recompute" if run.recomputed is None else again
        lines.append(f"  {run.folder}  {verdict}" + (f", {again}" if run.state == "closed" else ""))
    lines += [f"note: {note}" for note in found.notes]
    return [*lines, f"head: {found.head}"] if found.head else lines


def not_intact(findings: Sequence[str]) -> list[str]:
    """What may not be believed, ahead of everything else; nothing where all is whole."""
    told = [f"NOT INTACT: {finding}" for finding in findings]
    return [*told, "nothing here is proven: see `blackstart verify`", ""] if told else []


def prunable_lines(found: Sequence[Prunable], gone: Sequence[str], *, done: bool) -> list[str]:
    """What pruning takes or took, what it keeps and why."""
    going = [each for each in found if each.kept is None]
    lines = [f"{'deleted' if each.folder in gone else 'would go':<8}  {_sized(each)}" for each in going]
    lines += [f"{'deleted':<8}  {folder}" for folder in gone if folder not in {each.folder for each in going}]
    lines += [f"{'kept':<8}  {_sized(each)}: {each.kept}" for each in found if each.kept is not None]
    if going and not done:
        lines.append("nothing was deleted; `blackstart prune --yes` does it")
    return lines or ["there is no evidence to prune"]


def _sized(run: Prunable) -> str:
    return f"{run.folder} ({run.bytes / 1e6:.1f} MB)"
