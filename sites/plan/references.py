"""Values that point to something else: to a noun of the same plan, or to where a secret is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from sites.plan.noun import Interpolated, Surroundings, among
from sites.plan.scalars import read_env_name, read_path
from sites.secret import Secret

WAYS = "{file: PATH}, {env: NAME} or {command: [PROGRAM, ...]}"


def _known(*sections: str) -> AfterValidator:
    def check(value: str, info: ValidationInfo) -> str:
        if isinstance(info.context, Surroundings):
            known = frozenset[str]().union(*(info.context.names.get(s, ()) for s in sections))
            if value not in known:
                what = " or ".join(_SINGULAR[s] for s in sections)
                raise ValueError(f'no {what} is named "{value}"; {among(value, known, "known")}')
        return value

    return AfterValidator(check)


_SINGULAR = {
    "sites": "site",
    "repositories": "repository",
    "datasets": "dataset",
    "services": "service",
    "processes": "process",
}


def read_secret(value: object, info: ValidationInfo) -> Secret:
    """A reference to a secret. The value is never quoted in an error: it may be the secret itself."""
    if isinstance(value, Secret):
        return value
    written = value if isinstance(value, dict) else None
    if written is None:
        raise ValueError(f"secret by value; a plan only says where to find a secret: {WAYS}")
    if len(written) != 1 or next(iter(written)) not in _READERS:
        raise ValueError(f"not a reference to a secret; write {WAYS}, and nothing else")
    way, where = next(iter(written.items()))
    return _READERS[way](where, info)


def _secret_file(where: object, info: ValidationInfo) -> Secret:
    return Secret(file=read_path(where, info))


def _secret_env(where: object, info: ValidationInfo) -> Secret:
    del info
    _refuse_variables(where)
    try:
        return Secret(env=read_env_name(where))
    except ValueError:  # which quotes what is perhaps the secret itself
        raise ValueError("not a reference to a secret; {env: NAME} names an environment variable") from None


def _secret_command(where: object, info: ValidationInfo) -> Secret:
    del info
    if not isinstance(where, list) or not where or not all(isinstance(word, str) and word for word in where):
        raise ValueError("the command that prints a secret is a list of words: [PROGRAM, ARGUMENT, ...]")
    _refuse_variables(*where)
    return Secret(command=tuple(where))


def _refuse_variables(*words: object) -> None:
    if any(isinstance(word, Interpolated) for word in words):
        raise ValueError("no variables here: the values of variables are kept as evidence, secrets are not")


_READERS: dict[str, Callable[[object, ValidationInfo], Secret]] = {
    "file": _secret_file,
    "env": _secret_env,
    "command": _secret_command,
}


def _read_key_file(value: object, info: ValidationInfo) -> Secret:
    secret = read_secret(value, info)
    if secret.file is None:
        raise ValueError("the signing key is a file: {file: PATH}")
    return secret


def _read_env_value(value: object, info: ValidationInfo) -> str | Secret:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return read_secret(value, info)
    raise ValueError(f"must be text, or a reference to a secret: {WAYS}")


def _one_way(way: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "required": [way], "properties": {way: schema}}


def _write_reference(value: object) -> object:
    if not isinstance(value, Secret):
        return value
    ways = {"file": value.file and str(value.file), "env": value.env, "command": value.command}
    return {way: where for way, where in ways.items() if where}


_FILE = _one_way("file", {"type": "string", "minLength": 1})
_ENV = _one_way("env", {"type": "string", "minLength": 1})
_COMMAND = _one_way("command", {"type": "array", "items": {"type": "string"}, "minItems": 1})

SiteName = Annotated[str, _known("sites")]
RepositoryName = Annotated[str, _known("repositories")]
DatasetName = Annotated[str, _known("datasets")]
ServiceName = Annotated[str, _known("services")]
ProcessName = Annotated[str, _known("processes")]
Need = Annotated[str, _known("datasets", "services")]
Bystander = Annotated[str, _known("services", "sites")]
Written = PlainSerializer(_write_reference)
SecretRef = Annotated[
    Secret, PlainValidator(read_secret), Written, WithJsonSchema({"oneOf": [_FILE, _ENV, _COMMAND]})
]
KeyFile = Annotated[Secret, PlainValidator(_read_key_file), Written, WithJsonSchema(_FILE)]
EnvValue = Annotated[
    str | Secret,
    PlainValidator(_read_env_value),
    Written,
    WithJsonSchema({"oneOf": [{"type": ["string", "number", "boolean"]}, _FILE, _ENV, _COMMAND]}),
]
