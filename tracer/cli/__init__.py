"""One command an action. A command reads its words, calls the action and shows the answer; it adds nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import Annotated

import typer
from typer.exceptions import TyperException

from tracer import __version__
from tracer.cli.cases import case_app
from tracer.cli.deposits import deposits
from tracer.cli.entities import entities_app
from tracer.cli.feeds import feeds_app
from tracer.cli.imports import import_app
from tracer.cli.price import price
from tracer.cli.probable import probable
from tracer.cli.proof import ledger, verify
from tracer.cli.reports import reports_app
from tracer.cli.show import show
from tracer.cli.sources import reparse, sources
from tracer.cli.store import db_app, demo, settings
from tracer.cli.terminal import EXITS, INTERRUPTED, complain, exit_code, given, say
from tracer.cli.watch import pull, screen
from tracer.cli.who import labels_app, who
from tracer.cli.work import export_case, flags, review, trace
from tracer.errors import InputError, TracerError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Follow the money; flag where it stops.",
)
app.add_typer(db_app, name="db")
app.add_typer(import_app, name="import")
app.add_typer(case_app, name="case")
app.add_typer(entities_app, name="entities")
app.add_typer(feeds_app, name="feeds")
app.add_typer(labels_app, name="labels")
app.add_typer(reports_app, name="reports")
COMMANDS: dict[str, Callable[..., None]] = {
    "demo": demo,
    "settings": settings,
    "sources": sources,
    "pull": pull,
    "reparse": reparse,
    "trace": trace,
    "flags": flags,
    "review": review,
    "price": price,
    "screen": screen,
    "who": who,
    "show": show,
    "probable": probable,
    "export": export_case,
    "verify": verify,
    "ledger": ledger,
    "deposits": deposits,
}
for _name, _command in COMMANDS.items():
    app.command(_name)(_command)


def main() -> None:
    """Run the command; every error becomes a sentence on standard error and an exit code."""
    try:
        _check(sys.argv)
        code = app(standalone_mode=False) or 0
    except TracerError as error:
        complain(error)
        code = exit_code(error)
    except TyperException as usage:
        getattr(usage, "show", lambda: say("error: the command's words are off, see --help"))()
        code = EXITS[InputError]
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    if code == INTERRUPTED:  # Typer makes an exit of Ctrl-C itself
        say("interrupted: nothing of the unfinished act was kept; run the command again to go on")
    sys.exit(code)


def _check(words: Iterable[str]) -> None:
    for word in words:
        if not word.isascii() and any("\ud800" <= letter <= "\udfff" for letter in word):
            raise InputError(f"{ascii(word)} is not UTF-8: write it, or name the file, in UTF-8")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"tracer {__version__}")
        raise typer.Exit


@app.callback()
def root(
    database: Annotated[
        str | None, typer.Option(help="The store's URL; else TRACER_DATABASE_URL, else sqlite:///tracer.db.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Follow the money of a report, and flag with proof where it can be stopped."""
    given.set({"database_url": database} if database else {})


__all__ = ["COMMANDS", "EXITS", "app", "complain", "exit_code", "main"]
