"""Every row of FORMATS: bytes for every case, also for one in which nothing happened."""

from __future__ import annotations

import copy
import json

import pytest

from tests.exports.documents import empty, sample, small
from tracer.exports.formats import FORMATS

EVERY = pytest.mark.parametrize("name", FORMATS)


@EVERY
def test_a_format_writes_every_case(name: str) -> None:
    """The sample case, a small one and an empty one come out as UTF-8 text that ends."""
    for made in (sample(), small(), empty()):
        content = FORMATS[name].write(made)
        assert content
        assert content.decode("utf-8").strip()


@EVERY
def test_a_format_writes_the_same_bytes_twice_and_changes_nothing(name: str) -> None:
    """Writing is a pure function: a second time gives the same file, and the document is as it was."""
    made = sample()
    before = copy.deepcopy(made)
    assert FORMATS[name].write(made) == FORMATS[name].write(made)
    assert made == before


@EVERY
def test_a_format_says_what_it_is(name: str) -> None:
    """Its file ending is its name, a table that is not the first one with .csv after it; it says who reads it."""
    assert FORMATS[name].suffix in (f".{name}", f".{name}.csv")
    assert len(FORMATS[name].says) > 20


def test_json_comes_back_whole() -> None:
    """What is read from the file is the document."""
    assert json.loads(FORMATS["json"].write(sample())) == sample()
