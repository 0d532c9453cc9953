"""A plan file as a tree of text with line numbers: YAML without its surprises.

Every scalar stays the text that was written; what it means is up to the key it stands at. So `no`, `on`,
`12:30`, `007` and `1.10` are what they look like. Tags, merge keys and duplicate keys are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from sites.plan.problem import Place, Problem

DEPTH_MAX = 32
NODES_MAX = 200_000
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_NULL = ("", "~", "null", "Null", "NULL")


@dataclass(slots=True)
class Node:
    """One value. `nodes` counts it and all below, aliases as often as they are used."""

    line: int
    value: str | list[Node] | dict[str, Node] | None = None
    lines: dict[str, int] = field(default_factory=dict)
    nodes: int = 1

    def children(self) -> Iterator[tuple[str | int, Node]]:
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from enumerate(self.value)

    def child(self, step: str | int) -> Node | None:
        if isinstance(self.value, dict):
            return self.value.get(str(step))
        if isinstance(self.value, list) and isinstance(step, int) and step < len(self.value):
            return self.value[step]
        return None

    def locate(self, place: Place) -> int:
        """The line of a place, or of the nearest one above it that exists."""
        node, line = self, self.line
        for step in place:
            child = node.child(step)
            if child is None:
                break
            line = node.lines.get(str(step), child.line) if isinstance(node.value, dict) else child.line
            node = child
        return line


class Unreadable(Exception):
    """Not even the tree can be had."""

    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(line, (), message)


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not come yet. `key` waits for its value."""

    node: Node
    anchor: str | None
    place: Place
    key: Node | None = None


def read_document(text: str) -> tuple[Node, list[Problem]]:
    """The tree of a YAML text, and what is wrong with it but leaves a tree. Raises Unreadable."""
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(
            mark.line + 1 if mark else None, _not_yaml(error.problem, text, mark.line if mark else -1)
        ) from None
    except yaml.YAMLError as error:
        raise Unreadable(None, f"not YAML: {str(error).splitlines()[0]}") from None
    if builder.root is None or builder.root.value is None:
        raise Unreadable(None, 'the plan is empty; it needs at least "name", "environment" and "sites"')
    if not isinstance(builder.root.value, dict):
        raise Unreadable(builder.root.line, 'the plan must be a mapping ("name: ..."), and this is not one')
    return builder.root, builder.problems


def _not_yaml(problem: str | None, text: str, at: int) -> str:
    lines = text.splitlines()
    written = lines[at] if 0 <= at < len(lines) else ""
    hint = '; inside { } and [ ] a "${NAME}" must stand in quotes' if "${" in written else ""
    return f"not YAML: {problem or 'it cannot be parsed'}{hint}"


class _Builder:
    """Builds the tree from parser events, without recursion, so that no file can exhaust the stack."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.AliasEvent):
            self._close(self._alias(str(event.anchor), line), line)
        elif isinstance(event, yaml.NodeEvent):
            self._begin(event, line)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._remember(done.anchor, done.node)
            self._close(done.node, done.node.line)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            raise Unreadable(line, "a plan is one YAML document; another one begins here")

    def _begin(self, event: yaml.NodeEvent, line: int) -> None:
        place = self._place()
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            self.problems.append(Problem(line, place, f'tags such as "{tag}" are not understood here'))
        if isinstance(event, yaml.ScalarEvent):
            if _NO_TEXT.search(event.value):
                raise Unreadable(
                    line, "holds a character that no text may hold (NUL, or half a surrogate pair)"
                )
            null = event.implicit[0] and event.value in _NULL
            node = Node(line, None if null else event.value)
            self._remember(event.anchor, node)
            self._close(node, line)
            return
        if len(self._open) >= DEPTH_MAX:
            raise Unreadable(line, f"nested deeper than {DEPTH_MAX} levels")
        node = Node(line, {} if isinstance(event, yaml.MappingStartEvent) else [])
        self._open.append(_Open(node, event.anchor, place))

    def _alias(self, anchor: str, line: int) -> Node:
        if anchor not in self._anchors:
            raise Unreadable(line, f"*{anchor} is used, but nothing before it is marked &{anchor}")
        return self._anchors[anchor]

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _place(self) -> Place:
        if not self._open:
            return ()
        parent = self._open[-1]
        if isinstance(parent.node.value, list):
            return (*parent.place, len(parent.node.value))
        named = parent.key is not None and isinstance(parent.key.value, str)
        return (*parent.place, str(parent.key.value)) if named and parent.key else parent.place

    def _close(self, node: Node, line: int) -> None:
        """Put a finished node where it belongs."""
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node.value, list):
            parent.node.value.append(node)
            self._count(parent.node, node, line)
        elif parent.key is None:
            parent.key = Node(line, node.value, nodes=node.nodes)
        else:
            self._put(parent, parent.key, node)
            self._count(parent.node, node, line)
            parent.key = None

    def _count(self, parent: Node, child: Node, line: int) -> None:
        parent.nodes += child.nodes
        if parent.nodes > NODES_MAX:
            raise Unreadable(line, f"more than {NODES_MAX} values once its aliases are written out")

    def _put(self, parent: _Open, key: Node, node: Node) -> None:
        entries = parent.node.value
        if not isinstance(key.value, str) or not isinstance(entries, dict):
            self.problems.append(Problem(key.line, parent.place, "a key must be text"))
        elif key.value == "<<":
            self.problems.append(Problem(key.line, parent.place, 'merge keys ("<<") are not understood here'))
        elif key.value in entries:
            first = parent.node.lines[key.value]
            place = (*parent.place, key.value)
            self.problems.append(
                Problem(key.line, place, f"duplicate key; it stands on line {first} already")
            )
        else:
            entries[key.value] = node
            parent.node.lines[key.value] = key.line
