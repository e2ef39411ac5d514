"""The error tree: drawn as it is, each class with an exit code and a docstring for its caller."""

from __future__ import annotations

import re

import pytest

from tracer import errors
from tracer.cli import EXITS, exit_code
from tracer.errors import BadRow, BadRows, RangeTooLarge, SourceBusy, TracerError


def tree(kind: type[TracerError] = TracerError) -> list[type[TracerError]]:
    """A class of errors.py and all below it, in the order they are written."""
    inner = [one for one in kind.__subclasses__() if one.__module__ == errors.__name__]
    return [kind, *(below for one in inner for below in tree(one))]


def made(kind: type[TracerError]) -> TracerError:
    """An error of that class."""
    return BadRows((BadRow(2, "no amount"),), 1) if kind is BadRows else kind("why")


def test_the_drawing_is_the_tree() -> None:
    """The tree at the top of errors.py has every class at its depth, in the order of the code."""
    expected = [(kind.__name__, len(kind.__mro__) - len(TracerError.__mro__)) for kind in tree()]

    drawn = re.findall(r"^((?:[│├└ ][─ ]{3})*)([A-Z]\w+)(?: {2,}\S.*)?$", errors.__doc__ or "", re.MULTILINE)
    assert expected == [(name, len(lines) // 4) for lines, name in drawn]


@pytest.mark.parametrize("kind", tree()[1:])
def test_every_error_has_an_exit_code(kind: type[TracerError]) -> None:
    """The command line ends with a code of its own for every class, that of the nearest class in EXITS."""
    nearest = next(parent for parent in kind.__mro__ if parent in EXITS)

    assert EXITS[nearest] == exit_code(made(kind))
    assert exit_code(made(kind)) > 1


@pytest.mark.parametrize("kind", tree())
def test_every_error_tells_its_caller(kind: type[TracerError]) -> None:
    """A docstring of its own says in a sentence what happened or what to do."""
    assert kind.__doc__ != kind.__mro__[1].__doc__
    assert re.fullmatch(r"[A-Z].{15,}\.", kind.__doc__ or "", re.DOTALL)


def test_errors_carry_what_the_caller_needs() -> None:
    """Bad rows, a time to wait, a range that would do."""
    assert str(BadRows((BadRow(2, "no amount"),), 1)) == "1 bad row"
    assert str(BadRows((BadRow(2, "no amount"),), 7)) == "7 bad rows"
    assert SourceBusy("later", 1.5).retry_after_seconds == 1.5
    assert SourceBusy("later").retry_after_seconds is None
    assert RangeTooLarge("less", hint=100).hint == 100
