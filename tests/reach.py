"""What a long proof rests on: the files that its test can reach, and in which state they are.

A proof holds until one of them changes. Followed are imports, also those inside functions; names of modules
in strings, by which processes of ours are started; files that a test or what it imports of the tests names;
and `blackstart`, which is all of flows. What a test outside the rooms reaches (whole stories, examples) is
all of the product, and one of rto_rpo all of its room: they read its sources. Files that are no Python belong
to the room that they lie in.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOMS = ("rto_rpo", "sites", "drills", "flows")
ALWAYS = ("pyproject.toml", "scripts/", "requirements")
_MODULE = re.compile(r"(?:rto_rpo|sites|drills|flows|tests|benchmarks)(?:\.\w+)+")
_COMMAND = re.compile(r"""with_name\("blackstart"\)|bin/blackstart\W""")  # where it is run, not a mere name


def state(root: Path, test: str, blobs: Mapping[str, str]) -> str:
    """Of the test file `test`; `blobs` are the contents' ids of all files that are kept, by path."""
    found = hashlib.sha256()
    for path in sorted(reach(root, test, frozenset(blobs))):
        found.update(f"{path} {blobs[path]}\n".encode())
    return found.hexdigest()[:16]


def reach(root: Path, test: str, paths: frozenset[str]) -> set[str]:
    """The paths that the test file can reach, its own among them."""
    room = test.split("/")[1]
    whole = {"rto_rpo": ["rto_rpo"], "sites": [], "drills": [], "flows": []}.get(room, [*ROOMS, "examples"])
    begin = {test, *_below(paths, *whole)}
    python = _followed(root, begin, paths)
    touched = {path.split("/")[0] for path in python}
    around = [*touched & set(ROOMS), *(["examples"] if "flows" in touched else []), str(Path(test).parent)]
    return {
        *python,
        *(file for path in python for file in _named(root, path, paths)),
        *(path for path in _below(paths, *around) if not path.endswith((".py", ".md"))),
        *(path for path in paths if path.startswith(ALWAYS)),
    }


def _below(paths: frozenset[str], *folders: str) -> Iterator[str]:
    return (path for path in paths if path.startswith(tuple(f"{each}/" for each in folders)))


def _followed(root: Path, begin: set[str], paths: frozenset[str]) -> set[str]:
    found: set[str] = set()
    left = [path for path in begin if path.endswith(".py")]
    while left:
        path = left.pop()
        if path not in found:
            found.add(path)
            left += _around(path, paths)
            left += (file for name in _names(root / path) for file in _files(name, paths))
            left += (file for file in _named(root, path, paths) if file.endswith(".py"))
    return found


def _around(path: str, paths: frozenset[str]) -> Iterator[str]:
    """What is imported with it: its packages, and pytest's own files above it."""
    for folder in Path(path).parents:
        yield from ({f"{folder}/__init__.py", f"{folder}/conftest.py"} & paths)


def _named(root: Path, path: str, paths: frozenset[str]) -> Iterator[str]:
    """What a file of the tests names: a path, or a name that one file alone has. Only tests run others."""
    if not path.startswith("tests/"):
        return
    for text in _strings(root / path):
        held = _by_name(paths).get(text, [])
        file = text if text in paths else held[0] if len(held) == 1 and "." in text else ""
        another = Path(file).name.startswith("test_") and not Path(path).name.startswith("test_")
        if file and not file.endswith(".md") and not another:
            yield file


@cache
def _by_name(paths: frozenset[str]) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {}
    for path in paths:
        held.setdefault(Path(path).name, []).append(path)
    return held


@cache
def _strings(path: Path) -> frozenset[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))


@cache
def _names(path: Path) -> frozenset[str]:
    """The names of modules, or of what is in them, that a file speaks of."""
    source = path.read_text(encoding="utf-8")
    found = {"flows.cli"} if _COMMAND.search(source) else set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _MODULE.fullmatch(node.value):
            found.add(node.value)
    return frozenset(found)


def _files(name: str, paths: frozenset[str]) -> Iterator[str]:
    """The files of the longest beginning of `name` that is a module."""
    parts = name.split(".")
    for count in range(len(parts), 0, -1):
        stem = "/".join(parts[:count])
        if there := {f"{stem}.py", f"{stem}/__init__.py", f"{stem}/__main__.py"} & paths:
            yield from there
            return
