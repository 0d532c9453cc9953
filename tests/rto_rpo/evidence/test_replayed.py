"""A person's signed word counts once, at its own time: not again, not later, not before what it followed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.authority import authority
from rto_rpo.evidence.agreed.charter import Role, parse_charter
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping.adding import add_record
from rto_rpo.evidence.keeping.chain import open_run
from rto_rpo.evidence.lines.history import entries_of, records, run_records
from rto_rpo.evidence.lines.record import AnyEntry, Approval, By, Finding, FindingState, SignOff
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from tests.rto_rpo.evidence.chains import run_id
from tests.rto_rpo.evidence.folders import NOW, add_run, agreed, findings
from tests.rto_rpo.evidence.forger import Lines, rewritten
from tests.rto_rpo.report.runs import MET

CONFIRM = "0123456789abcdef"
LATER = NOW + timedelta(days=3)
BO = By(name="Bo")


@pytest.fixture
def bo(tmp_path: Path) -> SigningKey:
    return new_key(tmp_path / "bo.pem")


@pytest.fixture
def evidence(tmp_path: Path, key: SigningKey, bo: SigningKey) -> Path:
    root = tmp_path / "evidence"
    role = Role(role="approver", name="Bo", public=bo.public_hex)
    add_run(root, MET, key, agreed(MET, role, confirm=CONFIRM))
    return root


def said(root: Path, key: SigningKey, person: SigningKey, *entries: AnyEntry, run: str | None) -> None:
    for minute, entry in enumerate(entries):
        now = LATER + timedelta(minutes=5 * minute)
        add_record(
            root, entry, plan="trading-desk", run=run, drill=MET.drill, key=key, now=now, person=person
        )


def sign_offs(root: Path) -> tuple[SignOff, SignOff]:
    closed = run_records(entries_of(root))[0].closed_sha256
    assert closed is not None
    yes = SignOff(
        what="sign_off", by=By(name="Bo", role="approver"), text="", decision="accepted", closed=closed
    )
    return yes, yes.model_copy(update={"decision": "refused"})


def test_a_signed_acceptance_is_not_accepted_again(evidence: Path, key: SigningKey, bo: SigningKey) -> None:
    said(evidence, key, bo, *sign_offs(evidence), run=MET.run)
    assert verify(evidence).intact
    rewritten(evidence, key, lambda lines: [*lines, lines[-2]])
    assert 'sign_off of "Bo" was signed once and stands in chain line 3 already: replayed' in findings(
        evidence
    )


def test_nor_is_one_that_was_held_back_until_it_was_refused(
    evidence: Path, key: SigningKey, bo: SigningKey
) -> None:
    said(evidence, key, bo, *sign_offs(evidence), run=MET.run)
    rewritten(evidence, key, lambda lines: [*lines[:-2], lines[-1], lines[-2]])
    assert 'sign_off of "Bo" was signed before chain line 3 was written: it was put in later' in findings(
        evidence
    )


def test_nor_is_a_finding_closed_again(evidence: Path, key: SigningKey, bo: SigningKey) -> None:
    entered = Finding(what="finding", by=BO, text="slow", id="F-1", severity="high")
    closed, opened = (
        FindingState(what="finding_state", by=BO, text="", id="F-1", state=state)
        for state in ("closed", "opened")
    )
    said(evidence, key, bo, entered, closed, opened, run=MET.run)
    assert verify(evidence).intact
    rewritten(evidence, key, lambda lines: [*lines, lines[-2]])
    assert 'finding_state of "Bo" was signed once' in findings(evidence)


def approved(root: Path, key: SigningKey, bo: SigningKey) -> None:
    approval = Approval(what="approval", by=BO, text="", decision="accepted", confirm=CONFIRM)
    said(root, key, bo, approval, run=None)


def given(root: Path) -> list[str | None]:
    record = run_records(entries_of(root))[0]
    charter = parse_charter((root / record.opened.folder / "charter.json").read_bytes())
    return [one.decision for one in authority(record, charter, records(entries_of(root))).approvals]


def before_all(lines: Lines) -> Lines:
    return [lines[-1], *lines[:-1]]


def test_an_approval_signed_after_a_run_was_not_given_before_it(
    evidence: Path, key: SigningKey, bo: SigningKey
) -> None:
    approved(evidence, key, bo)
    assert verify(evidence).intact
    assert given(evidence) == []
    rewritten(evidence, key, before_all)
    assert 'before the approval of "Bo" in chain line 1 was signed: that was put before it' in findings(
        evidence
    )
    assert given(evidence) == []


def test_one_that_was_given_before_it_counts(tmp_path: Path, key: SigningKey, bo: SigningKey) -> None:
    """The negative control."""
    root = tmp_path / "evidence"
    approval = Approval(what="approval", by=BO, text="", decision="accepted", confirm=CONFIRM)
    add_record(root, approval, plan="trading-desk", run=None, drill=MET.drill, key=key, now=NOW, person=bo)
    role = Role(role="approver", name="Bo", public=bo.public_hex)
    add_run(root, MET, key, agreed(MET, role, confirm=CONFIRM))
    assert given(root) == ["accepted"]
    assert verify(root).findings == ()


def test_a_refusal_counts_wherever_its_time_puts_it(evidence: Path, key: SigningKey, bo: SigningKey) -> None:
    approval = Approval(what="approval", by=BO, text="", decision="refused", confirm=CONFIRM)
    said(evidence, key, bo, approval, run=None)
    rewritten(evidence, key, before_all)
    assert given(evidence) == ["refused"]


def test_the_same_signed_words_of_the_same_moment_are_not_added_twice(
    evidence: Path, key: SigningKey, bo: SigningKey
) -> None:
    said(evidence, key, bo, sign_offs(evidence)[0], run=MET.run)
    with pytest.raises(EvidenceError, match="it stands there already"):
        said(evidence, key, bo, sign_offs(evidence)[0], run=MET.run)
    assert verify(evidence).intact


def test_clocks_a_little_apart_accuse_nobody(evidence: Path, key: SigningKey, bo: SigningKey) -> None:
    yes, no = sign_offs(evidence)
    said(evidence, key, bo, yes, run=MET.run)
    now = LATER - timedelta(seconds=50)
    add_record(evidence, no, plan="trading-desk", run=MET.run, drill=None, key=key, now=now, person=bo)
    assert verify(evidence).findings == ()


def test_a_clock_that_is_behind_is_refused_before_it_looks_like_a_replay(
    evidence: Path, key: SigningKey, bo: SigningKey
) -> None:
    said(evidence, key, bo, sign_offs(evidence)[0], run=MET.run)
    behind = LATER - timedelta(minutes=2)
    with pytest.raises(EvidenceError, match=r"by this clock it is 2026-11-25T05:58:00\.000000Z"):
        add_record(
            evidence, sign_offs(evidence)[1], plan="trading-desk", run=MET.run, drill=None, key=key,
            now=behind, person=bo,
        )  # fmt: skip
    with pytest.raises(
        EvidenceError, match=r"cannot open run .*: a word was signed at 2026-11-25T06:00:00\.000000Z"
    ):
        open_run(evidence, run=run_id(9), drill="kill", plan=MET.plan, key=key, now=behind)
    assert verify(evidence).findings == ()
