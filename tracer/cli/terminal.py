"""What every command shares: the settings in force, how answers and errors are shown, and the exit codes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import typer

from tracer.app import App, opened
from tracer.errors import (
    BadRows,
    ConfigError,
    Conflict,
    Denied,
    InputError,
    NotFound,
    SourceError,
    StoreError,
    TracerError,
)
from tracer.exports.person import plain_text
from tracer.model import Severity
from tracer.settings import Settings

EXITS: dict[type[TracerError], int] = {
    InputError: 2,
    NotFound: 3,
    Conflict: 4,
    Denied: 4,
    SourceError: 5,
    ConfigError: 6,
    StoreError: 6,
}
INTERRUPTED = 130
LONGEST = 4000  # letters of a line: a label's text may be a megabyte
SEVERITIES = [str(severity) for severity in reversed(Severity)]
given: ContextVar[dict[str, str]] = ContextVar("given")  # settings named on the command line

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON object.")]
File = Annotated[Path, typer.Argument(metavar="FILE", help="A file, or - for standard input.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Store the good rows and list what was left.")]
Unconfirmed = Annotated[
    bool, typer.Option("--include-unconfirmed", help="Also what is not final yet; it is marked wherever it counts.")
]
CaseName = Annotated[str, typer.Argument(metavar="CASE", help="A case's name or id.")]


def exit_code(error: TracerError) -> int:
    """The exit code of an error: that of the nearest class in EXITS."""
    return next(EXITS[kind] for kind in type(error).__mro__ if kind in EXITS)


def complain(error: TracerError) -> None:
    """An error as a person reads it."""
    if isinstance(error, BadRows):
        for row in error.rows:
            say(f"line {row.line}: {row.reason}")
        if error.total > len(error.rows):
            say(f"… and {error.total - len(error.rows)} more")
        say(f"error: {error}: nothing of the file was stored; mend the rows, or leave them out with --skip-bad")
    else:
        say(f"error: {error}")


def say(line: str) -> None:
    """Progress and errors go to standard error."""
    typer.echo(plain_text([line]), err=True)


def show(lines: Iterable[str]) -> None:
    """Answers go to standard output, with nothing in them that a terminal obeys, and no line that floods it."""
    for line in lines:
        emit(plain_text([line if len(line) <= LONGEST else f"{line[:LONGEST]}… (cut: --json has all of it)"]))


def answer(schema: str, members: Mapping[str, Any]) -> None:
    """One JSON object with its schema."""
    emit(one_line({"schema": f"tracer.{schema}/1", **members}))


def one_line(value: Mapping[str, Any]) -> str:
    """JSON on one line for every reader: some take U+2028 and U+2029 for line ends, too."""
    return json.dumps(value, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def emit(content: str | bytes) -> None:
    """Write to standard output. A reader that has enough, as `head` has, ends the command in silence."""
    try:
        typer.echo(content, nl=isinstance(content, str))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that closing it does not fail once more
        raise typer.Exit from None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise InputError(f"standard output cannot be written: {error.strerror}") from error


@contextmanager
def the_app(**more: Any) -> Iterator[App]:
    """The app as the settings say; `more`: settings named by the command's own options, None where not given."""
    with opened(Settings.load(**given.get({}), **more)) as made:
        yield made


def urgency(flag: Mapping[str, Any]) -> tuple[int, str, str]:
    """What a person should look at first."""
    return (SEVERITIES.index(flag["severity"]), flag["rule"], flag["address"])
