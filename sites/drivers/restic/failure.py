"""A failed restic call as a named error: by exit code where the version has one, else by restic's words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sites.drivers.restic.results import json_lines
from sites.drivers.restic.version import Capabilities, Failure
from sites.errors import (
    CommandError,
    CommandTimeout,
    MissingSource,
    NoRepository,
    RepositoryDamaged,
    RepositoryError,
    RepositoryLocked,
    WrongPassword,
)

_Words = tuple[tuple[re.Pattern[str], type[RepositoryError], str], ...]

_AWAY = "it cannot be reached"
_UNREACHABLE = re.compile(
    r"connection refused|no route to host|i/o timeout|no such host|network is unreachable", re.IGNORECASE
)

# First match wins: a full disk, for one, makes damage of everything after it.
_WORDS: _Words = tuple(
    (re.compile(words), kind, reason)
    for words, kind, reason in (
        (r"no space left on device", RepositoryError, "no space is left on a disk"),
        (r"wrong password or no key found", WrongPassword, "wrong password, or no key fits it"),
        (r"already locked|unable to create lock", RepositoryLocked, "it is locked"),
        (r"(target|source) directories/files do not exist", MissingSource, "nothing to back up is there"),
        (r"config file already exists|already initialized", RepositoryError, "there is one already"),
        (_UNREACHABLE.pattern, RepositoryError, _AWAY),
        (r"repository does not exist", NoRepository, "there is none"),
        (
            r"unable to open (config file|repository).*(no such file|not exist|not a dir|not found|404)",
            NoRepository,
            "there is none",
        ),
        (
            "|".join(
                (
                    "ciphertext verification failed",
                    "invalid data returned",
                    "not found in (repository|index)",
                    "ID does not match",
                    "repository contains errors",
                    "Unmarshal",
                    "StreamPack",
                    "hash mismatch",
                    "wrong hash",
                    "is damaged",
                    "unexpected EOF",
                    "file is too short",
                    r"ReadFull\(<data/.*(no such file or directory|EOF)",
                    "pack [0-9a-f]{8,}.* does not exist",
                    "unexpected (pack )?size",
                    "could not load snapshot",
                    "failed to load (index|snapshot)",
                )
            ),
            RepositoryDamaged,
            "it is damaged",
        ),
    )
)
_BY_CODE: dict[Failure, tuple[type[RepositoryError], str]] = {
    "no_repository": (NoRepository, "there is none"),
    "locked": (RepositoryLocked, "it is locked"),
    "wrong_password": (WrongPassword, "wrong password, or no key fits it"),
    "interrupted": (RepositoryError, "it was interrupted"),
}
_HINTS: dict[type[RepositoryError], str] = {
    NoRepository: "a first backup or replication makes it; if it was there before, find out where it went",
    WrongPassword: "compare the secret that the plan refers to with the one the repository was made with",
    RepositoryDamaged: "`restic check --read-data` names what is broken; restore from another copy",
}
# A local pack that is not there, or is too short, does not come back; before 0.17 restic tries on.
_HOPELESS = re.compile(
    r"Load\(<(?P<what>\w+/\w+)>.*"
    r"(?:returned error, retrying.*: .*(?:no such file or directory|(?:unexpected )?EOF)"
    r"|failed: .*(?:no such file or directory|file is too short|(?:unexpected )?EOF))"
)


def named(error: CommandError, able: Capabilities, act: str, repository: str) -> RepositoryError:
    """The error to raise for `error`. `act` reads on from "cannot", as in "back up /srv/data"."""
    if isinstance(error, CommandTimeout):
        away = f"{_AWAY}; " if _UNREACHABLE.search(f"{error.stderr}\n{error.stdout}") else ""
        return RepositoryError(f'cannot {act}: repository "{repository}": {away}{error}')
    code = error.exit_code_of_command
    kind, reason = _reason(code, f"{error.stderr}\n{error.stdout}", able)
    last = last_words(error.stderr)
    said = f": {last}" if last else ""
    ended = f"restic exit {code}" if code is None or code >= 0 else f"restic was killed by signal {-code}"
    return kind(f'cannot {act}: repository "{repository}": {reason} ({ended}){said}', hint=_HINTS.get(kind))


def hopeless(line: str) -> str | None:
    """What is gone for good, when a line of restic's says that it tries to load that again."""
    found = _HOPELESS.search(line)
    return found["what"] if found else None


def last_words(stderr: str) -> str:
    """The line that says most: the `Fatal:` one, or else the last; of a restore's errors the first."""
    lines = [str(m["message"]) for m in json_lines(stderr) if m.get("message_type") == "exit_error"]
    lines = lines or [line.strip() for line in stderr.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith("Fatal:")]
    chosen = (fatal or lines or [""])[-1]
    if "There were" in chosen:  # it only counts them
        chosen = next((line for line in _of_files(stderr)), chosen)
    return chosen.removeprefix("Fatal:").strip()[:500]


def _of_files(stderr: str) -> Iterator[str]:
    """What a restore said of single files: in text before 0.17.1, since then as JSON."""
    yield from (line.strip() for line in stderr.splitlines() if line.startswith("ignoring error for"))
    for message in json_lines(stderr):
        if message.get("message_type") == "error" and isinstance(message.get("error"), dict):
            yield f"{message.get('item', 'something')}: {message['error'].get('message', 'failed')}"


def _reason(code: int | None, said: str, able: Capabilities) -> tuple[type[RepositoryError], str]:
    failure = able.failure(code)
    if failure in _BY_CODE:
        return _BY_CODE[failure]
    for words, kind, reason in _WORDS:
        if words.search(said):
            return kind, reason
    return RepositoryError, "restic failed"
