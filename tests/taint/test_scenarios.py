"""Every story in tests/scenarios must come out as it says, and its books must balance."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.taint.scenario import read
from tracer.taint.methods import METHODS, POISON

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.txt"))
CLAUSES = {
    "net",
    "fee",
    "reported payment",
    "exchange",
    "payment",
    "hand-on",
    "redeemed",
    "unseen",
    "stops",
    "origins",
    "methods",
    "bitcoin",
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_story_comes_out_as_it_says(path: Path) -> None:
    """Each row of the table is what the method makes of the history."""
    story = read(path)
    result = story.fold()

    assert story.title
    assert story.rows
    for method, of, expected in story.rows:
        assert (method, dict(zip(story.columns, expected, strict=True))) == (
            method,
            dict(zip(story.columns, story.says(result, method, of), strict=True)),
        )


@pytest.mark.parametrize("path", [path for path in FILES if read(path).ways], ids=lambda path: path.stem)
def test_a_storys_money_came_by_the_ways_it_tells(path: Path) -> None:
    """Who held what came to a place on its way, and how much came so: all of it, and nothing else."""
    story = read(path)
    result = story.flow().fold()

    for (method, to), ways in story.ways.items():
        assert (method, ways) == (method, story.went(result, method, to))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_books_of_a_story_balance(path: Path) -> None:
    """What was originated is what is held, spent on fees, arrived, mixed, bridged, redeemed, unresolved or rounded."""
    result = read(path).fold()

    for book in result.books.values():
        for origin, sums in book.balances().items():
            rest = sum(amount for account, amount in sums.items() if account != "originated")
            assert (book.method, origin, sums["originated"]) == (book.method, origin, rest)


def test_every_clause_of_the_rule_has_a_story() -> None:
    """Nobody can drop the last story of a clause unseen."""
    assert {read(path).clause for path in FILES} == CLAUSES


def test_every_method_is_in_a_story() -> None:
    """All rows of METHODS, and the reach, are told somewhere."""
    told = {method for path in FILES for method, _, _ in read(path).rows}

    assert told == {*METHODS, POISON}
