"""CSV: a line a hop for spreadsheets, which must read text as text."""

from __future__ import annotations

import csv as comma
import io
from typing import Any

import pytest

from tests.exports.documents import EXCHANGE, empty, sample, small
from tests.exports.hostile import HOSTILE
from tracer.exports.table import ASSETS, HEAD, csv, safe
from tracer.taint.methods import METHODS


def rows(made: dict[str, Any]) -> list[dict[str, str]]:
    """The table as a reader of CSV has it."""
    return list(comma.DictReader(io.StringIO(csv(made).decode(), newline="")))


@pytest.mark.parametrize("made", [sample, small])
def test_every_hop_is_a_line_with_every_method(made: Any) -> None:
    """Hash, ends, assets and origin, and three amounts a method: 0 where it carried nothing."""
    case = made()
    read = rows(case)

    assert len(read) == len(case["hops"])
    for row, hop in zip(read, case["hops"], strict=True):
        assert [row[name] for name in ("tx_hash", "time", "sender", "recipient", "origin")] == [
            hop[name] for name in ("tx_hash", "at", "sender", "recipient", "origin")
        ]
        for method in METHODS:
            carried = hop["amounts"].get(method, {"amount": "0", "received": "0", "origin_amount": "0"})
            found = (row[method], row[f"{method}_received"], row[f"{method}_origin_amount"])
            assert found == (carried["amount"], carried["received"], carried["origin_amount"])


def test_nothing_happened_is_a_head() -> None:
    """Its columns are named, so that a script that reads it does not fail."""
    (head,) = csv(empty()).decode().splitlines()
    assert head.split(",")[: len(HEAD) + len(ASSETS)] == [*HEAD, *ASSETS]


def test_an_entity_is_named_while_the_address_was_its() -> None:
    """A claim that ended before the hop does not name it; the one that counted then does."""
    made = small()
    at = next(hop["at"] for hop in made["hops"] if hop["recipient"] == EXCHANGE.text)
    claim = next(one for one in made["addresses"] if one["address"] == EXCHANGE.text)["labels"]
    claim[:] = [
        claim[0] | {"entity": "before", "valid_to": at},
        claim[0] | {"entity": "then", "valid_from": at},
    ]
    assert {row["recipient_entity"] for row in rows(made) if row["recipient"] == EXCHANGE.text} == {"then"}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_in_their_cell_and_are_no_formula(name: str) -> None:
    """Whatever an entity or a token calls itself: as many lines and columns as before, no control character."""
    made = small()
    for one in made["addresses"]:
        one["labels"] = [label | {"entity": name} for label in one["labels"]]
    made["assets"] = [asset | {"symbol": name} for asset in made["assets"]]
    read = rows(made)

    assert len(csv(made).decode().splitlines()) == len(read) + 1 == len(small()["hops"]) + 1
    assert {len(row) for row in read} == {len(rows(small())[0])}
    cells = [cell for row in read for cell in row.values()]
    assert any(cell in (safe(name), f"'{name}") for cell in cells)
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "＝")) for cell in cells)
    assert all(ord(letter) >= 32 for cell in cells for letter in cell)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u00a0="])  # noqa: RUF001
def test_no_cell_starts_a_formula(start: str) -> None:
    """Marked as text, or its control character is gone."""
    cell = safe(f"{start}cmd|' /C calc'!A0")
    assert cell[0] in "'\ufffd"
    assert cell.endswith("cmd|' /C calc'!A0")


def test_plain_text_is_left_alone() -> None:
    """Names, hashes and digits are as they were; nothing is the empty cell."""
    assert [safe(value) for value in ("Ünïcödé 🦊", "0xab", 5, None, "a=b")] == ["Ünïcödé 🦊", "0xab", "5", "", "a=b"]
