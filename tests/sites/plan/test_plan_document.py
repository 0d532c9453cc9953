"""The YAML beneath: what is no plan at all, hostile files, and YAML's own surprises."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from sites.plan import Plan, document

Read = Callable[..., Plan]
Refused = Callable[..., list[str]]

# PyYAML comes with libyaml or without: a plan means the same to both
LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if yaml.__with_libyaml__ else [])]
HEAD = "name: a\nenvironment: b\n"
SMALL = f"{HEAD}sites: {{here: {{kind: processes, path: x}}}}\n"
LAUGHS = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 10))


@pytest.fixture(autouse=True, params=LOADERS)
def _each_loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "LOADER", request.param)


EMPTY = ': the plan is empty; it needs at least "name", "environment" and "sites"'
NO_MAPPING = ':1: the plan must be a mapping ("name: ..."), and this is not one'
NO_TEXT = ":1: holds a character that no text may hold (NUL, or half a surrogate pair)"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", EMPTY),
        (b"# a comment\n", EMPTY),
        (b"---\n...\n", EMPTY),
        (b"just words", NO_MAPPING),
        (b"- a\n- b\n", NO_MAPPING),
        (b"name: a\nsites: \xff\xfe", ":2: not UTF-8 text (byte 0xff); is this a plan?"),
        (b"\x7fELF\x02\x01\x01\x00\x80", ":1: not UTF-8 text (byte 0x80); is this a plan?"),
        (b"name: a\n---\nname: b\n", ":2: a plan is one YAML document; another one begins here"),
        (b"name: *a\n", ":1: *a is used, but nothing before it is marked &a"),
        (b"name: &a [*a]\n", ":1: *a is used, but nothing before it is marked &a"),
        (b'name: "a\\0b"\n', NO_TEXT),
        (b"name: " + b"[" * 5000, ":1: nested deeper than 32 levels"),
        (b"x" * (4 * 1024 * 1024 + 1), ": longer than 4194304 bytes; is this a plan?"),
    ],
)
def test_what_is_no_plan_is_refused_in_one_line(refused: Refused, content: bytes, told: str) -> None:
    assert refused(content) == [f"plan.yaml{told}"]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"name: a\nsites: [\n", "plan.yaml:3"),
        (b"name: a\n\tsites: b\n", "plan.yaml:2"),
        (b"name: a\n%: b: c\n", "plan.yaml:2"),
        (b"name: a\n\x00\x01\x02", "plan.yaml"),
    ],
)
def test_what_is_no_yaml_says_where(refused: Refused, content: bytes, place: str) -> None:
    (told,) = refused(content)
    assert told.startswith(f"{place}: not YAML: ")


def test_an_unquoted_variable_in_braces_gets_a_hint(refused: Refused) -> None:
    (told,) = refused("name: a\nsites: {a: {port: ${PORT}}}\n")
    assert told.startswith("plan.yaml:2: not YAML: ")
    assert told.endswith('; inside { } and [ ] a "${NAME}" must stand in quotes')


def test_aliases_that_unfold_without_end_are_refused(refused: Refused) -> None:
    told = refused(f"l0: &l0 [ha]\n{LAUGHS}\n")
    assert len(told) == 1
    assert told[0].endswith(": more than 200000 values once its aliases are written out")


def test_aliases_save_writing(read: Read) -> None:
    sites = "  a: {kind: processes, path: a, fault_domain: &d {region: x}}\n"
    plan = read(f"{HEAD}sites:\n{sites}  b: {{kind: processes, path: b, fault_domain: *d}}\n")
    assert plan.sites["b"].fault_domain == {"region": "x"}


def test_tags_and_merge_keys_are_refused(refused: Refused) -> None:
    told = refused(f"{SMALL}state: !!python/name:x y\nroles:\n  <<: {{owner: {{name: x}}}}\n")
    assert told == [
        'plan.yaml:4: state: tags such as "tag:yaml.org,2002:python/name:x" are not understood here',
        'plan.yaml:6: roles: merge keys ("<<") are not understood here',
    ]


def test_keys_must_be_text(refused: Refused) -> None:
    assert refused(f"{SMALL}? [a]\n: b\n") == ["plan.yaml:4: a key must be text"]


def test_values_are_what_they_look_like(read: Read) -> None:
    plan = read(
        f"{HEAD}sites:\n  a:\n    kind: processes\n    path: x\n    drills: yes\n"
        "    fault_domain: {country: NO, on: off, clock: 12:30, account: 007, version: 1.10, day: 2026-1-2}\n"
    )
    assert plan.sites["a"].drills is True
    assert plan.sites["a"].fault_domain == {
        "country": "NO",
        "on": "off",
        "clock": "12:30",
        "account": "007",
        "version": "1.10",
        "day": "2026-1-2",
    }


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(read: Read) -> None:
    assert read(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()).name == "a"


def test_what_is_told_is_printable_whatever_the_plan_holds(refused: Refused) -> None:
    key, value = refused(f'{SMALL}"\\e[31m\\nred": x\nroles: "\\u202e\\e[0m"\n')
    assert key.startswith("plan.yaml:4: \\x1b[31m\\nred: unknown key; allowed: datasets, drills, ")
    assert value == 'plan.yaml:5: roles: must be a mapping ("key: value"), not "\\u202e\\x1b[0m"'


def test_what_is_told_is_short_whatever_the_plan_holds(refused: Refused) -> None:
    long = "x" * 1000
    told = refused(f"{SMALL}{long}: x\nstate: [{long}]\nroles: {long}\nrepositories: {{{long}: x}}\n")
    assert len(told) == 5
    assert all(len(line) < 900 for line in told)
