"""Whoever holds the signing key writes the chain anew: numbered, chained and signed, so all hashes hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from rto_rpo.evidence.lines.line import canonical, line_hash, split
from rto_rpo.evidence.lines.signature import SigningKey

Lines = list[dict[str, Any]]


def lines_of(root: Path) -> Lines:
    return [json.loads(raw) for raw in split((root / "chain.jsonl").read_bytes())]


def rewritten(root: Path, key: SigningKey, change: Callable[[Lines], Lines] = lambda lines: lines) -> None:
    """The chain says that now, of the files that lie there now."""
    raws: list[bytes] = []
    for seq, content in enumerate(change(lines_of(root))):
        told = {**content, **_of_files(root, content), "seq": seq, "key": key.public.identity}
        told["prev"] = line_hash(raws[-1]) if raws else "0" * 64
        del told["signature"]
        raws.append(canonical({**told, "signature": key.sign(canonical(told))}) + b"\n")
    (root / "chain.jsonl").write_bytes(b"".join(raws))


def _of_files(root: Path, content: dict[str, Any]) -> dict[str, Any]:
    folder = root / content.get("folder", "")
    if content["kind"] == "closed" and folder.is_dir():
        return {"files": {path.name: _hash(path) for path in sorted(folder.iterdir())}}
    if "charter_sha256" in content:
        return {"charter_sha256": _hash(folder / "charter.json")}
    return {}


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
