"""A failed pgBackRest call as a named error: its exit code says what kind, its words say the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sites.errors import (
    CommandError,
    CommandTimeout,
    NoRepository,
    RepositoryDamaged,
    RepositoryError,
    RepositoryLocked,
    WrongPassword,
)

_Kind = tuple[type[RepositoryError], str]

# pgBackRest's own numbers; the same in every version, and in the name of each error that it prints.
_BY_CODE: dict[int, _Kind] = {
    26: (RepositoryDamaged, "a checksum does not fit"),
    28: (RepositoryDamaged, "a file of it is invalid"),
    29: (RepositoryDamaged, "a file of it is damaged"),
    31: (RepositoryError, "its configuration does not fit"),
    32: (RepositoryError, "its configuration does not fit"),
    37: (RepositoryError, "its configuration lacks something"),
    40: (RepositoryError, "something lies already where it would be restored to"),
    41: (RepositoryError, "a file cannot be opened"),
    42: (RepositoryDamaged, "a file of it cannot be read"),
    50: (RepositoryLocked, "another pgBackRest is at work on it"),
    55: (RepositoryDamaged, "a file of it is missing"),
    56: (RepositoryError, "its server cannot be asked"),
    58: (RepositoryError, "it holds the backups of another server"),
    62: (RepositoryError, "it was stopped by `pgbackrest stop`"),
    63: (RepositoryError, "it was interrupted"),
    64: (RepositoryError, "it cannot be written, as when its disk is full"),
    68: (RepositoryError, "its server does not hand its WAL to pgBackRest"),
    75: (NoRepository, "it has no backup to restore"),
    82: (RepositoryError, "the WAL does not arrive"),
    87: (RepositoryError, "its server does not archive its WAL"),
    95: (WrongPassword, "its cipher or passphrase is another one"),
    103: (RepositoryError, "one of its repositories cannot be used"),
}
_WORDS: tuple[tuple[re.Pattern[str], _Kind], ...] = tuple(
    (re.compile(words), kind)
    for words, kind in (
        (r"CryptoError|cipher header invalid|unable to flush", (WrongPassword, _BY_CODE[95][1])),
        (r"No space left on device|\[28\]", (RepositoryError, "no space is left on a disk")),
        (r"Permission denied|\[13\]", (RepositoryError, "it may not be read or written by us")),
        # before the next one: pgBackRest asks whether the stanza was made also where it is damaged
        (r"FormatError|ChecksumError|FileReadError|FileInvalidError", _BY_CODE[29]),
        (r"stanza-create been performed|missing stanza path", (NoRepository, "its stanza is not there")),
    )
)
_INTERRUPTED = (-2, -15)  # ended by the signal itself, before it could say so
_HINTS: dict[str, str] = {
    "its stanza is not there": "a first backup makes it; if it was there before, find out where it went",
    "the WAL does not arrive": "the server's log says why; `pgbackrest check` tries it again",
    "it was stopped by `pgbackrest stop`": "`pgbackrest start` lets it go on",
}
_ARCHIVING = "set archive_mode = on and archive_command = 'pgbackrest --stanza={stanza} archive-push %p'"


def named(error: CommandError, act: str, repository: str, stanza: str) -> RepositoryError:
    """The error to raise for `error`. `act` reads on from "cannot", as in "restore it"."""
    if isinstance(error, CommandTimeout):
        return RepositoryError(f'cannot {act}: repository "{repository}": {error}')
    code = error.exit_code_of_command
    said = f"{error.stderr}\n{error.stdout}"
    kind, reason = of(code, said)
    ended = (
        f"pgBackRest exit {code}" if code is None or code >= 0 else f"pgBackRest was killed by signal {-code}"
    )
    hint = _HINTS.get(reason)
    if code in (68, 87):
        hint = _ARCHIVING.format(stanza=stanza)
    return kind(
        f'cannot {act}: repository "{repository}": {reason} ({ended}): {last_words(error.stderr)}', hint=hint
    )


def of(code: int | None, said: str) -> _Kind:
    """What is wrong, by the words where they say more than the code."""
    by_words = next((kind for words, kind in _WORDS if words.search(said)), None)
    if code in _INTERRUPTED:
        return _BY_CODE[63]
    by_code = _BY_CODE.get(code) if code is not None else None
    if by_words is not None and code in (None, 29, 41, 42, 50, 53, 55, 64, 75, 99, 103):
        return by_words
    return by_code or by_words or (RepositoryError, "pgBackRest failed")


def last_words(stderr: str) -> str:
    """The line that says most: the ERROR, and where it is only a list, what that begins with."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    at = next((n for n, line in enumerate(lines) if line.startswith("ERROR:")), None)
    if at is None:
        return (lines or ["it said nothing"])[-1][:500]
    told = [lines[at], *_first(lines[at + 1 :])] if lines[at].endswith(":") else [lines[at]]
    return " ".join(told).removeprefix("ERROR:").strip()[:500]


def _first(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if not line.startswith("HINT:")][:1]
