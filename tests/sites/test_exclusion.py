import pytest

from sites.errors import PlanError
from sites.exclusion import Exclusion


def excluded(pattern: str, path: str) -> bool:
    return Exclusion((pattern,)).predicate().fullmatch(path) is not None


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.tmp", "a.tmp", True),
        ("*.tmp", "deep/er/a.tmp", True),
        ("*.tmp", "a.tmp.kept", False),
        ("/scratch", "scratch", True),
        ("/scratch", "deep/scratch", False),
        ("/logs/*/old", "logs/x/old", True),
        ("/logs/*/old", "logs/x/y/old", False),
        ("/cache/**/big", "cache/big", True),
        ("/cache/**/big", "cache/a/b/big", True),
        ("?", "é", True),
        ("[a-c]x", "bx", True),
        ("[a-c]x", "dx", False),
        ("a.c", "abc", False),
        ("new?line", "new\nline", True),
    ],
)
def test_patterns_mean_what_their_table_says(pattern: str, path: str, expected: bool) -> None:
    assert excluded(pattern, path) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "/",
        "a//b",
        "../up",
        "a/b",
        "/a/**",
        "/a**b/c",
        "b\\*",
        "two\nlines",
        "$HOME",
        " x",
        "!x",
        "[^a]",
        "a[b",
    ],
)
def test_patterns_with_two_readings_are_refused(pattern: str) -> None:
    with pytest.raises(PlanError, match="exclude pattern"):
        Exclusion((pattern,))


def test_no_pattern_excludes_nothing() -> None:
    assert Exclusion().predicate().fullmatch("anything") is None
