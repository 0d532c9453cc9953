"""A run is held without a gap: by whoever opened it, and from the first moment on by its recorder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from drills import recording
from rto_rpo.evidence.keeping.run_folder import held, hold
from sites.drivers import command
from tests.drills.recorder.running import configure
from tests.fakes.orders import OrdersService


def test_who_is_killed_right_after_starting_the_recorder_leaves_the_run_held(
    tmp_path: Path, service: OrdersService, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    told = configure(folder, service)
    ours = hold(folder)
    assert ours is not None
    seen: list[bool] = []

    def spawn(*argv: Any, **how: Any) -> int:
        pid = command.spawn(*argv, **how)
        os.close(ours)  # as our end would; the recorder's program has not even been read by now
        seen.append(held(folder))
        return pid

    monkeypatch.setattr(recording, "command", type("Spawning", (), {"spawn": staticmethod(spawn)}))
    recording.start(told, held=ours).finish("aborted")
    assert seen == [True]
