"""The command line: one command a file; the only place that imports click."""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from bench.cli import interrupt
from bench.cli.command_groups import HELP, LazyGroup, Settings, settings_options
from depthbench import cancellation
from depthbench.errors import DepthbenchError

GOOD, FAILED, BAD_INPUT, MISSING, INTERRUPTED = 0, 1, 2, 3, 130
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
UNFIT_PLACE = {
    errno.EACCES,
    errno.EPERM,
    errno.EISDIR,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.EROFS,
    errno.ENAMETOOLONG,
}


@click.group(cls=LazyGroup, context_settings=HELP, params=settings_options())
@click.version_option(package_name="depthbench")
def cli() -> None:
    """Depth networks from PyTorch to a phone's CPU: compiled, measured, scored.

    Begin with `depthbench quickstart`; `depthbench COMMAND --help` says more of each.

    Exit codes: 0 good, 1 a gate failed or a result is invalid, 2 wrong use or bad input, 3 a
    tool or device is missing, 130 interrupted.
    """


def main(arguments: Sequence[str] | None = None, command: click.Command = cli) -> None:
    """Run a command line, such as that of a benchmark, and exit with its code."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    logging.addLevelName(logging.WARNING, "warning")
    logging.addLevelName(logging.INFO, "info")
    interrupt.install()
    sys.exit(run(arguments, command))


def run(arguments: Sequence[str] | None = None, command: click.Command = cli) -> int:
    """Run one command and return its exit code; every error is one line on stderr."""
    settings = Settings()
    try:
        result = command.main(
            args=arguments, prog_name="depthbench", standalone_mode=False, obj=settings
        )
        cancellation.check()
        return result if isinstance(result, int) else GOOD
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left; keep the interpreter from complaining again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except Exception as error:
        if cancellation.cancelled():
            # An extension module that is interrupted while it loads raises an ImportError.
            _say("interrupted")
            return INTERRUPTED
        if settings.debug:
            traceback.print_exc()
        message, code = _explain(error)
        _say(message)
        return code


def _explain(error: Exception) -> tuple[str, int]:
    if isinstance(error, DepthbenchError):
        advice = f"; {error.advice}" if error.advice else ""
        return f"{error.message}{advice}", error.exit_code
    if isinstance(error, click.ClickException):
        return error.format_message(), BAD_INPUT
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        where = f" while writing {error.filename}" if error.filename else ""
        return f"no space left on the disk{where}; free some and run again", MISSING
    if isinstance(error, OSError) and error.errno in UNFIT_PLACE:
        return f"{error.filename}: {error.strerror}; put it right or choose another", BAD_INPUT
    kind = type(error).__name__
    return f"internal error, {kind}: {error} (run again with --debug)", FAILED


def _say(message: str) -> None:
    click.echo(f"depthbench: {' '.join(message.split())}", err=True)
