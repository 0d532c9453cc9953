"""Make a server on a host the standby of the one that is the primary now, as `postgres/rejoin.py` does here.

Everything is done by the account that owns the data. Passwords travel on the connection's standard input and
stay in files that only that account can read.
"""

from __future__ import annotations

import shlex
from pathlib import Path, PurePosixPath

from sites.drivers.hosts.host import Host
from sites.drivers.masking import register_secret
from sites.drivers.postgres.configuration import Upstream, passfile_line, upstream_file
from sites.drivers.postgres.control import Control, control_of, log_position
from sites.drivers.postgres.rejoin import Rejoined, Replicator, Source, conninfo
from sites.errors import DatasetError

_SCRIPT = (Path(__file__).parent / "rejoin.sh").read_text(encoding="utf-8")
_ASK_SECONDS = 30.0
_END = "END_OF_REJOIN"
_WAITS_FOR_NOBODY = "synchronous_standby_names = ''\n"


class HostRejoining:
    """For one server, `name` to its upstream. It must not run meanwhile. `owner` is whose its data is."""

    def __init__(
        self, name: str, host: Host, data: PurePosixPath, owner: str, replicator: Replicator
    ) -> None:
        register_secret(replicator.password)
        self.name = name
        self._host = host
        self._data = data
        self._owner = owner
        self._replicator = replicator

    def control(self) -> Control:
        return control_of("\n".join(self._act("read the control file of", "control", _ASK_SECONDS)))

    def half_made(self) -> bool:
        """Whether making it a standby was cut off. Raises DatasetError, HostError."""
        return self._act("look at", "half_made", _ASK_SECONDS) == ["half made"]

    def prepare(self, source: Source, *, limit_seconds: float) -> Rejoined:
        """The folder becomes that of a standby of `source`, ready to start. Raises DatasetError, HostError.

        May be done again after a crash.
        """
        cut_off = self._act("keep the configuration of", "begin", _ASK_SECONDS) == ["cut off"]
        why = "an earlier rejoining was cut off" if cut_off else ""
        done = None if cut_off else self._rewound(source, limit_seconds)
        if isinstance(done, str):
            why, done = done, None
        if done is None:
            self._copy(source, limit_seconds)
            done = Rejoined("copied anew", why)
        self._finish(source)
        return done

    def _rewound(self, source: Source, limit_seconds: float) -> Rejoined | str:
        """How it went; in words, why what is there now is of no use."""
        secret = passfile_line(source.login.password)
        line = f"rewind {shlex.quote(conninfo(source.login, self.name))}"
        try:
            said = self._act("rewind", line, limit_seconds, secret)
            begins = next((log_position(s.split()[1]) for s in said if s.startswith("begins ")), None)
            if begins is None:
                begins = self.control().redo
        except DatasetError as error:
            return str(error)
        if begins < source.oldest:
            return "the primary does not have the changes any more that it lacks"
        return Rejoined(said[0])

    def _copy(self, source: Source, limit_seconds: float) -> None:
        at = source.login
        words = shlex.join([at.host, str(at.port), self._replicator.user, source.slot])
        self._act("copy", f"copy {words}", limit_seconds, passfile_line(self._replicator.password))

    def _finish(self, source: Source) -> None:
        at, passfile = source.login, f"{self._data}.passfile"
        upstream = Upstream(at.host, at.port, self._replicator.user, source.slot, passfile)
        text = upstream_file(self.name, upstream) + _WAITS_FOR_NOBODY
        line = f"finish {shlex.quote(text)}"
        self._act("finish", line, _ASK_SECONDS, passfile_line(self._replicator.password))

    def _act(self, act: str, line: str, limit_seconds: float, secret: str = "") -> list[str]:
        """What the owner's shell says. Raises DatasetError with what its programs complained of."""
        known = f"data={shlex.quote(str(self._data))} secret_text={shlex.quote(secret)}"
        owner = shlex.quote(self._owner)
        become = f'if [ "$(id -un)" = {owner} ]; then set --; else set -- runuser -u {owner} --; fi'
        text = f"{become}\n\"$@\" /bin/sh -s <<'{_END}'\n{known}\n{_SCRIPT}\n{line}\n{_END}"
        said = self._host.run(f"{act} {self._data} at", text, limit_seconds=limit_seconds)
        failed = [each.removeprefix("failed ") for each in said if each.startswith("failed ")]
        if failed or not said:
            why = failed[0] if failed else "its shell said nothing"
            raise DatasetError(f'cannot {act} {self._data} on host "{self._host.name}": {why}')
        return said
