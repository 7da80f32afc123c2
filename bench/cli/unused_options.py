"""Options that were given and have nothing to do: they are refused, in one line."""

from __future__ import annotations

from collections.abc import Collection

import click
from click.core import ParameterSource

from depthbench.errors import InputError

OF_THE_WHOLE = ("--verbose", "--debug")


def given_options() -> list[str]:
    """The parameters of the command that runs which its user gave, as they are written."""
    context = click.get_current_context()
    return [
        _written(parameter)
        for parameter in context.command.params
        if parameter.name
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]


def refuse_unused(options: Collection[str], why: str, *, advice: str = "") -> None:
    """Raise InputError where one of the options, as --split, was given: `why` it would do nothing.

    `advice` is by default to leave them out.
    """
    unused = [option for option in given_options() if option in options]
    if unused:
        them = "it" if len(unused) == 1 else "them"
        raise InputError(
            f"{', '.join(unused)}: nothing to do, since {why}", advice=advice or f"leave {them} out"
        )


def refuse_all_but(options: Collection[str], why: str) -> None:
    """As `refuse_unused`, of every parameter but these and those of all commands."""
    others = [one for one in given_options() if one not in (*options, *OF_THE_WHOLE)]
    refuse_unused(others, why)


def _written(parameter: click.Parameter) -> str:
    """An option's long name; of an argument what its help calls it."""
    if isinstance(parameter, click.Option):
        return max(parameter.opts, key=len)
    return parameter.make_metavar(click.get_current_context()).strip("[].")
