"""The judge with one word of its source changed, loaded beside the real one."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

import yaml

import rto_rpo
from tests.rto_rpo.golden import Judge

ROOT = Path(rto_rpo.__file__).parent
# Shapes and nouns are shared with the tests, which hold results and errors against them.
_SHARED = {"errors", "records", "measurement", "objective", "durable"}


def listed(name: str) -> list[tuple[str, str, str]]:
    """What a list beside this file holds, by file of the judge: (file, one thing, another)."""
    found = yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return [(file, one, other) for file, pairs in found.items() for one, other in pairs]


def name_of(file: str) -> str:
    """The module in a file below rto_rpo, such as "ledger/reader.py"."""
    return "rto_rpo." + file.removesuffix(".py").replace("/", ".")


def load(sources: dict[str, str]) -> Judge:
    """Import the judge anew, with these sources (by file below rto_rpo) in the place of its own."""
    finder = _Finder({name_of(file): source for file, source in sources.items()})
    kept = {name: module for name, module in sys.modules.items() if _is_judge(name)}
    for name in kept:
        del sys.modules[name]
    sys.meta_path.insert(0, finder)
    try:
        names = ("rto_rpo.ledger.reader", "rto_rpo.measure", "rto_rpo.verdict")
        return Judge(*(importlib.import_module(name) for name in names))
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _is_judge(name)]:
            del sys.modules[name]
        for name, module in kept.items():
            sys.modules[name] = module
            parent, _, child = name.rpartition(".")
            setattr(sys.modules[parent], child, module)


def _is_judge(name: str) -> bool:
    parts = name.split(".")
    deep = len(parts) == 2 or (len(parts) == 3 and parts[1] == "ledger")
    return parts[0] == "rto_rpo" and deep and parts[-1] not in _SHARED | {"ledger", "report", "evidence"}


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, sources: dict[str, str]) -> None:
        self._sources = sources

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in self._sources:
            return None
        file = str(ROOT.parent / (fullname.replace(".", "/") + ".py"))
        loader = _Loader(fullname, file, self._sources[fullname])
        return importlib.util.spec_from_file_location(fullname, file, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._source = source

    def get_code(self, _fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)
