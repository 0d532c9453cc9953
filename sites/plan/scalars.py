"""The small values of a plan: lengths of time, rates, names, paths, addresses, schedules."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from rto_rpo.objective import Duration, parse_duration
from sites.plan.noun import folder_of

DURATION_MAX = parse_duration("100y")
RATE_MAX = 10_000.0
_PER = {"s": 1.0, "m": 60.0, "h": 3600.0}
_RATE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?/ ?([smh])")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REMOTE = re.compile(r"(s3|sftp|rest|rclone|swift|azure|gs|b2):")
_BIT_RATE = re.compile(r"([0-9]{1,6})(kbit|mbit|gbit)")
_BITS = {"kbit": 1000, "mbit": 1000_000, "gbit": 1000_000_000}
_CRON = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_CRON_ITEM = re.compile(r"(?:\*|([0-9]{1,2})(?:-([0-9]{1,2}))?)(?:/([0-9]{1,2}))?")


@dataclass(frozen=True, slots=True)
class Rate:
    """So many operations a second: one every `interval_ns`."""

    per_second: float

    @property
    def interval_ns(self) -> int:
        return round(1e9 / self.per_second)

    def __str__(self) -> str:
        return f"{self.per_second:g}/s"


def _read_duration(value: object) -> Duration:
    if isinstance(value, Duration):
        return value
    if isinstance(value, str) and value.startswith("-"):
        raise ValueError(f'"{value}" is negative; a length of time is "0s" or more')
    duration = parse_duration(value)
    if duration > DURATION_MAX:
        raise ValueError(f'"{value}" is longer than {DURATION_MAX}')
    return duration


def _read_positive_duration(value: object) -> Duration:
    duration = _read_duration(value)
    if not duration.ns:
        raise ValueError(f'"{value}" is no time at all; write a length above zero')
    return duration


def _read_rate(value: object) -> Rate:
    if isinstance(value, Rate):
        return value
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{value!r} is not a rate; write so many per second, minute or hour: "100/s"')
    per_second = float(found[1]) / _PER[found[2]]
    if not 0 < per_second <= RATE_MAX:
        raise ValueError(f'"{value}" is out of range; a rate is above 0 and at most {RATE_MAX:g}/s')
    return Rate(per_second)


def _read_rate_or_max(value: object) -> Rate | Literal["max"]:
    return "max" if value == "max" else _read_rate(value)


def _read_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(
            f"{value!r} is not a name; a name is 1 to 63 of a-z, 0-9, - and _, the first a letter or digit"
        )
    return value


def read_env_name(value: object) -> str:
    if not isinstance(value, str) or not _ENV_NAME.fullmatch(value):
        raise ValueError(f"{value!r} is not the name of an environment variable (A-Z, a-z, 0-9, _)")
    return value


def read_path(value: object, info: ValidationInfo) -> Path:
    """An absolute path; a relative one is relative to the plan file."""
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value):
        raise ValueError("must be a path")
    if str(value).startswith("~"):
        raise ValueError(f'"{value}": "~" is not understood here; write "${{HOME}}"')
    return Path(os.path.normpath(folder_of(info) / value))


def _read_repository_url(value: str, info: ValidationInfo) -> str:
    return value if _REMOTE.match(value) else str(read_path(value.removeprefix("local:"), info))


def _read_http_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(f'"{value}" is not an address: {error}') from None
    wrong_port = port is not None and port < 1
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.query
        or parts.fragment
        or wrong_port
    ):
        raise ValueError(f'"{value}" is not an address; write "http://HOST:PORT"')
    return value.rstrip("/")


def _read_host_port(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not host.strip("[]") or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65536:
        raise ValueError(f'"{value}" is not an address; write "HOST:PORT"')
    return value


@dataclass(frozen=True, slots=True)
class Bits:
    """So many bits a second, as a plan writes them."""

    text: str
    per_second: int

    def __str__(self) -> str:
        return self.text


def _read_bit_rate(value: object) -> Bits:
    if isinstance(value, Bits):
        return value
    found = _BIT_RATE.fullmatch(value) if isinstance(value, str) else None
    if found is None or not int(found[1]):
        raise ValueError(f'{value!r} is no rate of bits; write "64kbit", "1mbit" or "1gbit", for each second')
    return Bits(str(value), int(found[1]) * _BITS[found[2]])


def _read_inner_path(value: object) -> PurePosixPath:
    path = PurePosixPath(os.path.normpath(value)) if isinstance(value, str | PurePosixPath) else None
    if path is None or not path.is_absolute() or "\0" in str(path) or len(path.parts) < 2:
        raise ValueError(f'"{value}" is not an absolute path below "/"')
    return path


def _read_wired(value: object) -> IPv4Address:
    try:
        address = IPv4Address(str(value))
    except AddressValueError:
        address = None
    if address is None or int(address) % 4 != 2:
        raise ValueError(
            f'"{value}" is no end of a wire; write the third of four IPv4 addresses, such as "198.18.0.2"'
        )
    return address


def _read_url_path(value: str) -> str:
    if not value.startswith("/") or any(ord(letter) <= 32 for letter in value):
        raise ValueError(f'{value!r} is not the path of a URL; it starts with "/" and has no spaces')
    return value


def _read_schedule(value: str) -> str:
    fields = value.split()
    if len(fields) != len(_CRON):
        raise ValueError(
            f'"{value}" is not a schedule; write minute, hour, day, month and weekday as in cron: "0 6 * * 6"'
        )
    for text, (name, low, high) in zip(fields, _CRON, strict=True):
        if not all(_fits_cron(item, low, high) for item in text.split(",")):
            raise ValueError(
                f'"{value}": "{text}" is no {name}; write *, {low} to {high}, a-b, */n or a list'
            )
    return value


def _fits_cron(item: str, low: int, high: int) -> bool:
    found = _CRON_ITEM.fullmatch(item)
    if found is None or (found[3] and not int(found[3])):
        return False
    bounds = [int(found[i]) for i in (1, 2) if found[i]]
    return all(low <= bound <= high for bound in bounds) and bounds == sorted(bounds)


_DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d|w|y) ?)+$",
    "examples": ["30s"],
}
_RATE_SCHEMA = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)? ?/ ?[smh]$", "examples": ["100/s"]}

Span = Annotated[
    Duration, PlainValidator(_read_duration), PlainSerializer(str), WithJsonSchema(_DURATION_SCHEMA)
]
PositiveSpan = Annotated[
    Duration, PlainValidator(_read_positive_duration), PlainSerializer(str), WithJsonSchema(_DURATION_SCHEMA)
]
Frequency = Annotated[Rate, PlainValidator(_read_rate), PlainSerializer(str), WithJsonSchema(_RATE_SCHEMA)]
FrequencyOrMax = Annotated[
    Rate | Literal["max"],
    PlainValidator(_read_rate_or_max),
    PlainSerializer(str),
    WithJsonSchema({"anyOf": [_RATE_SCHEMA, {"type": "string", "enum": ["max"]}]}),
]
Name = Annotated[str, AfterValidator(_read_name), Field(json_schema_extra={"pattern": f"^{_NAME.pattern}$"})]
EnvName = Annotated[str, AfterValidator(read_env_name)]
Location = Annotated[
    Path, PlainValidator(read_path), PlainSerializer(str), WithJsonSchema({"type": "string", "minLength": 1})
]
BitRate = Annotated[
    Bits,
    PlainValidator(_read_bit_rate),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": f"^{_BIT_RATE.pattern}$"}),
]
Share = Annotated[float, Field(ge=0, le=100)]
InnerPath = Annotated[
    PurePosixPath,
    PlainValidator(_read_inner_path),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": "^/."}),
]
WiredAddress = Annotated[
    IPv4Address,
    PlainValidator(_read_wired),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "format": "ipv4"}),
]
RepositoryUrl = Annotated[str, AfterValidator(_read_repository_url)]
HttpAddress = Annotated[str, AfterValidator(_read_http_address)]
UrlPath = Annotated[str, AfterValidator(_read_url_path)]
Schedule = Annotated[str, AfterValidator(_read_schedule)]
Text = Annotated[
    str, Field(min_length=1), WithJsonSchema({"type": ["string", "number", "boolean"], "minLength": 1})
]
Port = Annotated[int, Field(ge=1, le=65535)]
HostPort = Annotated[str, AfterValidator(_read_host_port)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
PayloadSize = Annotated[int, Field(ge=8, le=65536)]
Command = Annotated[tuple[Text, ...], Field(min_length=1)]
