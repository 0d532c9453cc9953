"""Reports as they were written before."""

from __future__ import annotations

from typing import Any

_JUDGED = ("judgements", "split_brain", "checks")


def as_form_1(content: dict[str, Any]) -> dict[str, Any]:
    """Without what the second form brought."""
    older = {name: each for name, each in content.items() if name not in {"doubts", "versions"}}
    for name in _JUDGED:
        older[name] = [
            {key: value for key, value in one.items() if key != "standing"} for one in content[name]
        ]
    return {**older, "schema": "blackstart/report/1"}
