from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from rto_rpo.evidence import EvidenceError
from rto_rpo.evidence.checking.verify import verify
from rto_rpo.evidence.keeping import chain
from rto_rpo.evidence.keeping.run_folder import RunFolder, held, hold
from rto_rpo.evidence.lines.line import Closed, Opened, PlanChanged, parse, split
from rto_rpo.evidence.lines.signature import SigningKey, new_key
from tests.rto_rpo.evidence.chains import PLANS, make_chain
from tests.rto_rpo.evidence.stranger import stranger

NOW = datetime(2026, 11, 22, 6, 0, 0, 123456, tzinfo=UTC)
PLAN = b"name: trading-desk\n"


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return new_key(tmp_path / "key.pem")


def run_id(number: int) -> str:
    return str(UUID(int=number << 96 | 7))


def open_one(
    root: Path, key: SigningKey | None, number: int = 1, *, plan: bytes = PLAN, drill: str = "kill-primary"
) -> RunFolder:
    now = NOW + timedelta(days=number)
    return chain.open_run(root, run=run_id(number), drill=drill, plan=plan, key=key, now=now)


def close_one(root: Path, folder: RunFolder, key: SigningKey | None) -> str:
    (folder.path / "ledger.jsonl").write_bytes(f"ledger of {folder.run}\n".encode())
    return chain.close_run(root, folder, verdict="met", key=key, now=NOW)


def lines_of(root: Path) -> list[Opened | Closed | PlanChanged]:
    return [parse(raw) for raw in split((root / chain.CHAIN_NAME).read_bytes())]


def test_a_run_is_two_chained_signed_lines(tmp_path: Path, key: SigningKey) -> None:
    root = tmp_path / "evidence"
    folder = open_one(root, key)
    assert folder.path.name == "2026-11-23T060000Z-kill-primary-00000001"
    assert (folder.path / "plan.yaml").read_bytes() == PLAN
    head = close_one(root, folder, key)

    first, second = split((root / "chain.jsonl").read_bytes())
    opened, closed = parse(first), parse(second)
    assert isinstance(opened, Opened)
    assert isinstance(closed, Closed)
    assert (opened.prev, closed.prev) == ("0" * 64, sha256(first).hexdigest())
    assert opened.utc == "2026-11-23T06:00:00.123456Z"
    assert head == chain.head(root) == sha256(second).hexdigest()
    assert closed.files == {
        "plan.yaml": sha256(PLAN).hexdigest(),
        "ledger.jsonl": sha256(f"ledger of {folder.run}\n".encode()).hexdigest(),
    }
    for line in (opened, closed):
        assert line.signature is not None
        assert key.public.holds(line.signed_bytes(), line.signature)
    assert (root / "public_key.pem").read_bytes() == key.public.pem


def test_the_signature_covers_the_line_as_anyone_can_rebuild_it(tmp_path: Path, key: SigningKey) -> None:
    open_one(tmp_path / "evidence", key)
    content = json.loads((tmp_path / "evidence" / "chain.jsonl").read_bytes())
    signature = content.pop("signature")
    assert key.public.holds(
        json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii"), signature
    )


def test_no_chain_has_no_head(tmp_path: Path) -> None:
    assert chain.head(tmp_path) is None
    assert chain.unfinished(tmp_path) == ()


def test_a_change_of_the_plan_is_a_line_of_its_own(tmp_path: Path, key: SigningKey) -> None:
    close_one(tmp_path, open_one(tmp_path, key, 1), key)
    close_one(tmp_path, open_one(tmp_path, key, 2), key)
    close_one(tmp_path, open_one(tmp_path, key, 3, plan=b"name: other\n"), key)
    changed = PLAN + b"environment: demo\n"
    close_one(tmp_path, open_one(tmp_path, key, 4, plan=changed), key)

    kinds = [line.kind for line in lines_of(tmp_path)]
    assert kinds == ["opened", "closed"] * 3 + ["plan_changed", "opened", "closed"]
    note = lines_of(tmp_path)[6]
    assert isinstance(note, PlanChanged)
    assert note.plan_sha256_before == sha256(PLAN).hexdigest()
    assert note.plan_sha256 == sha256(changed).hexdigest()
    assert note.run == run_id(4)


def test_a_run_that_was_given_up_is_closed_as_found_when_the_next_one_opens(
    tmp_path: Path, key: SigningKey
) -> None:
    given_up = open_one(tmp_path, key, 1)
    (given_up.path / "ledger.jsonl").write_bytes(b"half a li")
    assert given_up.descriptor is not None
    os.close(given_up.descriptor)
    assert [folder.run for folder in chain.unfinished(tmp_path)] == [given_up.run]

    open_one(tmp_path, key, 2)
    closed = lines_of(tmp_path)[1]
    assert isinstance(closed, Closed)
    assert (closed.run, closed.source, closed.verdict) == (given_up.run, "abandoned", "inconclusive")
    assert closed.files["ledger.jsonl"] == sha256(b"half a li").hexdigest()
    assert [folder.run for folder in chain.unfinished(tmp_path)] == [run_id(2)]


def test_a_run_whose_folder_was_never_made_is_closed_with_no_files(tmp_path: Path) -> None:
    given_up = open_one(tmp_path, None, 1)
    assert given_up.descriptor is not None
    os.close(given_up.descriptor)
    (given_up.path / "plan.yaml").unlink()
    given_up.path.rmdir()
    open_one(tmp_path, None, 2)
    closed = lines_of(tmp_path)[1]
    assert isinstance(closed, Closed)
    assert closed.files == {}


def test_who_may_only_read_the_evidence_holds_no_run(tmp_path: Path) -> None:
    folder = open_one(tmp_path, None, 1)
    assert folder.descriptor is not None
    os.close(folder.descriptor)
    for path in (folder.path, folder.path / "plan.yaml"):
        with_lock = os.open(path, os.O_RDONLY)
        fcntl.flock(with_lock, fcntl.LOCK_SH)
        assert not held(folder.path)
        os.close(with_lock)
    with (folder.path / "plan.yaml").open("rb") as reading:
        fcntl.lockf(reading, fcntl.LOCK_SH)
        assert not held(folder.path)
    again = hold(folder.path)
    assert again is not None
    assert held(folder.path)
    assert "STILL RUNNING" in stranger(tmp_path).said
    assert "it is still running, since 2026-11-23 06:00 UTC" in "".join(verify(tmp_path).notes)
    os.close(again)


def test_a_run_that_somebody_is_at_is_left_alone(tmp_path: Path) -> None:
    first = open_one(tmp_path, None, 1)
    assert first.descriptor is not None
    recorder = hold(first.path)
    assert recorder is not None
    os.close(first.descriptor)
    open_one(tmp_path, None, 2)
    assert [line.kind for line in lines_of(tmp_path)] == ["opened", "opened"]
    assert held(first.path)
    os.close(recorder)
    assert not held(first.path)
    open_one(tmp_path, None, 3)
    assert [line.kind for line in lines_of(tmp_path)] == ["opened", "opened", "closed", "opened"]


@pytest.mark.parametrize("drill", ["../../etc", "a/b", "", "naïve <script>", "x" * 300, "new\nline"])
def test_a_hostile_drill_name_stays_within_the_evidence_folder(tmp_path: Path, drill: str) -> None:
    root = tmp_path / "evidence"
    folder = open_one(root, None, drill=drill)
    assert folder.path.parent == root
    assert lines_of(root)[0].drill == drill


def _second_time(root: Path, key: SigningKey) -> None:
    close_one(root, open_one(root, key), key)
    open_one(root, key)


def _closed_twice(root: Path, key: SigningKey) -> None:
    folder = open_one(root, key)
    close_one(root, folder, key)
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)


def _without_the_key(root: Path, key: SigningKey) -> None:
    open_one(root, key)
    open_one(root, None, 2)


def _with_another_key(root: Path, key: SigningKey) -> None:
    folder = open_one(root, key)
    close_one(root, folder, new_key(root / "other.pem"))


def _beside_another_public_key(root: Path, key: SigningKey) -> None:
    root.mkdir()
    (root / "public_key.pem").write_bytes(new_key(root / "other.pem").public.pem)
    open_one(root, key)


def _a_link_in_the_folder(root: Path, key: SigningKey) -> None:
    folder = open_one(root, key)
    (folder.path / "ledger.jsonl").symlink_to("/etc/hostname")
    chain.close_run(root, folder, verdict="met", key=key, now=NOW)


def _a_cut_off_chain(root: Path, key: SigningKey) -> None:
    open_one(root, key)
    path = root / "chain.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    open_one(root, key, 2)


def _a_plan_without_a_name(root: Path, key: SigningKey) -> None:
    open_one(root, key, plan=b"- just\n- a list\n")


def _a_plan_that_is_no_yaml(root: Path, key: SigningKey) -> None:
    open_one(root, key, plan=b"a: [")


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (_second_time, "there is evidence of it already"),
        (_closed_twice, "no such open run"),
        (_without_the_key, "no key is given"),
        (_with_another_key, "it is signed by key"),
        (_beside_another_public_key, "another key"),
        (_a_link_in_the_folder, '"ledger.jsonl" is not a plain file'),
        (_a_cut_off_chain, "line 1: it ends before its end"),
        (_a_plan_without_a_name, "its plan has no name"),
        (_a_plan_that_is_no_yaml, "its plan has no name"),
    ],
)
def test_what_would_spoil_the_evidence_is_refused(
    tmp_path: Path, key: SigningKey, act: Callable[[Path, SigningKey], None], message: str
) -> None:
    with pytest.raises(EvidenceError, match=message):
        act(tmp_path / "evidence", key)


def _open_in_another_process(root: str, number: int) -> None:
    close_one(Path(root), open_one(Path(root), None, number), None)


def test_writers_at_the_same_time_do_not_tear_the_chain(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=_open_in_another_process, args=(str(tmp_path), n)) for n in range(1, 7)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
    lines = lines_of(tmp_path)
    assert [line.seq for line in lines] == list(range(12))
    assert [line.prev for line in lines[1:]] == [sha256(line.raw()).hexdigest() for line in lines[:-1]]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", ["chain.jsonl", "chain.lock", "public_key.pem"])
def test_nothing_waits_for_a_pipe_in_the_place_of_a_file(tmp_path: Path, key: SigningKey, name: str) -> None:
    root = tmp_path / "evidence"
    make_chain(root, key, PLANS[:1])
    (root / name).unlink()
    os.mkfifo(root / name)
    with pytest.raises(EvidenceError, match=f'"{name}" is not a plain file'):
        chain.open_run(root, run=run_id(9), drill="kill", plan=PLANS[0], key=key, now=datetime.now(UTC))
