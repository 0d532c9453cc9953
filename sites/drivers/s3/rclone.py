"""rclone as a carrier between two buckets, where it is installed: fast, and not taken at its word.

It gets what is safe to hand to it: of one part at the source, so that the ETag is the MD5 of the content and
tells afterwards whether the copy is whole; and with a key that no file system and no list can misread.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from shutil import which

from sites.drivers import command
from sites.drivers.s3.bucket import Bucket
from sites.drivers.s3.listing import Listed
from sites.errors import BlackstartError, CommandError
from sites.object_manifest import is_md5

ONE_PUT_BYTES_MAX = 5 << 30  # what S3 takes in one request
STREAMS = 16
_TAIL_LETTERS = 300
# What rclone writes otherwise or refuses: control characters and its own signs for them, //, /./, a slash at
# an end, spaces around a name.
_DOUBTFUL = re.compile(r"[\x00-\x1f\x7f-\x9f\\\u201b\u2400-\u2421]|//|(^|/)\.{1,2}(/|$)|^/|/$|(^|/) | (/|$)")


def program() -> str | None:
    """The rclone of this machine or of this Python, if there is one."""
    beside = Path(sys.executable).parent / "rclone"
    return str(beside) if beside.exists() else which("rclone")


def may_carry(listed: Listed) -> bool:
    return is_md5(listed.etag) and listed.size <= ONE_PUT_BYTES_MAX and not _DOUBTFUL.search(listed.key)


def carry(
    rclone: str,
    source: Bucket,
    replica: Bucket,
    *,
    keys: Path | None,
    filters: Path | None = None,
    limit_seconds: float,
) -> str | None:
    """Copy the objects that the file `keys` names, one a line; or all, by the rules in `filters`.

    With their metadata; tags it cannot. What it says went wrong is returned, and decides nothing: the
    replica is listed afterwards. Raises MissingProgram and CommandTimeout.
    """
    # Of one remote rclone lets the store itself copy: nothing comes here and goes back, and the store keeps
    # what an object says of itself. Told to carry that too, rclone would say it anew, and add to it.
    one_store = _one_store(source, replica)
    to = "from" if one_store else "to"
    argv = [
        rclone,
        "copy",
        f"from:{source.name}/{source.prefix}",
        f"{to}:{replica.name}/{replica.prefix}",
        "--checksum",
        *([] if one_store else ["--metadata"]),
        "--transfers",
        str(STREAMS),
        "--checkers",
        str(STREAMS),
        "--s3-upload-cutoff",
        "5Gi",
        "--s3-copy-cutoff",  # in one piece, or the copy's ETag is no MD5
        "5Gi",
        "--s3-no-check-bucket",
        "--retries",
        "1",
        "--stats",
        "0",
        "--log-level",
        "ERROR",
    ]
    if keys is not None:
        argv += ["--files-from-raw", str(keys), "--no-traverse", "--no-check-dest"]
    else:
        argv += ["--fast-list", *(["--filter-from", str(filters)] if filters else [])]
    plain = {**_remote("FROM", source), **_remote("TO", replica), "RCLONE_CONFIG": ""}
    # It need not look at what it has put, each object by a request of its own: the listing shows all of it.
    # A copy inside a store looks by the way in which what `keys` names is found, so there it goes on.
    plain |= {"RCLONE_CONFIG_TO_NO_HEAD": "true"}
    plain |= {"RCLONE_CONFIG_FROM_NO_HEAD_OBJECT": "true"} if one_store and keys is None else {}
    secret = {**_keys("FROM", source), **_keys("TO", replica)}
    try:
        command.run(argv, limit_seconds=limit_seconds, env=plain, secret_env=secret)
    except CommandError as error:
        if error.exit_code_of_command is None:
            raise
        return f"rclone: {(error.stderr.strip() or str(error))[-_TAIL_LETTERS:]}"
    return None


def version(rclone: str) -> str:
    """Raises a BlackstartError when it does not say."""
    said = command.run([rclone, "version"], limit_seconds=30.0, env={"RCLONE_CONFIG": ""}).stdout
    found = re.match(r"rclone v(\S+)", said)
    if found is None:
        raise BlackstartError(f"{rclone} does not say which version it is")
    return found[1]


def leave_out(key: str) -> str:
    """The rule of a filter that leaves out just this key."""
    return "- /" + re.sub(r"([\\*?\[\]{}])", r"\\\1", key)


def _one_store(source: Bucket, replica: Bucket) -> bool:
    """Whether the same address and the same keys reach both."""
    return _reached(source) == _reached(replica)


def _reached(bucket: Bucket) -> tuple[str | None, ...]:
    return (bucket.endpoint, bucket.region, bucket.access_key(), bucket.secret_key())


def _remote(name: str, bucket: Bucket) -> dict[str, str]:
    at = f"RCLONE_CONFIG_{name}_"
    told = {
        f"{at}TYPE": "s3",
        f"{at}PROVIDER": "Other" if bucket.endpoint else "AWS",
        f"{at}REGION": bucket.region,
    }
    told |= {f"{at}LIST_VERSION": "2", f"{at}LIST_URL_ENCODE": "true"}
    told |= {f"{at}ENDPOINT": bucket.endpoint} if bucket.endpoint else {}
    return told | ({} if bucket.access_key() else {f"{at}ENV_AUTH": "true"})


def _keys(name: str, bucket: Bucket) -> dict[str, str]:
    at = f"RCLONE_CONFIG_{name}_"
    known = {f"{at}ACCESS_KEY_ID": bucket.access_key(), f"{at}SECRET_ACCESS_KEY": bucket.secret_key()}
    return {name: value for name, value in known.items() if value}
