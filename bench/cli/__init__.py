"""The command line: one command a file; the only place that imports click."""

from __future__ import annotations

import errno
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Sequence

import click

from bench.cli import interrupt
from depthbench import cancellation

COMMANDS = (
    "models",
    "complexity",
    "paper",
    "train",
    "export",
    "quantise",
    "eval",
    "check",
    "compile",
    "tune",
    "rpc_tracker",
    "rpc_serve",
    "rpc_measure",
    "phone",
    "compare",
    "diff",
    "profile",
    "report",
    "quickstart",
)
GOOD, FAILED, BAD_INPUT, MISSING, INTERRUPTED = 0, 1, 2, 3, 130
NO_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="depthbench")
@click.option("--debug", is_flag=True, help="Print the traceback of an error.")
@click.pass_obj
def cli(settings: dict[str, bool], debug: bool) -> None:
    """Depth networks from PyTorch to a phone's CPU: compiled, measured, scored.

    Exit codes: 0 good, 1 a gate failed or a result is invalid, 2 wrong use or bad input, 3 a
    tool or device is missing, 130 interrupted.
    """
    settings["debug"] = debug


for name in COMMANDS:
    cli.add_command(importlib.import_module(f"bench.cli.{name}").command)


def main(arguments: Sequence[str] | None = None, command: click.Command = cli) -> None:
    """Run a command line, such as that of a benchmark, and exit with its code."""
    logging.basicConfig(format="%(levelname)s: %(message)s", level=logging.WARNING)
    logging.addLevelName(logging.WARNING, "warning")
    interrupt.install()
    sys.exit(run(arguments, command))


def run(arguments: Sequence[str] | None = None, command: click.Command = cli) -> int:
    """Run one command and return its exit code; every error is one line on stderr."""
    settings = {"debug": False}
    try:
        result = command.main(
            args=arguments, prog_name="depthbench", standalone_mode=False, obj=settings
        )
        cancellation.check()
        return result if isinstance(result, int) else GOOD
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        _say(error.format_message())
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of our output left; keep the interpreter from complaining again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GOOD
    except Exception as error:
        if cancellation.cancelled():
            # An extension module that is interrupted while it loads raises an ImportError.
            _say("interrupted")
            return INTERRUPTED
        if settings["debug"]:
            traceback.print_exc()
        message, code = _explain(error)
        _say(message)
        return code


def _explain(error: Exception) -> tuple[str, int]:
    code = getattr(error, "exit_code", None)
    if isinstance(code, int):
        return str(error), code
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        where = f" while writing {error.filename}" if error.filename else ""
        return f"no space left on the disk{where}: free some and run again", MISSING
    if isinstance(error, PermissionError | IsADirectoryError | NotADirectoryError):
        return f"{error.strerror}: {error.filename}", BAD_INPUT
    kind = type(error).__name__
    return f"internal error, {kind}: {error} (run again with `depthbench --debug`)", FAILED


def _say(message: str) -> None:
    click.echo(f"depthbench: {' '.join(message.split())}", err=True)
