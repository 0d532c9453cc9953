"""`python -m drills.recorder CONFIG.json` : record until told, or left alone. Listens beside CONFIG."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sys
from pathlib import Path

from drills.recorder.config import LOG_NAME, SOCKET_NAME, RecorderConfig
from drills.recorder.desk import Desk
from drills.recorder.precise import precise_loop
from drills.recorder.process import Recorder
from drills.recorder.pulse import quiet_collector
from rto_rpo.evidence.keeping.run_folder import hold

_NICENESS = -20
_SWITCH_SECONDS = 0.001
_LAST_WORDS_SECONDS = 5.0


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python -m drills.recorder CONFIG.json")
    told = Path(sys.argv[1])
    config = RecorderConfig.model_validate_json(told.read_text(encoding="utf-8"))
    hold(config.folder)  # until we end: whoever recovers sees that the run is still being written
    _make_room(config)
    _come_first()
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        runner.run(_record(config, told.with_name(SOCKET_NAME)))
    _leave(told.parent)


async def _record(config: RecorderConfig, socket: Path) -> None:
    recorder = Recorder(config)
    desk = Desk(recorder)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: loop.create_task(recorder.finish("aborted")))
    server = await desk.open(socket)
    quiet_collector()
    try:
        await recorder.run()
        server.close()
        await desk.last_words(_LAST_WORDS_SECONDS)
    finally:
        socket.unlink(missing_ok=True)


def _leave(room: Path) -> None:
    """Leave nothing behind where the orchestrator put us, unless there is something to read."""
    log = room / LOG_NAME
    with contextlib.suppress(OSError):
        if log.stat().st_size == 0:
            log.unlink()
            room.rmdir()


def _make_room(config: RecorderConfig) -> None:
    """Raise the number of open files as far as it goes, and refuse what cannot be done with it."""
    needed = 64 + sum(stream.files_max for stream in config.streams)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if needed > most:
        sys.exit(
            f"the streams need up to {needed} open files, {most} are allowed\n"
            "hint: `ulimit -n`, a lower rate or a shorter limit"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _come_first() -> None:
    """Be scheduled before what is measured, where we may: a recorder that waits for a core voids the run.

    On two cores with ten busy processes and 100 operations a second the longest lag was 10 ms like this,
    50 ms at half the niceness, and 45 ms in real time, from which newer kernels take time for the others.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
    with contextlib.suppress(OSError):  # sessions share cores as groups where the kernel does that
        Path("/proc/self/autogroup").write_text(str(_NICENESS), encoding="ascii")


if __name__ == "__main__":
    main()
