from __future__ import annotations

from pathlib import Path

import pytest

from sites.drivers.browser import BROWSER, find_browser, print_pdf
from sites.errors import BlackstartError, MissingProgram


def program(folder: Path, text: str) -> Path:
    path = folder / "browser"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_where_there_is_no_browser_the_way_out_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(BROWSER, raising=False)
    with pytest.raises(MissingProgram, match="no Chromium is here") as told:
        print_pdf(b"")
    assert "package chromium" in str(told.value.hint)
    assert BROWSER in str(told.value.hint)


def test_the_browser_that_is_named_is_taken_or_missed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(BROWSER, str(program(tmp_path, "exit 0")))
    assert find_browser() == str(tmp_path / "browser")
    monkeypatch.setenv(BROWSER, "none-such")
    with pytest.raises(MissingProgram, match='there is no "none-such"'):
        find_browser()


@pytest.mark.parametrize(
    ("text", "said"), [("echo broken >&2; exit 3", "broken"), ("exit 0", "ended well and wrote nothing")]
)
def test_a_browser_that_prints_nothing_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, said: str
) -> None:
    monkeypatch.setenv(BROWSER, str(program(tmp_path, text)))
    with pytest.raises(BlackstartError, match=said):
        print_pdf(b"<p>")


def test_the_page_is_handed_over_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    copy = (
        "for one; do case $one in --print-to-pdf=*) to=${one#*=};; file://*) from=${one#file://};; esac; done"
    )
    monkeypatch.setenv(BROWSER, str(program(tmp_path, f'{copy}; cp "$from" "$to"')))
    assert print_pdf(b"<p>page") == b"<p>page"
