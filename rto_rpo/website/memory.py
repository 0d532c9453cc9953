"""What a site remembers of itself, so that one more drill costs little: digests, and what made each page."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rto_rpo.dossier.digest import Digest
from rto_rpo.report.maker import maker

MEMORY_NAME = "site.json"


class SiteError(ValueError):
    """A site cannot be built there. `hint` says the way out."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class Memory(BaseModel):
    """`maker`: who drew the pages. `digests` by the hash of report.json; `pages`: path to what made it."""

    model_config = ConfigDict(extra="forbid")

    schema_: Literal["blackstart/site/1"] = Field(alias="schema", default="blackstart/site/1")
    maker: str
    digests: dict[str, Digest] = {}
    pages: dict[str, str] = {}


def remembered(folder: Path) -> Memory:
    """What the site in this folder remembers; of another maker's pages only that they are there.

    Raises SiteError when the folder holds something that is no site.
    """
    path = folder / MEMORY_NAME
    if not path.is_file():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SiteError(
                f'cannot build a site in "{folder}": it holds something else',
                hint="name a new or an empty folder",
            )
        return Memory(maker=maker())
    try:
        content = orjson.loads(path.read_bytes())
        if isinstance(content, dict) and content.get("maker") != maker():
            content["digests"] = {}  # of another maker: they may be of another form
        found = Memory.model_validate(content)
    except (ValidationError, orjson.JSONDecodeError):
        raise SiteError(
            f'cannot go on with the site in "{folder}": its {MEMORY_NAME} cannot be read',
            hint="delete the folder; all of it is made anew from the evidence",
        ) from None
    if found.maker == maker():
        return found
    return Memory(maker=maker(), pages=dict.fromkeys(found.pages, ""))


def key_of(*parts: str) -> str:
    """What a page is made of, in one word."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def dump(memory: Memory) -> bytes:
    return orjson.dumps(memory.model_dump(mode="json", by_alias=True))
