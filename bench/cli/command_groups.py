"""The commands by what a person does, each imported when it is called."""

from __future__ import annotations

import importlib
import logging
from dataclasses import dataclass

import click

SECTIONS = {
    "Networks": ("models", "complexity", "paper", "train", "prune", "export", "quantise"),
    "Accuracy": ("eval", "calibrate", "check"),
    "Use": ("predict", "demo"),
    "Compile": ("compile", "tune", "package"),
    "Devices": ("rpc-measure", "phone", "rpc-tracker", "rpc-serve"),
    "Compare": ("cost", "compare", "sweep", "diff", "profile"),
    "Report": ("report", "history", "quickstart"),
}
COMMANDS = tuple(name for names in SECTIONS.values() for name in names)
PACKAGES = ("depthbench", "depthnet", "compile", "android_rpc", "bench")
HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@dataclass
class Settings:
    """What holds for a whole call: `debug` prints tracebacks, `verbose` all progress and logs."""

    debug: bool = False
    verbose: bool = False


class HelpfulGroup(click.Group):
    """A group that prints its help, and succeeds, when it is called with nothing."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Print the help where there are no arguments."""
        if not args and not ctx.resilient_parsing:
            click.echo(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)


class LazyGroup(HelpfulGroup):
    """All commands of `SECTIONS`; every one takes the options of the whole, too."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, by section."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; for an unknown name all of them, since click suggests of these."""
        for name in [cmd_name] if cmd_name in COMMANDS else COMMANDS:
            if name not in self.commands:
                self.commands[name] = _load(name)
        return self.commands.get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One list a section, each command with the first sentence of its help."""
        for section, names in SECTIONS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            rows = [(name, one.get_short_help_str(80)) for name, one in commands.items() if one]
            with formatter.section(section):
                formatter.write_dl(rows)


def settings_options() -> list[click.Option]:
    """-v and --debug, which may stand before the command's name or after it."""

    def take(ctx: click.Context, option: click.Parameter, given: bool) -> None:
        settings = ctx.find_root().ensure_object(Settings)
        if given and option.name:
            setattr(settings, option.name, True)
        if settings.verbose:
            for package in PACKAGES:
                logging.getLogger(package).setLevel(logging.INFO)

    return [
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=take,
            help="Print every step, with the seconds since the start.",
        ),
        click.Option(
            ["--debug"],
            is_flag=True,
            expose_value=False,
            callback=take,
            help="Print the traceback of an error.",
        ),
    ]


def current_settings() -> Settings:
    """The settings of the command that runs; the default ones where none does."""
    context = click.get_current_context(silent=True)
    return context.find_root().ensure_object(Settings) if context else Settings()


def _load(name: str) -> click.Command:
    module = importlib.import_module(f"bench.cli.{name.replace('-', '_')}")
    command: click.Command = module.command
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        leaf.params += settings_options()
    return command
