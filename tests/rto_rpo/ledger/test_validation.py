from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from rto_rpo.ledger.errors import LedgerError
from rto_rpo.ledger.validation import checked, json_schema
from tests.rto_rpo.ledgers import T0, PlantedDrill, drill_of, event, header, stream


def _placed(record: dict[str, Any]) -> dict[str, Any]:
    return {"seq": 3, "prev": "0" * 64, **record}


def _drill() -> list[dict[str, Any]]:
    drill = PlantedDrill(deleted={3: "acknowledged"})
    return [_placed(record) for record in [drill.head, *drill.records()]]


def test_the_schema_is_published_and_describes_a_whole_drill() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    kinds = {record["kind"] for record in _drill() if not list(validator.iter_errors(record))}
    assert kinds == {"header", "intents", "event", "operation", "read", "readback", "end"}


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    for record in ({**event("note", T0), "colour": "red"}, {"kind": "rumour", "ns": T0}):
        assert list(validator.iter_errors(_placed(record)))
        with pytest.raises(LedgerError):
            checked(1, _placed(record))


@pytest.mark.parametrize(
    ("record", "where"),
    [
        (header(stable_ns=0), "stable_ns"),
        (header(late_ns=0), "late_ns"),
        (header(streams=[stream(role="clientele")]), "role"),
        (header(streams=[stream(interval_ns=0)]), "interval_ns"),
        (header(drill=drill_of("kill_site", kind="virtual")), "kind"),
        (header(judged=[{"subject": "g", "objective": "rto", "seconds": -1.0, "stream": None}]), "seconds"),
        (event("frozen", T0), "late_ns"),
        (event("frozen", T0, late_ns=0), "late_ns"),
        (event("fault_effective", T0, holds=True), "how"),
        (event("check", T0, name="gate", verdict="passed", reason="so"), "verdict"),
        (event("aborted", T0), "reason"),
    ],
)
def test_says_which_field_is_wrong(record: dict[str, Any], where: str) -> None:
    with pytest.raises(LedgerError, match=f"ledger line 4: .*{where}"):
        checked(4, _placed(record))


def test_details_may_say_more_than_they_must() -> None:
    record = _placed(event("check", T0, name="gate", verdict="met", reason="so", output={"orders": 3}))
    assert checked(1, record) == record
