"""The command line. It runs everything in this process and needs no server.

Results go to standard output, progress and errors to standard error. Exit codes: 0 met or done, 1 missed or
failed, 2 usage or plan error, 3 inconclusive, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from flows.commands import (
    clean,
    damage,
    deciding,
    demo,
    evidence,
    exercise,
    init,
    keeping,
    leasing,
    look,
    metrics,
    notify,
    people,
    protect,
    switching,
    watching,
)
from flows.terminal.console import Console
from flows.terminal.failure import USAGE_ERROR

HELP = "Disaster-recovery drills that measure what your clients would have seen."

app = typer.Typer(
    name="blackstart",
    help=HELP,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(init.init)
app.command()(look.check)
app.command()(look.status)
app.command()(metrics.metrics)
app.command()(look.schema)
app.command()(protect.backup)
app.command()(protect.replicate)
app.command()(protect.restore_test)
app.command()(protect.upkeep)
app.command("clean-point")(clean.clean_point)
app.command()(exercise.drill)
app.command()(damage.faults)
app.command()(damage.stop)
app.command()(exercise.calibrate)
app.command()(watching.watch)
app.command("hold-lease")(leasing.hold_lease)
app.command()(exercise.failover)
app.command()(deciding.approve)
app.command()(switching.switchover)
app.command()(switching.failback)
app.command()(exercise.recover)
app.command()(evidence.report)
app.command()(evidence.verify)
app.command()(notify.notify)
app.command()(people.note)
app.command()(people.attend)
app.command()(people.sign)
app.command()(people.finding)
app.command()(people.hold)
app.command()(keeping.tabletop)
app.command()(keeping.key)
app.command("rotate-key")(keeping.rotate_key)
app.command()(keeping.upload)
app.command()(keeping.prune)
app.command()(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("blackstart"))
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Disaster-recovery drills that measure what your clients would have seen."""


def main() -> NoReturn:
    """Run the command line; every error ends in a message, a way out and an exit code."""
    from flows.terminal.leaving import leave

    _find_programs_beside_us()
    leave(_exit_code(as_json="--json" in sys.argv))


def _exit_code(*, as_json: bool) -> int:
    try:
        return int(app(standalone_mode=False) or 0)
    except USAGE_ERROR as error:
        from flows.terminal.failure import tell_usage

        return tell_usage(error, as_json=as_json)
    except BrokenPipeError:
        # whoever read our output has had enough; there is nobody left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (KeyboardInterrupt, typer.Abort):
        from flows.terminal.failure import tell_interrupted

        return tell_interrupted(Console(), as_json=as_json)
    except Exception as error:  # noqa: BLE001 - the last line of defence: never a traceback
        from flows.terminal.failure import tell

        return tell(error, Console(), as_json=as_json)


def _find_programs_beside_us() -> None:
    """Without root, restic lies in the virtual environment's own folder; it counts when no other is there."""
    beside = str(Path(sys.executable).parent)
    os.environ["PATH"] = os.pathsep.join(filter(None, [os.environ.get("PATH"), beside]))
