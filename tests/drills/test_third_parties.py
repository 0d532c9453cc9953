"""Outside a demo no canary writes through an endpoint before it is proven that it reaches nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drills import drill as drills
from drills.preview import preview
from drills.third_parties import check_third_parties
from sites.errors import GuardError
from sites.estate import Estate
from tests.drills.small_drill import DRILL, small_estate


def asked(estate: Estate) -> None:
    check_third_parties(estate, estate.plan.drills[DRILL], DRILL)


def spared(*check: str, **more: Any) -> dict[str, Any]:
    return {"spared_by": "the test exchange of the broker", "check": list(check), **more}


def test_a_check_that_proves_it_lets_the_drill_go_on(tmp_path: Path) -> None:
    estate = small_estate(tmp_path, third_parties=spared("true"))
    assert estate.plan.environment != "demo"
    asked(estate)


@pytest.mark.parametrize(
    ("check", "said"),
    [(["false"], "exit 1"), (["no-such-program"], "not installed"), (["sleep", "60"], "0.1 s")],
)
def test_a_check_that_fails_breaks_or_hangs_proves_nothing(
    tmp_path: Path, check: list[str], said: str
) -> None:
    with pytest.raises(GuardError, match="it is not proven that third parties are spared") as refused:
        asked(small_estate(tmp_path, third_parties=spared(*check, limit="100ms")))
    assert said in str(refused.value)


def test_a_drill_that_says_nothing_of_them_changes_nothing(tmp_path: Path) -> None:
    estate = small_estate(tmp_path)
    estate.site("primary").up()
    try:
        running = estate.site("primary").running()
        confirm = preview(estate, DRILL).confirm
        with pytest.raises(GuardError, match="nothing says how the writes of its canary stay away"):
            drills.run(estate, DRILL, environment="test", confirm=confirm)
        assert estate.site("primary").running() == running
        assert not estate.plan.evidence.path.exists()
    finally:
        estate.site("primary").kill()
