"""Writes `sample_data/`: the invented case as files, and its answer from the plain ledger beside this file.

    python -m tests.sample.generate

The same code gives the same bytes; `test_sample_data.py` holds the files to that.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.sample import entities, ledger, story
from tests.sample.story import CHAIN, Book, Leg, Payment, Tx

FOLDER = Path(__file__).resolve().parents[2] / "sample_data"
INVENTED = "invented: Tracer sample case"
TRANSFERS = (
    "chain,tx_hash,block,tx_index,index,time,kind,sender,recipient,asset,symbol,decimals,amount,outpoint,initiator"
)
LABELS = "chain,address,entity,category,confidence,source,valid_from,valid_to"
REPORTS = "report_id,chain,address,tx_hash,asset,amount,time,reporter,note"

# Every labelled address: entity, category, addresses.
LABELLED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("invented_halcyon", "exchange", (story.HALCYON_HOT, story.HALCYON_DEPOSIT, story.HALCYON_OTHER)),
    ("invented_brinkmarket", "exchange", (story.BRINK_HOT, story.BRINK_DEPOSIT, story.BRINK_OTHER)),
    ("invented_quaystone", "exchange", (story.QUAY_HOT, story.QUAY_DEPOSIT)),
    ("invented_larkfield", "exchange", (story.LARKFIELD_HOT, story.LARKFIELD_DEPOSIT)),
    ("invented_oxbow", "payment", (story.OXBOW,)),
    ("invented_murmur", "mixer", (story.MURMUR_POOL,)),
    ("invented_footbridge", "bridge", (story.FOOTBRIDGE,)),
    ("invented_tidepool", "dex", (story.TIDE_ROUTER, story.TIDE_POOL, story.TIDE_ETH_POOL)),
)
ENTITY = {address: entity for entity, _, addresses in LABELLED for address in addresses}
CATEGORY = {address: category for _, category, addresses in LABELLED for address in addresses}
# Which rule must flag an arrival at which entity, and why is in entities.yaml.
RULES = {
    "invented_halcyon": ("exchange_arrival",),
    "invented_larkfield": ("exchange_arrival",),
    "invented_brinkmarket": ("low_kyc_arrival",),
    "invented_quaystone": ("low_kyc_arrival",),
    "invented_oxbow": ("exchange_arrival", "sanctioned_contact"),
    "invented_murmur": ("mixer_entry",),
    "invented_footbridge": ("bridge_exit",),
}
# Which patterns the story has: at whom, and by whose payments to them. Victim 2's two: before and after the inducement.
PATTERNS: tuple[tuple[str, str, tuple[str, ...], int | None], ...] = (
    ("victim_convergence", story.COLLECTOR, tuple(story.INTAKES.values()), None),
    ("peel_chain", story.PEELS[4], (story.PEELS[3],), None),
    ("inducement_payback", story.INTAKES[2], (story.WALLETS[2],), 2),
)
NOT_FLAGGED = (
    (story.HALCYON_HOT, "only sweeps of its own deposit addresses and strangers' money reach it; arrivals are ends"),
    (story.BRINK_HOT, "only sweeps of its own deposit addresses and strangers' money reach it; arrivals are ends"),
    (story.QUAY_HOT, "only sweeps of its own deposit addresses and strangers' money reach it; arrivals are ends"),
    (story.LARKFIELD_HOT, "only sweeps of its own deposit addresses and strangers' money reach it; arrivals are ends"),
    (story.HALCYON_OTHER, "another customer's deposit address: strangers' money only"),
    (story.BRINK_OTHER, "another customer's deposit address of a low-KYC exchange: strangers' money only"),
    (story.TIDE_ROUTER, "passes money on inside one transaction"),
    (story.TIDE_POOL, "a swap venue: the money leaves in the same transaction"),
    (story.TIDE_ETH_POOL, "a swap venue: the money leaves in the same transaction"),
    (story.MURMUR_ROUTER, "passes money on inside one transaction to the pool, which is flagged"),
    (story.GAS_STATION, "pays gas money into the case, gets nothing from it"),
    (story.OPERATOR, "pays clean money into the collector, gets nothing from it"),
    (story.STRANGER, "pays a peel address, gets nothing from it"),
    (story.lookalike(story.COLLECTOR), "look-alike of the collector: dust and zero amounts move no value"),
    (story.lookalike(story.PEELS[1]), "look-alike of a peel address: dust, zero amounts and a counterfeit token"),
    (story.POISONER, "makes the look-alikes' transactions, receives no value"),
)


def case() -> tuple[list[Tx], list[tuple[Payment, Tx]]]:
    """All transactions in their order on the chain, and the victims' payments."""
    book = Book()
    payments = story.tell(book)
    story.poison(book)
    story.surround(book)
    return sorted(book.txs, key=lambda tx: (tx.at, tx.tx_index)), payments


def table(header: str, rows: Iterable[Sequence[object]]) -> str:
    """CSV text with `\\n` line ends."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return out.getvalue()


def utc(tx: Tx) -> str:
    """ISO-8601 with Z."""
    return tx.at.strftime("%Y-%m-%dT%H:%M:%SZ")


def transfer_rows(txs: list[Tx]) -> Iterable[Sequence[object]]:
    """One row per leg; only tokens have a log index."""
    for tx in txs:
        for n, leg in enumerate(tx.legs):
            index = n if leg.kind == "token" else ""
            yield (CHAIN, tx.tx_hash, tx.block, tx.tx_index, index, utc(tx), *_movement(leg), "", tx.initiator)


def _movement(leg: Leg) -> tuple[object, ...]:
    coin = leg.coin
    return leg.kind, leg.sender, leg.recipient, coin.contract, coin.symbol, coin.decimals, leg.amount


def label_rows() -> Iterable[Sequence[object]]:
    """One row per labelled address, all valid from before the story on."""
    for address, entity in ENTITY.items():
        yield CHAIN, address, entity, CATEGORY[address], "0.9", INVENTED, "2025-01-01T00:00:00Z", ""


def report_rows(payments: list[tuple[Payment, Tx]]) -> Iterable[Sequence[object]]:
    """One row per reported payment and reporter; the second reporter is the victim's bank."""
    for payment, tx in payments:
        leg = tx.legs[0]
        for n in range(payment.reports):
            report = f"invented-{payment.victim}" + ("" if n == 0 else "-bank")
            reporter = f"invented victim {payment.victim}" if n == 0 else f"invented bank of victim {payment.victim}"
            note = "invented: promised returns on a trading site"
            yield report, CHAIN, leg.recipient, tx.tx_hash, leg.coin.contract, leg.amount, utc(tx), reporter, note


def answer(txs: list[Tx], payments: list[tuple[Payment, Tx]]) -> dict[str, Any]:
    """What a right trace of the reported payments says, under each method."""
    reported = [tx.tx_hash for payment, tx in payments if payment.reports]
    books = {method: ledger.fold(txs, set(reported), CATEGORY, method) for method in ledger.METHODS}
    return {
        "schema": "tracer.answer/1",
        "note": INVENTED + "; worked out by the plain ledger in tests/sample, not by the engine",
        "flags": [*_flags(books), *_patterns(books, txs)],
        "originated": {m: {tx: str(book.originated[tx]) for tx in reported} for m, book in books.items()},
        "not_flagged": [{"chain": CHAIN, "address": address, "why": why} for address, why in NOT_FLAGGED],
    }


def _flags(books: dict[str, ledger.Ledger]) -> Iterable[dict[str, Any]]:
    reached = {end for book in books.values() for (end, _), amount in book.ended().items() if amount}
    for address in sorted(reached):
        amounts = {
            method: {asset: str(n) for (end, asset), n in sorted(book.ended().items()) if end == address and n}
            for method, book in books.items()
        }
        entity = ENTITY[address]
        for rule in RULES[entity]:
            yield {"rule": rule, "chain": CHAIN, "address": address, "entity": entity, "amounts": amounts}


def _patterns(books: dict[str, ledger.Ledger], txs: list[Tx]) -> Iterable[dict[str, Any]]:
    """What came to whom by the payments that show a pattern; of some the first few are enough."""
    for rule, address, payers, first in PATTERNS:
        shown = [tx for tx in txs if any((leg.sender in payers, leg.recipient) == (True, address) for leg in tx.legs)]
        amounts = {
            method: _came(book, [tx for tx in shown if not tx.dropped][:first], address)
            for method, book in books.items()
        }
        yield {"rule": rule, "chain": CHAIN, "address": address, "entity": None, "amounts": amounts}


def _came(book: ledger.Ledger, txs: list[Tx], address: str) -> dict[str, str]:
    sums: Counter[str] = Counter()
    for (tx_hash, party, asset), amount in book.came.items():
        if party == address and tx_hash in {tx.tx_hash for tx in txs}:
            sums[asset] += amount
    return {asset: str(amount) for asset, amount in sorted(sums.items()) if amount}


def files() -> dict[str, str]:
    """Every generated file of `sample_data/`: name to text."""
    txs, payments = case()
    return {
        "transfers.csv": table(TRANSFERS, transfer_rows(txs)),
        "labels.csv": table(LABELS, label_rows()),
        "reports.csv": table(REPORTS, report_rows(payments)),
        "entities.yaml": entities.text(),
        "answer.json": json.dumps(answer(txs, payments), indent=1) + "\n",
    }


def main() -> None:
    """Writes the files."""
    for name, text in files().items():
        (FOLDER / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
