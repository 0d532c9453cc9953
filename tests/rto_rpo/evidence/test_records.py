"""What people add: chained, signed by their own key or only claimed, and never about something else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.agreed.authority import authority
from rto_rpo.evidence.agreed.charter import Role, parse_charter
from rto_rpo.evidence.agreed.person import separation, standing
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping.adding import add_record, find_run
from rto_rpo.evidence.lines.history import RunRecord, read_entries, run_records
from rto_rpo.evidence.lines.line import Recorded, build, line_hash, split
from rto_rpo.evidence.lines.record import AnyEntry, Approval, By, Finding, FindingState, Hold, Note, SignOff
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from tests.rto_rpo.evidence.folders import add_run, agreed, findings
from tests.rto_rpo.report.runs import MET

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PLAN = "trading-desk"


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SigningKey]:
    folder = tmp_path_factory.mktemp("people")
    return {name: new_key(folder / f"{name}.pem") for name in ("Ada", "Bo", "Cy", "Eve")}


@pytest.fixture
def closed(tmp_path: Path, key: SigningKey, people: dict[str, SigningKey]) -> Path:
    root = tmp_path / "evidence"
    roles = [
        Role(role=role, name=name, public=people[name].public_hex)
        for role, name in (("executor", "Ada"), ("reviewer", "Bo"), ("approver", "Cy"))
    ]
    add_run(root, MET, key, agreed(MET, *roles))
    return root


def record(root: Path) -> RunRecord:
    return run_records(read_entries((root / "chain.jsonl").read_bytes()))[0]


def say(root: Path, key: SigningKey, entry: AnyEntry, person: SigningKey | None = None) -> Recorded:
    add_record(root, entry, plan=PLAN, run=MET.run, drill=MET.drill, key=key, now=NOW, person=person)
    return record(root).records[-1]


def sign_off(root: Path, name: str, role: str) -> SignOff:
    closing = record(root).closed_sha256
    assert closing is not None
    by = By(name=name, role=role)
    return SignOff(what="sign_off", by=by, text="seen", decision="accepted", closed=closing)


def test_a_note_is_chained_and_leaves_the_run_intact(closed: Path, key: SigningKey) -> None:
    line = say(closed, key, Note(what="note", by=By(name="Ada"), text="the venue was slow"))
    assert standing(line, ()) == "claimed"
    assert verify(closed, public_key=key.public.pem).findings == ()


def test_a_name_counts_when_the_plans_key_for_it_signed(
    closed: Path, key: SigningKey, people: dict[str, SigningKey]
) -> None:
    charter = parse_charter((closed / record(closed).opened.folder / "charter.json").read_bytes())
    assert list(separation(charter, record(closed).records)) == [
        'the executor "Ada" is only claimed: not signed',
        "no reviewer has signed it off",
        "no approver has signed it off",
    ]
    say(closed, key, sign_off(closed, "Ada", "executor"), people["Ada"])
    bo = say(closed, key, sign_off(closed, "Bo", "reviewer"), people["Bo"])
    assert standing(bo, charter.roles) == "signed"
    false_cy = say(closed, key, sign_off(closed, "Cy", "approver"), people["Eve"])
    assert standing(false_cy, charter.roles) == "unlisted"
    assert "signed by a key that the plan does not list" in "\n".join(
        separation(charter, record(closed).records)
    )
    say(closed, key, sign_off(closed, "Cy", "approver"), people["Cy"])
    assert list(separation(charter, record(closed).records)) == []
    assert verify(closed).findings == ()


def test_people_are_told_apart_by_their_keys_and_not_by_their_names(
    tmp_path: Path, key: SigningKey, people: dict[str, SigningKey]
) -> None:
    root, both = tmp_path / "evidence", people["Bo"]
    listed = (("executor", "Ada", people["Ada"]), ("reviewer", "Bo", both), ("approver", "Cy", both))
    add_run(root, MET, key, agreed(MET, *(Role(role=r, name=n, public=k.public_hex) for r, n, k in listed)))
    charter = parse_charter((root / record(root).opened.folder / "charter.json").read_bytes())
    for role, name, person in listed:
        say(root, key, sign_off(root, name, role), person)
    assert list(separation(charter, record(root).records)) == [
        'reviewer and approver signed with one key: "Bo" and "Cy" are one person'
    ]


def test_who_ran_it_is_claimed_until_that_persons_own_key_says_so(
    closed: Path, key: SigningKey, people: dict[str, SigningKey]
) -> None:
    charter = parse_charter((closed / record(closed).opened.folder / "charter.json").read_bytes())
    for name, role in (("Bo", "reviewer"), ("Cy", "approver")):
        say(closed, key, sign_off(closed, name, role), people[name])
    claimed = 'the executor "Ada" is only claimed: not signed'
    say(closed, key, sign_off(closed, "Ada", "executor"))
    assert list(separation(charter, record(closed).records)) == [claimed]
    say(closed, key, sign_off(closed, "Bo", "executor"), people["Bo"])  # somebody else cannot say it
    assert list(separation(charter, record(closed).records)) == [claimed]
    say(closed, key, sign_off(closed, "Ada", "executor"), people["Ada"])
    assert list(separation(charter, record(closed).records)) == []


def test_a_refusal_takes_the_sign_off_back(
    closed: Path, key: SigningKey, people: dict[str, SigningKey]
) -> None:
    charter = parse_charter((closed / record(closed).opened.folder / "charter.json").read_bytes())
    say(closed, key, sign_off(closed, "Bo", "reviewer"), people["Bo"])
    no = sign_off(closed, "Bo", "reviewer").model_copy(update={"decision": "refused"})
    say(closed, key, no, people["Bo"])
    told = list(separation(charter, record(closed).records))
    assert '"Bo" refused to sign it off' in told
    assert "no reviewer has signed it off" in told


def test_who_refused_before_it_ran_is_told(closed: Path, key: SigningKey) -> None:
    found = record(closed)
    charter = parse_charter((closed / found.opened.folder / "charter.json").read_bytes())
    said = []
    for decision in ("accepted", "refused"):
        approval = Approval.model_validate(
            {"what": "approval", "by": {"name": "Ada"}, "text": "", "decision": decision, "confirm": "0" * 16}
        )
        said.append(say(closed, key, approval).model_copy(update={"seq": -1, "utc": found.opened.utc}))
    had = authority(found, charter.model_copy(update={"confirm": "0" * 16}), said)
    assert [each.decision for each in had.approvals] == ["accepted", "refused"]
    assert '"Ada" refused it, and it was run all the same' in had.problems
    assert '"Ada" approved the drill and ran it' in had.problems


def test_one_person_in_two_roles_is_told(
    closed: Path, key: SigningKey, people: dict[str, SigningKey]
) -> None:
    charter = parse_charter((closed / record(closed).opened.folder / "charter.json").read_bytes())
    for role in ("reviewer", "approver"):
        say(closed, key, sign_off(closed, "Bo", role), people["Bo"])
    told = list(separation(charter, record(closed).records))
    assert 'reviewer and approver are the same person, "Bo"' in told
    assert 'the approver "Bo" signed, but the plan names somebody else for that' in told


@pytest.mark.parametrize("member", ["text", "decision", "closed"])
def test_a_persons_words_cannot_be_changed_even_with_the_chains_key(
    closed: Path, key: SigningKey, people: dict[str, SigningKey], member: str
) -> None:
    say(closed, key, sign_off(closed, "Bo", "reviewer"), people["Bo"])
    *before, last = split((closed / "chain.jsonl").read_bytes())
    content = json.loads(last)
    content["entry"][member] = {"text": "no", "decision": "refused", "closed": "a" * 64}[member]
    line = build(content)
    forged = line.model_copy(update={"signature": key.sign(line.signed_bytes())})
    (closed / "chain.jsonl").write_bytes(b"".join([*before, forged.raw()]))
    assert 'has a wrong signature of "Bo"' in findings(closed, key)
    assert forged.prev == line_hash(before[-1])


def test_what_contradicts_the_chain_is_refused(closed: Path, key: SigningKey) -> None:
    by = By(name="Ada")
    finding = Finding(what="finding", by=by, text="slow", id="F-1", severity="high")
    say(closed, key, finding)
    for entry, why in (
        (finding, "there is one already"),
        (FindingState(what="finding_state", by=by, text="", id="F-2", state="closed"), "never entered"),
        (SignOff(what="sign_off", by=by, text="", decision="accepted", closed="0" * 64), "is not closed"),
    ):
        with pytest.raises(EvidenceError, match=why):
            say(closed, key, entry)
    with pytest.raises(EvidenceError, match="never opened"):
        add_record(
            closed,
            Hold(what="hold", by=by, text="", placed=True),
            plan=PLAN,
            run="3f9a12c4-0000-4000-8000-000000000000",
            drill=None,
            key=key,
            now=NOW,
        )


def test_a_run_is_found_by_its_folder_its_beginning_or_as_the_last(closed: Path) -> None:
    folder = record(closed).opened.folder
    for name in (folder, str(closed / folder), folder[:12], MET.run, MET.run[:8], "last"):
        assert find_run(closed, name).opened.run == MET.run
    for name in ("", "2031", "no"):
        with pytest.raises(EvidenceError, match="no such run"):
            find_run(closed, name)


@pytest.mark.parametrize(
    "name",
    [
        "blackstart, keeping the schedule",
        "Blackstart, undoing",
        " black\u200bstart , undoing",
        "".join(chr(ord(sign) + 0xFEE0) for sign in "BLACKSTART,"),  # wide letters
    ],
)
def test_nobody_speaks_in_our_name(
    closed: Path, key: SigningKey, people: dict[str, SigningKey], name: str
) -> None:
    entry = Note(what="deviation", by=By(name=name), text="not run: no need")
    for person in (None, people["Ada"]):
        with pytest.raises(EvidenceError, match="is what blackstart says itself"):
            say(closed, key, entry, person)
    assert record(closed).records == ()
    say(closed, key, Note(what="note", by=By(name="blackstart"), text="an account may be called so"))
    add_record(closed, entry, plan=PLAN, run=None, drill=MET.drill, key=key, now=NOW, ours=True)
