"""The rules of the house, kept by a test: who imports whom, what things are called, how long they get."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("rto_rpo", "sites", "drills", "flows")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
EVERYTHING = sorted(
    path
    for folder in (*ROOMS, "tests", "examples", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in path.parts
)
FILE_LINES_MAX = 300
FUNCTION_LINES_MAX = 70
VAGUE_NAMES = {"utils", "util", "core", "common", "manager", "managers", "helpers", "helper", "misc"}

# Who alone may import what; a trailing * stands for any more letters.
SOLE_IMPORTERS = {
    "prefect": ("flows/*",),
    "subprocess": ("sites/drivers/command.py",),
    "psycopg": ("sites/drivers/postgres*",),
    "apprise": ("sites/drivers/messages.py",),
    "docker": ("sites/drivers/containers/daemon.py",),
    "boto3": ("sites/drivers/s3*", "sites/drivers/route53*"),
}
# What starts a program without `subprocess`.
STARTERS = re.compile(r"\bos\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*|fork\w*)\(|\bcreate_subprocess_")
MAY_START = {"sites/drivers/command.py", "sites/drivers/processes/supervisor.py"}
SHOWN = {".py", ".html", ".yaml", ".json", ".css"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|pragma: no cover")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def _lines(path: Path) -> tuple[str, ...]:
    return tuple(path.read_text(encoding="utf-8").splitlines())


@functools.cache
def _nodes(path: Path) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse("\n".join(_lines(path)), str(path))))


def _functions(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name and source lines of every function."""
    for node in _nodes(path):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, _lines(path)[node.lineno - 1 : node.end_lineno]


@functools.cache
def _imports(path: Path) -> tuple[str, ...]:
    """Every module that a file imports anywhere, also inside functions and for type checking."""
    found: list[str] = []
    for node in _nodes(path):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return tuple(found)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name.startswith(p[:-1]) if p.endswith("*") else name == p for p in patterns)


def test_there_is_something_to_look_at() -> None:
    rooms = {path.relative_to(ROOT).parts[0] for path in SOURCES}
    assert rooms == set(ROOMS)
    assert len(SOURCES) > 100


@pytest.mark.parametrize("module", SOLE_IMPORTERS)
def test_only_its_drivers_import(module: str) -> None:
    strangers = [
        _name(path)
        for path in SOURCES
        if any(found.split(".")[0] == module for found in _imports(path))
        and not _matches(_name(path), SOLE_IMPORTERS[module])
    ]
    assert strangers == []


def test_only_the_command_driver_starts_programs() -> None:
    strangers = [
        _name(path)
        for path in SOURCES
        if STARTERS.search("\n".join(_lines(path))) and _name(path) not in MAY_START
    ]
    assert strangers == []


def test_imports_run_one_way() -> None:
    wrong = [
        f"{_name(path)} imports {found}"
        for path in SOURCES
        for found in _imports(path)
        if found.split(".")[0] in ROOMS
        and ROOMS.index(found.split(".")[0]) > ROOMS.index(path.relative_to(ROOT).parts[0])
    ]
    assert wrong == []


def test_inside_sites_the_drivers_know_nothing_of_protection_and_recovery() -> None:
    wrong = [
        f"{_name(path)} imports {found}"
        for path in SOURCES
        for found in _imports(path)
        if (
            _matches(_name(path), ("sites/plan/*", "sites/estate.py", "sites/drivers/*"))
            and found.startswith(("sites.protection", "sites.recovery"))
        )
        or (_name(path).startswith("sites/protection/") and found.startswith("sites.recovery"))
        or (_name(path).startswith("sites/recovery/") and found.startswith("sites.protection"))
    ]
    assert wrong == []


def test_a_drill_never_imports_a_flow_and_owns_no_failover() -> None:
    drills = [path for path in SOURCES if _name(path).startswith("drills/")]
    assert not [path for path in drills for found in _imports(path) if found.startswith("flows")]
    assert not [path for path in drills if "failover" in path.name]
    assert any(found.startswith("sites.recovery") for path in drills for found in _imports(path))


def test_no_module_has_a_vague_name() -> None:
    named = [path for path in EVERYTHING if path.stem in VAGUE_NAMES or path.parent.name in VAGUE_NAMES]
    assert named == []


def test_no_module_shadows_what_its_neighbours_import() -> None:
    """A file that is run as a program has its folder first on the path, before every package."""
    shadowing = []
    for folder in {path.parent for path in EVERYTHING}:
        here = [path for path in EVERYTHING if path.parent == folder]
        imported = {found.split(".")[0] for path in here for found in _imports(path)} - set(ROOMS)
        outside = imported - ({path.stem for path in here} if "examples" in folder.parts else set())
        shadowing += [_name(path) for path in here if path.stem in outside]
    assert shadowing == []


def test_files_are_short() -> None:
    lengths = {_name(path): len(_lines(path)) for path in SOURCES}
    assert {name: length for name, length in lengths.items() if length > FILE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    lengths = {f"{_name(path)}:{name}": len(lines) for path in SOURCES for name, lines in _functions(path)}
    assert {name: length for name, length in lengths.items() if length > FUNCTION_LINES_MAX} == {}


def test_nothing_is_left_unfinished() -> None:
    found = [
        f"{_name(path)}:{number}: {line.strip()}"
        for path in EVERYTHING
        if path != Path(__file__).resolve()
        for number, line in enumerate(_lines(path), 1)
        if UNFINISHED.search(line)
    ]
    assert found == []


def test_nothing_is_ever_called_by_the_word_that_only_a_regulator_may_use() -> None:
    word = "complian" + "t"
    told = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    shown = [path for room in ROOMS for path in (ROOT / room).rglob("*") if path.suffix in SHOWN]
    assert len(told) > 8
    assert len(shown) > 100
    assert [_name(path) for path in (*told, *shown) if word in path.read_text(encoding="utf-8").lower()] == []


def test_no_exception_is_swallowed() -> None:
    """A bare `except:`, or a handler that does nothing at all, hides what went wrong."""
    swallowed = [
        f"{_name(path)}:{node.lineno}"
        for path in SOURCES
        for node in _nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(_does_nothing(line) for line in node.body))
    ]
    assert swallowed == []


def _does_nothing(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...
    )


def test_every_module_says_what_it_is() -> None:
    silent = [_name(path) for path in SOURCES if not _lines(path) or not _lines(path)[0].startswith('"""')]
    assert silent == []


def test_every_test_asserts() -> None:
    """Directly, by `pytest.raises` or another check of its own file, or by a fixture that checks."""
    checking = re.compile(r"\bassert|pytest\.(raises|fail)|\bcheck_|\bexpect_")
    idle = []
    for path in (path for path in EVERYTHING if path.name.startswith("test_")):
        functions = {name: "\n".join(lines) for name, lines in _functions(path)}
        asserting = {name for name, source in functions.items() if checking.search(source)}
        for name, source in functions.items():
            called = set(re.findall(r"\b(\w+)\(", source))
            if name.startswith("test_") and name not in asserting and not called & asserting:
                idle.append(f"{_name(path)}:{name}")
    assert idle == []


def test_no_test_sleeps_for_long() -> None:
    """Waiting for a condition, yes; for half a second, never. An hour is "for ever", and is cut short."""
    sleeping = [
        f"{_name(path)}:{node.lineno}"
        for path in EVERYTHING
        if "tests" in path.parts
        for node in _nodes(path)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith("sleep")
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, int | float)
        and 0.5 <= node.args[0].value < 3600
    ]
    assert sleeping == []


@pytest.mark.parametrize("lock", sorted(path.name for path in ROOT.glob("requirements*.lock")))
def test_locks_are_pinned_hashed_and_name_no_place(lock: str) -> None:
    """No download address, no index line: where packages come from is the business of who installs them."""
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    entry = re.compile(
        r"[a-z0-9][a-z0-9._-]*(\[[a-z0-9, _-]+\])?==\S+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?"
    )
    assert [line for line in lines if not entry.fullmatch(line)] == []
    names = [number for number, line in enumerate(lines) if not line.startswith(" ")]
    assert len(names) > 0
    assert all(lines[number + 1].startswith("    --hash=") for number in names)


def test_the_locks_hold_what_the_project_asks_for() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = [re.split(r"[\[<>=!~ ]", one)[0].lower() for one in project["project"]["dependencies"]]
    dev = [re.split(r"[\[<>=!~ ]", one)[0].lower() for one in project["dependency-groups"]["dev"]]
    locked = {name: _locked(name) for name in ("requirements.lock", "requirements-dev.lock")}
    assert set(wanted) <= locked["requirements.lock"].keys()
    assert set(wanted) | set(dev) <= locked["requirements-dev.lock"].keys()
    for name, version in locked["requirements.lock"].items():
        assert locked["requirements-dev.lock"].get(name) == version


def _locked(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE))
