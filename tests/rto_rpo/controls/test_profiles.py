"""The control profiles that are shipped, and a firm's own."""

from __future__ import annotations

import re
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

import pytest
import yaml

from rto_rpo.answering import DECLARED, OWN
from rto_rpo.controls import profile as profiles
from rto_rpo.controls.answers import ANSWERS, field_of
from rto_rpo.controls.profile import FOLDER, Profile, ProfileError, profile, shipped
from rto_rpo.report.safety import CHECKS

ROOT = Path(__file__).resolve().parents[3]
FORBIDDEN = "compli" + "ant"


@pytest.mark.parametrize("name", shipped())
def test_every_clause_says_where_and_when_its_words_were_read(name: str) -> None:
    found = profile(name)
    assert found.name == name
    for control in found.controls:
        assert re.match(r"https?://[^ ]+$", control.read.address)
        assert date(2026, 1, 1) <= control.read.date <= (datetime.now(UTC) + timedelta(days=1)).date()
        assert 3 <= len(control.quotation.split()) <= 20
        assert control.asks != control.quotation
        assert all(field_of(answer) for answer in control.answers)


def test_the_named_ones_are_shipped_and_those_that_nobody_read_are_not() -> None:
    assert shipped() == [
        *("dora", "fca-sysc-15a", "ffiec-bcm", "nist-800-53", "nist-csf-2"),
        *("rts-2024-1774", "rts-6", "soc-2"),
    ]


def test_every_answer_is_used_or_offered() -> None:
    used = {answer for name in shipped() for control in profile(name).controls for answer in control.answers}
    assert {answer for answer in used if not answer.startswith("check:")} <= ANSWERS.keys()
    asked = {answer.removeprefix("check:") for answer in used if answer.startswith("check:")}
    assert asked == {"kill", "shutdown", "backup", "runbook"} <= DECLARED | OWN


def test_every_word_that_a_gate_can_answer_is_looked_for_and_documented() -> None:
    used = {answer for name in shipped() for control in profile(name).controls for answer in control.answers}
    assert {f"check:{word}" for word in DECLARED} <= used | {f"check:{word}" for _, word in CHECKS}
    text = (ROOT / "docs" / "controls.md").read_text(encoding="utf-8")
    assert [word for word in DECLARED | OWN if f"`{word}`" not in text] == []


def test_the_word_that_only_a_court_may_say_is_nowhere() -> None:
    folders = ("rto_rpo", "sites", "drills", "flows", "docs", "examples", "tests", "benchmarks")
    files = [
        path
        for folder in folders
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", ".html", ".css", ".yaml", ".md", ".json"}
        and "__pycache__" not in path.parts
    ]
    files += [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("*.yaml")]
    assert len(files) > 300
    assert [path for path in files if FORBIDDEN in path.read_text(encoding="utf-8").lower()] == []


def own(tmp_path: Path, **other: object) -> Path:
    control = {
        "clause": "§ 1",
        "asks": "a drill a year",
        "quotation": "once a year, whatever happens",
        "read": {"address": "our handbook", "date": "2026-11-01", "of": "original"},
        "answers": ["tested-yearly", "check:runbook"],
        **other,
    }
    path = tmp_path / "own.yaml"
    whole = {"name": "own", "title": "Ours", "original": "the handbook", "binds": "us", "controls": [control]}
    path.write_text(yaml.safe_dump(whole))
    return path


def test_a_firms_own_profile_is_one_more_file(tmp_path: Path) -> None:
    found = profile(str(own(tmp_path)))
    assert isinstance(found, Profile)
    assert found.controls[0].answers == ("tested-yearly", "check:runbook")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"answers": ["magic"]}, 'nothing answers "magic"'),
        ({"answers": []}, "answers"),
        ({"quotation": ""}, "quotation"),
        ({"more": 1}, "more"),
        ({"read": {"address": "x", "date": "yesterday", "of": "original"}}, "date"),
        ({"quotation": " "}, "controls.0.quotation: holds no word"),
        ({"not_applicable": "\u200b"}, "controls.0.not_applicable: holds no word"),
        ({"read": {"address": "\t-", "date": "2026-11-01", "of": "copy"}}, "read.address: holds no word"),
        ({"read": {"address": "x", "date": "2999-01-01", "of": "copy"}}, "§ 1 was read on 2999-01-01"),
    ],
)
def test_a_profile_that_cannot_be_used_says_why(tmp_path: Path, other: dict[str, object], said: str) -> None:
    with pytest.raises(ProfileError, match=said):
        profile(str(own(tmp_path, **other)))


def test_nothing_in_a_profile_is_dropped_or_counted_twice(tmp_path: Path) -> None:
    path = own(tmp_path)
    once = path.read_text()
    controls = once[once.index("controls:") : once.index("name:")]
    for twice in (once + controls, once.replace("  clause:", "  answers: [kept-6-years]\n  clause:")):
        path.write_text(twice)
        with pytest.raises(ProfileError, match=r'line \d+: duplicate key "(controls|answers)"'):
            profile(str(path))
    path.write_text(once.replace("controls:\n", controls.replace("§ 1", "  §  1 ")))
    with pytest.raises(ProfileError, match="stands in it twice"):
        profile(str(path))


def test_what_was_read_today_anywhere_counts_as_read_and_a_shipped_one_needs_no_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = {"address": "x", "date": "2026-11-29", "of": "original"}
    for utc, fine in (("2026-11-28T09:00", False), ("2026-11-28T10:30", True), ("2020-01-01T00:00", False)):
        monkeypatch.setattr(profiles, "datetime", _clock(datetime.fromisoformat(utc)))
        with nullcontext() if fine else pytest.raises(ProfileError, match="yet to come"):
            profile(str(own(tmp_path, read=read)))
        assert profile("dora").controls


def _clock(at: datetime) -> type[datetime]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return at.replace(tzinfo=tz)

    return Clock


def test_a_profile_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as told:
        profile(str(tmp_path / "none.yaml"))
    assert "dora" in str(told.value.hint)
    (tmp_path / "bad.yaml").write_text("[")
    with pytest.raises(ProfileError, match="cannot be used"):
        profile(str(tmp_path / "bad.yaml"))
    assert FOLDER.name == "controls"


def test_every_answer_and_every_profile_is_documented() -> None:
    text = (ROOT / "docs" / "controls.md").read_text(encoding="utf-8")
    for name, (looked_at, _) in ANSWERS.items():
        assert f"| `{name}` | {looked_at} |" in text
    assert all(f"| `{name}` |" in text for name in shipped())


def test_what_was_looked_at_is_told_in_words() -> None:
    """On the pages of a report: no name of a field."""
    told = [field_of(name) for name in (*ANSWERS, "check:runbook", "check:kill")]
    assert [one for one in told if re.search(r"[a-z]\.[a-z*]|_|\*|:", one)] == []
