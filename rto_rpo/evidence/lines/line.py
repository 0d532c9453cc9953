"""The lines of chain.jsonl, schema "blackstart/chain/1": one JSON object each, in one canonical form."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rto_rpo.evidence.lines.record import AnyEntry, Public, Sha256, Utc
from rto_rpo.measurement import Verdict

CHAIN_SCHEMA = "blackstart/chain/1"
FIRST_PREV = "0" * 64

Run = Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")]
Folder = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z-[A-Za-z0-9_.-]+-[0-9a-f]{8}$")]


class LineError(ValueError):
    """The bytes are not a line of the chain. The message says why."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    schema_: Literal["blackstart/chain/1"] = Field(alias="schema")
    seq: int = Field(ge=0)
    prev: Sha256
    utc: Utc
    plan: str
    key: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")] | None
    signature: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")] | None

    def raw(self) -> bytes:
        """The line as it stands in the file."""
        return canonical(self._content()) + b"\n"

    def signed_bytes(self) -> bytes:
        """What the signature covers: the canonical form without the member "signature"."""
        return canonical({name: value for name, value in self._content().items() if name != "signature"})

    def _content(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True)


class _RunLine(_Line):
    run: Run
    plan_sha256: Sha256
    drill: str
    folder: Folder


class Opened(_RunLine):
    """Written before anything happens. `charter_sha256` freezes what was agreed; absent: nothing was."""

    kind: Literal["opened"]
    charter_sha256: Sha256 | None = None

    def _content(self) -> dict[str, Any]:
        return self.model_dump(
            by_alias=True, exclude={"charter_sha256"} if self.charter_sha256 is None else None
        )


class Closed(_RunLine):
    """Written when all is over. `source` "abandoned": the run was given up and later closed as found."""

    kind: Literal["closed"]
    source: Literal["drill", "abandoned"]
    verdict: Verdict
    files: dict[str, Sha256]


class PlanChanged(_RunLine):
    """Written just before *opened* when the plan is not the one of the plan's previous run."""

    kind: Literal["plan_changed"]
    plan_sha256_before: Sha256


class Recorded(_Line):
    """What a person added, about a run, or (without one) about a drill or the plan."""

    kind: Literal["recorded"]
    run: Run | None
    drill: str | None
    entry: AnyEntry


class KeyRotated(_Line):
    """Signed by the old key, it names the new one; every later line is the new key's.

    `proof` is the new key's signature over the canonical form without "proof" and "signature": whoever
    rotated had both keys.
    """

    kind: Literal["key_rotated"]
    old_public: Public
    new_public: Public
    proof: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]

    def proven_bytes(self) -> bytes:
        """What `proof` covers."""
        return canonical(self.model_dump(by_alias=True, exclude={"proof", "signature"}))


class Pruned(_Line):
    """Written before the files of these runs ({run: folder}) are deleted. Their other lines stay.

    `kept`: the files that stay, of those that a run had. The charter does, or nobody could tell any more
    which drills were due, and the plan, which may have held everything; absent: nothing stayed.
    """

    kind: Literal["pruned"]
    runs: dict[Run, Folder] = Field(min_length=1)
    retention_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    kept: list[Literal["charter.json", "plan.yaml"]] | None = None

    def _content(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True, exclude={"kept"} if self.kept is None else None)


RunLine = Opened | Closed | PlanChanged
AnyLine = Opened | Closed | PlanChanged | Recorded | KeyRotated | Pruned
_LINE: TypeAdapter[AnyLine] = TypeAdapter(Annotated[AnyLine, Field(discriminator="kind")])
_KINDS = {"opened", "closed", "plan_changed", "recorded", "key_rotated", "pruned"}


def split(chain: bytes) -> list[bytes]:
    """The raw lines, each with its newline; only a cut-off last one lacks it."""
    *whole, rest = chain.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def canonical(content: dict[str, Any]) -> bytes:
    """JSON with sorted keys, no spaces and nothing but ASCII: one content, one spelling."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def line_hash(raw: bytes) -> str:
    """SHA-256 of a line's raw bytes, its newline included."""
    return hashlib.sha256(raw).hexdigest()


def build(content: dict[str, Any]) -> AnyLine:
    """The line with this content. Raises LineError."""
    try:
        return _LINE.validate_python(content)
    except ValidationError as error:
        raise LineError(_first(error)) from None


def parse(raw: bytes) -> AnyLine:
    """One line with its newline. Raises LineError, also when the spelling is not the canonical one."""
    if not raw.endswith(b"\n"):
        raise LineError("it ends before its end: cut off")
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError):
        raise LineError("it is not JSON") from None
    if isinstance(content, dict) and content.get("schema", CHAIN_SCHEMA) != CHAIN_SCHEMA:
        raise LineError(f'its schema {content["schema"]!r} is not "{CHAIN_SCHEMA}"')
    line = build(content)
    if line.raw() != raw:
        raise LineError("it is not spelled as blackstart writes it")
    return line


def schema() -> dict[str, Any]:
    """The JSON Schema of one line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": CHAIN_SCHEMA,
        **_LINE.json_schema(by_alias=True),
    }


def _first(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in fault["loc"] if part not in _KINDS)
    return f"{where or 'line'}: {fault['msg']}"
