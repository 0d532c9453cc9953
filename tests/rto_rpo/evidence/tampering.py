"""One thing done to a folder of evidence by somebody's hand, and undone again."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rto_rpo.evidence.lines.line import split
from tests.rto_rpo.evidence.folders import folders

# What lies there and is empty is the lock: there is no byte of it to change.
LOCK = "chain.lock"


def files(root: Path) -> list[Path]:
    return [path for path in sorted(root.rglob("*")) if path.is_file() and path.name != LOCK]


@contextmanager
def flipped(path: Path, place: int, mask: int) -> Iterator[None]:
    """One byte is another one."""
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ mask]))
    try:
        yield
    finally:
        with path.open("r+b") as file:
            file.seek(place)
            file.write(byte)


@contextmanager
def cut(path: Path, length: int) -> Iterator[None]:
    with path.open("r+b") as file:
        file.seek(length)
        rest = file.read()
        file.truncate(length)
    try:
        yield
    finally:
        with path.open("ab") as file:
            file.write(rest)


@contextmanager
def gone(path: Path) -> Iterator[None]:
    """A file or a run's folder is deleted."""
    aside = path.parent.parent / f"aside-{path.name}" if path.is_dir() else path.parents[2] / "aside"
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@contextmanager
def swapped(one: Path, other: Path) -> Iterator[None]:
    """Two runs, or two files of the same name, have changed places."""
    _exchange(one, other)
    try:
        yield
    finally:
        _exchange(one, other)


def _exchange(one: Path, other: Path) -> None:
    between = one.with_name("between")
    one.rename(between)
    other.rename(one)
    between.rename(other)


@contextmanager
def copied(one: Path, other: Path) -> Iterator[None]:
    """A run is put in the place of another one, or beside all."""
    with gone(other) if other.exists() else _nothing():
        shutil.copytree(one, other)
        try:
            yield
        finally:
            shutil.rmtree(other)


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def without_tail(root: Path) -> Iterator[None]:
    """The newest run is gone, with all that the chain says of it: nothing that is left contradicts that."""
    chain = root / "chain.jsonl"
    content, newest = chain.read_bytes(), folders(root)[-1]
    first = next(at for at, raw in enumerate(split(content)) if newest.name.encode() in raw)
    with gone(newest):
        chain.write_bytes(b"".join(split(content)[:first]))
        try:
            yield
        finally:
            chain.write_bytes(content)


def at_random(root: Path, chance: random.Random) -> tuple[str, Callable[[], object]]:
    """What is going to be done, in words, and what does it."""
    runs, all_files = folders(root), files(root)
    path = chance.choice(all_files)
    size = path.stat().st_size
    one, other = chance.sample(runs, 2)
    place, mask, length = chance.randrange(size), chance.randrange(1, 256), chance.randrange(size)
    beside = root / f"2026-12-01T060000Z-kill-primary-{chance.getrandbits(32):08x}"
    same = chance.choice([file.name for file in files(one)])
    acts: dict[str, Callable[[], object]] = {
        f"byte {place} of {path.name} ^ {mask}": lambda: flipped(path, place, mask),
        f"{path.name} cut at {length}": lambda: cut(path, length),
        f"{same} of {one.name} deleted": lambda: gone(one / same),
        f"{one.name} deleted": lambda: gone(one),
        f"{one.name} and {other.name} swapped": lambda: swapped(one, other),
        f"{one.name} copied over {other.name}": lambda: copied(one, other),
        f"{one.name} copied to {beside.name}": lambda: copied(one, beside),
        "the newest run deleted with its lines": lambda: without_tail(root),
    }
    if (other / same).is_file() and (one / same).read_bytes() != (other / same).read_bytes():
        acts[f"{same} of {one.name} and {other.name} swapped"] = lambda: swapped(one / same, other / same)
    weights = [40, 30, *[5] * (len(acts) - 2)]
    what = chance.choices(list(acts), weights)[0]
    return what, acts[what]
