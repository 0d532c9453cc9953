"""A control profile: clauses, what each asks, the words that were read and where, and which evidence answers.

The shipped ones lie beside this file; a firm's own is one more file of the same form.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from rto_rpo.controls.answers import ANSWERS

FOLDER = Path(__file__).parent
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_FURTHEST_AHEAD = timedelta(hours=14)  # of UTC, on any clock


class _OnceLoader(_LOADER):  # type: ignore[misc]
    """YAML lets a second key of the same name win; here that would drop controls without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                line = key.start_mark.line + 1
                raise yaml.constructor.ConstructorError(problem=f'line {line}: duplicate key "{key.value}"')
            seen.add(str(key.value))
        made: dict[Any, Any] = super().construct_mapping(node, deep)
        return made


def _telling(text: str) -> str:
    if not any(letter.isalnum() for letter in text):
        raise ValueError("holds no word")
    return text


Words = Annotated[str, Field(min_length=1, max_length=2_000), AfterValidator(_telling)]


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
        content = yaml.load(path.read_bytes(), Loader=_OnceLoader)  # noqa: S506 - one of the safe loaders
        found = Profile.model_validate(content)
    except OSError as error:
        raise ProfileError(
            f'cannot read control profile "{named}": {error.strerror}',
            hint=f"name a file, or one of: {', '.join(shipped())}",
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProfileError(f'control profile "{named}" cannot be used: {_first(error)}') from None
    for why, hint in _faults(found, ours=path.parent == FOLDER):
        raise ProfileError(f'control profile "{named}": {why}', hint=hint)
    return found


def _faults(found: Profile, *, ours: bool) -> Iterator[tuple[str, str]]:
    """What is wrong with it as a whole, and the way out.

    `ours`: shipped with a day of reading that tests hold to; a machine whose clock is behind needs it, too.
    """
    seen: set[str] = set()
    ahead = (datetime.now(UTC) + _FURTHEST_AHEAD).date()
    for control in found.controls:
        clause = " ".join(control.clause.casefold().split())
        if clause in seen:
            yield f"{control.clause} stands in it twice, and would count twice", "leave one out"
        seen.add(clause)
        if not ours and control.read.date > ahead:
            read = f"{control.clause} was read on {control.read.date}, which is yet to come"
            yield read, "write the day on which the words were read"
        for answer in control.answers:
            if answer not in ANSWERS and not answer.startswith("check:"):
                known = f"check:WORD, or one of: {', '.join(sorted(ANSWERS))}"
                yield f'nothing answers "{answer}", which {control.clause} asks for', known


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors(include_url=False, include_input=False)[0]
        said = fault["msg"].removeprefix("Value error, ")
        return f"{'.'.join(map(str, fault['loc'])) or 'it'}: {said}"
    return str(error).splitlines()[0]
