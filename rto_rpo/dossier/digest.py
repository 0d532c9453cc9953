"""What the other pages need of one run: report.json without its pictures and its events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, PrivateAttr

from rto_rpo import JUDGE
from rto_rpo.answering import answered
from rto_rpo.dossier.newest import Newest, newest
from rto_rpo.evidence.agreed.charter import Cell
from rto_rpo.measurement import Verdict
from rto_rpo.report.backups import TOLD
from rto_rpo.report.model import Check, Judgement, NotTested
from rto_rpo.report.older import current
from rto_rpo.report.proof import against, gate_checks


class Split(BaseModel):
    """Whether a second writer was seen at an old primary's own address."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stream: str
    verdict: Verdict
    reason: str


class Frozen(BaseModel):
    """What was agreed before the run, of its charter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    criteria_sha256: str | None
    scenario: str | None
    confirm: str | None


class Digest(BaseModel):
    """`void`: why the run proves nothing. `doubts` keep it from being met, and touch no number.

    `ways` counts, by stream, what went wrong with the clients' writes. `independent` names the checks that a
    gate of the user's own gave, and not the drill on itself. `unread` are the streams of the clients whose
    reading back does not count, `felt` those whose clients saw an outage, `never_stable` those that no stable
    run was seen of. `restored`: which datasets came from a backup, and whether each was shown to be whole.
    `answers`: the verdict of each check, and its reason, by the words that it answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    judge: str
    plan: str
    drill: str
    kind: str
    environment: str | None
    variables: dict[str, str]
    respond: str
    fault: dict[str, Any]
    begin_utc: str | None
    verdict: Verdict
    reasons: list[str]
    judgements: list[Judgement]
    not_tested: list[NotTested]
    checks: list[Check]
    independent: list[str]
    splits: list[Split]
    gate: bool
    safe: bool | None
    void: str | None
    doubts: list[str]
    fault_effective: bool | None
    acknowledged: int
    ways: dict[str, dict[str, int]]
    events: dict[str, int]
    ended: str | None
    services: list[str]
    frozen: Frozen | None
    tries: list[Cell] = []
    unread: list[str] = []
    felt: list[str] = []
    never_stable: list[str] = []
    newest: dict[str, Newest] = {}
    restored: dict[str, bool] = {}
    answers: dict[str, list[tuple[Verdict, str]]] = {}

    _known: dict[str, Any] = PrivateAttr(default_factory=dict)

    def once(self, what: str, made: Callable[[], Any]) -> Any:  # noqa: ANN401 - whatever it makes
        """What follows from one run alone, however many runs are told together."""
        if what not in self._known:
            self._known[what] = made()
        return self._known[what]

    @property
    def troubles(self) -> list[str]:
        """Why the verdict is not *met*, in a few words each; nothing when it is."""
        if self.void:
            return [self.void]
        told = [
            f"{one.subject} {one.objective.upper()}: {one.reason}"
            for one in self.judgements
            if one.verdict != "met"
        ]
        told += [f"two writers: {split.reason}" for split in self.splits if split.verdict != "met"]
        told += [f"{check.name}: {check.reason}" for check in self.checks if check.verdict != "met"]
        told += self.doubts
        return told or ([] if self.verdict == "met" else self.reasons)

    @property
    def other_rules(self) -> str | None:
        """Whose rules judged it, where those are not the ones at hand: nothing here judged it again."""
        return self.judge if self.judge != JUDGE else None

    @property
    def doubted(self) -> bool:
        """Whether nothing good follows from the run, whatever it measured."""
        return self.void is not None or bool(self.doubts)

    @property
    def unsafe(self) -> tuple[Verdict, str] | None:
        """What takes away the proof that it was safe to go on, whatever the gate said, and why."""
        gate = [one for one in self.checks if one.name in self.independent]
        return against(
            [(one.verdict, one.reason) for one in self.splits],
            [(one.verdict, f"{one.name}: {one.reason}") for one in gate],
            self.judgements,
        )

    def count(self, way: str) -> int:
        """Over all streams."""
        return sum(ways[way] for ways in self.ways.values())

    @property
    def faulted(self) -> bool:
        """Whether something was broken on purpose, and that was proven to have taken effect."""
        return self.fault.get("kind", "none") != "none" and self.fault_effective is True


_WAYS = ("lost", "corrupt", "duplicated", "resurrected", "phantom", "unexpected", "unrecorded")


def digest(report: dict[str, Any]) -> Digest:
    """The digest of report.json's content. Raises ValidationError or KeyError when it is none."""
    report = current(report)
    safe, drill = report["safe"], report["drill"]
    roles = {stream["name"]: stream["role"] for stream in report["streams"]}
    points = [
        point
        for point in report["recovery_points"]
        if roles.get(point["stream"]) not in {"old_primary", "control"}
    ]
    return Digest(
        run=report["run"],
        judge=report["judge"],
        plan=report["plan"]["name"],
        drill=drill["name"],
        kind=drill["kind"],
        environment=drill["environment"],
        variables=report["plan"]["variables"],
        respond=drill["respond"],
        fault=drill["fault"],
        begin_utc=report["utc"]["begin"],
        verdict=report["verdict"],
        reasons=report["reasons"],
        judgements=report["judgements"],
        not_tested=report["not_tested"],
        checks=report["checks"],
        independent=_independent(report),
        splits=[
            {name: split[name] for name in ("stream", "verdict", "reason")} for split in report["split_brain"]
        ],
        gate=drill.get("gate", False),
        safe=safe["reached"] if safe else None,
        void=report["instrument"]["void"],
        doubts=[doubt for doubt in report["doubts"] if doubt != report["instrument"]["void"]],
        fault_effective=report["instrument"]["fault_effective"],
        acknowledged=sum(point["acknowledged_count"] for point in points),
        ways={point["stream"]: _ways(point) for point in points},
        events=dict(sorted(Counter(event["name"] for event in report["timeline"]["events"]).items())),
        ended=report["ledger"]["ended"],
        services=sorted({one["service"] for one in report["streams"] if one["service"]}),
        frozen=_frozen(report.get("charter")),
        tries=(report.get("charter") or {}).get("tries", []),
        unread=[point["stream"] for point in points if not point["reading_complete"]],
        restored=_restored(report["timeline"]["events"]),
        felt=[time["stream"] for time in report["recovery_times"] if time["outage_seen"]],
        never_stable=[
            time["stream"] for time in report["recovery_times"] if time["stable_until_at_seconds"] is None
        ],
        newest=newest(report, points),
        answers=_answers(report["timeline"]["events"]),
    )


def _answers(events: list[dict[str, Any]]) -> dict[str, list[tuple[Verdict, str]]]:
    told: dict[str, list[tuple[Verdict, str]]] = {}
    for event in events:
        detail = event["detail"]
        for word in answered(event["name"], event["source"], detail):
            told.setdefault(word, []).append((detail["verdict"], f"{detail['name']}: {detail['reason']}"))
    return told


def _independent(report: dict[str, Any]) -> list[str]:
    told = report["timeline"]["events"]
    return gate_checks((one["name"], one["source"], one["detail"].get("name")) for one in told)


def _restored(events: list[dict[str, Any]]) -> dict[str, bool]:
    """Files are told as restored, a database that is filled as promoted: both say whether it is complete.

    What only looked, or brought the live data over, says nothing of that. The last try of each counts.
    """
    told = [one["detail"] for one in events if one["name"] in TOLD]
    named = [one for one in told if isinstance(one.get("dataset"), str) and "complete" in one]
    return {one["dataset"]: one["complete"] is True for one in named}


def _ways(point: dict[str, Any]) -> dict[str, int]:
    late = sum(1 for write in point["lost"] if write["after_recovery"])
    return {**{way: len(point[way]) for way in _WAYS}, "lost_late": late}


def _frozen(charter: dict[str, Any] | None) -> Frozen | None:
    if charter is None:
        return None
    return Frozen(**{name: charter[name] for name in ("criteria_sha256", "scenario", "confirm")})
