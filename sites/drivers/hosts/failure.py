"""What ssh complained of, as an error with a name and a way out. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from sites.errors import HostDenied, HostError, HostUnreachable, HostUntrusted

SSH_FAILED = 255


@dataclass(frozen=True, slots=True)
class _Sign:
    """Words that ssh or sudo prints, what they mean, and what a person does about it."""

    words: str
    kind: type[HostError]
    hint: str


_KEY_CHANGED = (
    "it was installed anew, or somebody else answers: compare its key's fingerprint by another way "
    "before you replace the line in known_hosts"
)
_KEY_UNKNOWN = "ssh-keyscan shows its key; compare the fingerprint by another way, then add it to known_hosts"
_LET_IN = (
    "`ssh {0} true` must work without a question: the key in authorized_keys there, readable by us alone here"
)
_SUDO = "with `sudo: true` the account needs `NOPASSWD: ALL` in sudoers, for it runs a shell as root"
_NOBODY = "is it on, and do address, port and firewall let ssh through? `ssh {0} true` tells"

# In this order: of several complaints the first is the cause.
_SIGNS = (
    _Sign("REMOTE HOST IDENTIFICATION HAS CHANGED", HostUntrusted, _KEY_CHANGED),
    _Sign("host key is known", HostUntrusted, _KEY_UNKNOWN),
    _Sign("Host key verification failed", HostUntrusted, _KEY_UNKNOWN),
    _Sign("UNPROTECTED PRIVATE KEY", HostDenied, "chmod 600 the key's file"),
    _Sign("Permission denied (", HostDenied, _LET_IN),
    _Sign("Too many authentication failures", HostDenied, _LET_IN),
    _Sign("a password is required", HostDenied, _SUDO),
    _Sign("a terminal is required", HostDenied, _SUDO),
    _Sign("not in the sudoers", HostDenied, _SUDO),
    _Sign("sudo: not found", HostDenied, "install sudo there, or log in as root and leave `sudo` out"),
    _Sign("Could not resolve hostname", HostUnreachable, "the name is not known here; write the address"),
    _Sign("Connection refused", HostUnreachable, _NOBODY),
    _Sign("timed out", HostUnreachable, _NOBODY),
    _Sign("No route to host", HostUnreachable, _NOBODY),
    _Sign("Network is unreachable", HostUnreachable, _NOBODY),
    _Sign("Connection closed", HostUnreachable, _NOBODY),
    _Sign("Connection reset", HostUnreachable, _NOBODY),
    _Sign("not responding", HostUnreachable, _NOBODY),
    _Sign("Broken pipe", HostUnreachable, _NOBODY),
)
_WHAT = {
    HostUntrusted: "its key is not the known one",
    HostDenied: "it does not let us do this",
    HostUnreachable: "it cannot be reached",
    HostError: "ssh failed",
}


def failure(host: str, act: str, address: str, code: int | None, complaint: str) -> HostError:
    """The error for a command that ended without its end mark."""
    sign = next((sign for sign in _SIGNS if sign.words in complaint), None)
    kind = sign.kind if sign else HostError
    lines = [line.strip() for line in complaint.splitlines() if line.strip(" @\r")]
    said = next(
        (line for line in lines if sign and sign.words in line), lines[-1] if lines else f"exit {code}"
    )
    hint = sign.hint.format(address) if sign else f"`ssh {address} true` tells more"
    return kind(f'cannot {act} host "{host}" ({address}): {_WHAT[kind]}: {said}', hint=hint)
