"""A ledger as an auditor reads it, and the totals of all addresses in JSON and CSV."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.exports.documents import plain, sample, small, told
from tests.exports.hostile import HOSTILE
from tests.taint.scenario import asset, place
from tests.taint.scenario import told as story
from tracer.exports.accounts import IN, OUT
from tracer.exports.document import document
from tracer.exports.ledger import HEAD, ledger_csv, ledger_text, tainted
from tracer.exports.ledger import told as ledger_told
from tracer.exports.table import safe
from tracer.taint.ledger import ledger
from tracer.taint.methods import METHODS

STORY = """
thief  -> a 100
friend -> a 40
a      -> b 60
4: a -> c 90
5: a -> shop 10 ETH
5: fee a 2
label shop exchange
origin: thief
"""

TEXT = """\
ledger    of eip155:1:0x6100000000000000000000000000000000000000, times in UTC
case      story, under fifo: Assumes that money leaves in the order in which it came.
digest    sha256:…

asset     USDT 0xdAC17F958D2ee523a2206206994597C13D831ec7
2026-01-01 00:01  in                  0.0001 USDT   held              0.0001 USDT   from 0x746869…000000
    tx 0x0000000000000000000000000000000000000000000000000000000000000001
                         0.0001 USDT  of the reported address eip155:1:0x7468696566000000000000000000000000000000
2026-01-01 00:02  in                 0.00004 USDT   held             0.00014 USDT   from 0x667269…000000
    tx 0x0000000000000000000000000000000000000000000000000000000000000002
                        0.00004 USDT  clean
2026-01-01 00:03  out                0.00006 USDT   held             0.00008 USDT   to 0x620000…000000
    tx 0x0000000000000000000000000000000000000000000000000000000000000003
                        0.00006 USDT  of the reported address eip155:1:0x7468696566000000000000000000000000000000
2026-01-01 00:04  unseen             0.00001 USDT   held             0.00009 USDT
    tx 0x0000000000000000000000000000000000000000000000000000000000000004
                        0.00001 USDT  unseen
2026-01-01 00:04  out                0.00009 USDT   held                   0 USDT   to 0x630000…000000
    tx 0x0000000000000000000000000000000000000000000000000000000000000004
                        0.00004 USDT  of the reported address eip155:1:0x7468696566000000000000000000000000000000
                        0.00005 USDT  clean
in                     0.0001 USDT  of the reported address eip155:1:0x7468696566000000000000000000000000000000
in                    0.00004 USDT  clean
in                    0.00001 USDT  unseen
out                    0.0001 USDT  of the reported address eip155:1:0x7468696566000000000000000000000000000000
out                   0.00005 USDT  clean
balance   in 0.00015 USDT = out 0.00015 USDT + held 0 USDT + fees 0 USDT + ended here 0 USDT
"""


def told_of(method: str = "fifo", name: str = "a", assets: tuple[str, ...] = ()) -> dict[str, Any]:
    """The ledger of one who stands in the story."""
    kept = ledger(story(STORY).flow(), (), method, place(name))
    chosen = [asset(symbol) for symbol in assets] or tainted(kept)
    return {"case": "story", "digest": "sha256:…", **ledger_told(kept, chosen)}


def test_a_ledger_reads_like_a_bank_statement() -> None:
    """Line by line with its transaction: from whom, to whom, of which origin, what is held; then the balance."""
    made = plain(document(told(story(STORY).flow())))

    assert list(ledger_text(told_of(), made)) == TEXT.splitlines()


def test_fees_and_arrivals_have_lines() -> None:
    """The fee leaves before the payment; at the exchange what came has ended; names from outside stay text."""
    fees = told_of(assets=("ETH",))["assets"][0]
    thief = told_of(name="thief")["assets"][0]

    assert [(line["entry"], line["amount"]) for line in fees["lines"]] == [
        *(("unseen", "2"), ("fee", "2")),
        *(("unseen", "10"), ("out", "10")),
    ]
    assert fees["balance"] == {"in": "12", "out": "10", "held": "0", "fees": "2", "ended": "0"}
    assert thief["in"] == [{"origin": thief["in"][0]["origin"], "amount": "100"}]


@pytest.mark.parametrize("made", [small, sample])
def test_the_totals_of_every_address_balance(made: Any) -> None:
    """To the base unit, in the JSON and in the CSV, for every address, asset and method; and agree with `taint`."""
    document_ = made()
    rows = list(csv.DictReader(ledger_csv(document_).decode().splitlines()))
    inside = [(one, row) for one in document_["addresses"] for row in one["ledger"]]

    assert len(rows) == len(inside) > 0
    assert {row["method"] for row in rows} == {*METHODS}
    for row, (one, told_row) in zip(rows, inside, strict=True):
        assert sum(int(row[name]) for name in IN) == sum(int(row[name]) for name in OUT)
        assert {name: row[name] for name in (*IN, *OUT)} == {name: told_row[name] for name in (*IN, *OUT)}
        mine = [t for t in one["taint"] if (t["asset"], t["method"]) == (row["asset"], row["method"])]
        assert int(row["tainted"]) == sum(int(t["amount"]) for t in mine)
        assert int(row["held"]) >= sum(int(t["held"]) for t in mine)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_symbol_cannot_become_a_formula(text: str) -> None:
    """What a token calls itself is text in a spreadsheet."""
    made = small()
    for one in made["assets"]:
        one["symbol"] = text
    for row in list(csv.reader(io.StringIO(ledger_csv(made).decode(), newline="")))[1:]:
        cell = row[HEAD.index("symbol")]
        assert cell == safe(text)
        assert not cell.lstrip().startswith(tuple("=+-@＝＋－＠"))
