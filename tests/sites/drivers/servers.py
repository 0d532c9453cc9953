"""Real servers for repositories, on loopback: REST and S3 by rclone, SFTP by an sshd of a test's own."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.sites.repositories import wait_until

RCLONE = Path(sys.executable).parent / "rclone"
SSHD = next(
    (
        path
        for path in (
            Path("/usr/sbin/sshd"),
            Path(__file__).resolve().parents[3] / "build/sshd/usr/sbin/sshd",
        )
        if path.exists()
    ),
    None,
)
USER, SECRET = "planted-user", "planted-secret/of:the@server"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


@contextlib.contextmanager
def _running(argv: list[str], port: int, log: Path, **secrets: str) -> Iterator[int]:
    with (
        log.open("wb") as out,
        subprocess.Popen(argv, stdout=out, stderr=out, env={**os.environ, **secrets}) as process,
    ):
        try:
            wait_until(lambda: _listens(port) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield port
        finally:
            process.kill()


@contextlib.contextmanager
def rest_server(root: Path, *more: str) -> Iterator[int]:
    """What restic's own REST server speaks, with a sign-in; `--append-only`: nothing is deleted there."""
    port = free_port()
    argv = [str(RCLONE), "serve", "restic", str(root), "--addr", f"127.0.0.1:{port}", *more]
    secrets = {"RCLONE_USER": USER, "RCLONE_PASS": SECRET, "RCLONE_CONFIG": ""}
    with _running(argv, port, root.parent / "rest.log", **secrets) as at:
        yield at


@contextlib.contextmanager
def s3_server(root: Path) -> Iterator[int]:
    """An S3 endpoint; each folder below `root` is a bucket."""
    port = free_port()
    argv = [str(RCLONE), "serve", "s3", str(root), "--addr", f"127.0.0.1:{port}"]
    secrets = {"RCLONE_AUTH_KEY": f'"{USER},{SECRET}"', "RCLONE_CONFIG": ""}
    with _running(argv, port, root.parent / "s3.log", **secrets) as at:
        yield at


@contextlib.contextmanager
def sftp_server(folder: Path) -> Iterator[dict[str, str]]:
    """An sshd for the user that runs the tests. Yields the options with which restic gets in."""
    assert SSHD is not None
    port = free_port()
    for name in ("host", "client"):
        subprocess.run(
            ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True
        )
    helper = next(
        path
        for path in (
            Path("/usr/lib/openssh/sftp-server"),
            SSHD.parents[1] / "lib/openssh/sftp-server",
        )
        if path.exists()
    )
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/client.pub\n"
        f"StrictModes no\nPidFile none\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp {helper}\n"
    )
    argv = [str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]
    Path("/run/sshd").mkdir(exist_ok=True) if os.geteuid() == 0 else None
    ssh = (
        f"ssh -F none -p {port} -i {folder}/client -o StrictHostKeyChecking=no -o BatchMode=yes "
        f"-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR {getpass.getuser()}@127.0.0.1 -s sftp"
    )
    with _running(argv, port, folder / "sshd.log"):
        yield {"sftp.command": ssh}
