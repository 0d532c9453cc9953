"""What `check` finds beside the datasets: folders that the running processes of a site write to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.options import estate_of
from flows.readiness.checks import checks
from tests.flows.plans import small_plan
from tests.sites.repositories import wait_until


def test_a_folder_that_a_process_writes_to_and_no_dataset_covers_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.readiness.covered.PASSING", ())
    path = small_plan(tmp_path)
    (tmp_path / "here" / "uploads").mkdir()
    script = (
        f"exec 3>>{tmp_path}/here/uploads/file 4>>{tmp_path}/here/documents/0.txt; "
        f"touch {tmp_path}/ready; sleep 600"
    )
    command = json.dumps(["sh", "-c", script])
    head = f'path: "{tmp_path}/here"'
    assert head in path.read_text()
    path.write_text(path.read_text().replace(head, f"{head}, processes: {{web: {{command: {command}}}}}", 1))
    estate = estate_of(path)
    site = estate.site("here")
    try:
        site.up()
        wait_until(lambda: (tmp_path / "ready").exists())
        told = [one.what for one in checks(estate) if one.name == "coverage of site here"]
    finally:
        site.kill()
    assert told == [
        f'folder {tmp_path}/here/uploads of "web" is in no dataset, so nothing protects it; declare one'
    ]
