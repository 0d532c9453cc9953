"""A control profile: clauses, what each asks, the words that were read and where, and which evidence answers.

The shipped ones lie beside this file; a firm's own is one more file of the same form.
"""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rto_rpo.controls.answers import ANSWERS

FOLDER = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Words = Annotated[str, Field(min_length=1, max_length=2_000)]


class ProfileError(ValueError):
    """A profile cannot be used. `hint` says the way out."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Reading(_Part):
    """Where the clause was read. `of`: the publisher's own text, somebody's copy of it, or a quotation.

    Whoever read a quotation only has not read the clause: such a control is never met.
    """

    address: Words
    date: date
    of: Literal["original", "copy", "quotation"]
    note: str = ""


class Control(_Part):
    """`answers` name what is looked for in the evidence; `check:WORD` is a check that is declared to answer
    that word, or one of the drill's own; any other WORD is the whole name of a check.

    `not_applicable` is a firm's own word on why the clause does not bind it.
    """

    clause: Words
    asks: Words
    quotation: Words
    read: Reading
    answers: tuple[str, ...] = Field(min_length=1)
    not_applicable: Words | None = None

    @property
    def verified(self) -> bool:
        return self.read.of != "quotation"


class Profile(_Part):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,40}$")]
    title: Words
    original: Words
    binds: Words
    controls: tuple[Control, ...] = Field(min_length=1)


def shipped() -> list[str]:
    """The names of the profiles that come with blackstart."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


@cache
def all_shipped() -> tuple[Profile, ...]:
    """The profiles that come with blackstart."""
    return tuple(profile(name) for name in shipped())


def profile(named: str) -> Profile:
    """A shipped profile by its name, or one of the firm's by its path. Raises ProfileError."""
    path = FOLDER / f"{named}.yaml" if named in shipped() else Path(named)
    try:
        content = yaml.load(path.read_bytes(), Loader=_LOADER)  # noqa: S506 - one of the safe loaders
        found = Profile.model_validate(content)
    except OSError as error:
        raise ProfileError(
            f'cannot read control profile "{named}": {error.strerror}',
            hint=f"name a file, or one of: {', '.join(shipped())}",
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProfileError(f'control profile "{named}" cannot be used: {_first(error)}') from None
    for control in found.controls:
        for answer in control.answers:
            if answer not in ANSWERS and not answer.startswith("check:"):
                raise ProfileError(
                    f'control profile "{named}": nothing answers "{answer}", which {control.clause} asks for',
                    hint=f"check:WORD, or one of: {', '.join(sorted(ANSWERS))}",
                )
    return found


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_input=False)[0]
        return f"{'.'.join(map(str, fault['loc'])) or 'it'}: {fault['msg']}"
    return str(error).splitlines()[0]
