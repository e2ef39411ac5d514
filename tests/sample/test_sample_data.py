"""The sample case is what its generator makes, says that it is invented, and holds the story it promises."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import yaml
from eth_utils.address import is_checksum_address

from tests.sample import generate, ledger, story
from tests.sample.story import Payment, Tx

Rows = list[dict[str, str]]
KINDS = {"native", "internal", "token", "fee"}


def rows(name: str) -> Rows:
    """A CSV file of the folder."""
    with (generate.FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def answer() -> dict[str, Any]:
    """The kept answer."""
    kept: dict[str, Any] = json.loads((generate.FOLDER / "answer.json").read_text(encoding="utf-8"))
    return kept


@pytest.fixture(scope="module")
def told() -> tuple[list[Tx], list[tuple[Payment, Tx]]]:
    """The case as the generator tells it."""
    return generate.case()


@pytest.fixture(scope="module", params=ledger.METHODS)
def settled(request: pytest.FixtureRequest, told: tuple[list[Tx], list[tuple[Payment, Tx]]]) -> ledger.Ledger:
    """The plain ledger at the end of the case, under each method."""
    txs, payments = told
    reported = {tx.tx_hash for payment, tx in payments if payment.reports}
    return ledger.fold(txs, reported, generate.CATEGORY, request.param)


def test_the_files_are_what_the_generator_makes() -> None:
    """Nobody edits a generated file by hand, and the generator gives the same bytes each time."""
    made = generate.files()

    kept = {name: (generate.FOLDER / name).read_bytes().decode() for name in made}

    assert kept == made


def test_every_transfer_row_is_valid() -> None:
    """Addresses are checksummed, amounts are digits, times are UTC in 2026-03 to 2026-06, fees have no recipient."""
    for row in rows("transfers.csv"):
        at = datetime.fromisoformat(row["time"])
        assert row["chain"] == story.CHAIN
        assert row["kind"] in KINDS
        assert row["amount"].isdigit()
        assert at.utcoffset() == timedelta(0)
        assert datetime(2026, 3, 1, tzinfo=UTC) <= at < datetime(2026, 7, 1, tzinfo=UTC)
        assert is_checksum_address(row["sender"])
        assert is_checksum_address(row["initiator"])
        assert is_checksum_address(row["recipient"]) == (row["kind"] != "fee")
        assert row["asset"] == "native" or is_checksum_address(row["asset"])
        assert len(row["tx_hash"]) == 66 and row["tx_hash"].startswith("0x")


def test_blocks_and_times_agree() -> None:
    """Later blocks are later, a block has one time, a place in a block one transaction."""
    seen = {(int(row["block"]), row["time"]) for row in rows("transfers.csv")}
    places = {(row["block"], row["tx_index"], row["tx_hash"]) for row in rows("transfers.csv")}

    assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(sorted(seen)))
    assert len(places) == len({place[:2] for place in places}) == len({place[2] for place in places})


def test_fees_are_paid_by_the_initiator_in_the_native_coin() -> None:
    """A good part of the transactions shows its fee, once."""
    fees = [row for row in rows("transfers.csv") if row["kind"] == "fee"]

    assert len(fees) == len({row["tx_hash"] for row in fees}) > 250
    assert all(row["sender"] == row["initiator"] and row["asset"] == "native" for row in fees)


def test_every_report_names_a_transfer() -> None:
    """A report's address, asset, amount and time are those of the transfer it names, so nothing is cut."""
    transfers = {(r["tx_hash"], r["recipient"], r["asset"], r["amount"], r["time"]) for r in rows("transfers.csv")}
    reports = rows("reports.csv")

    assert {(r["tx_hash"], r["address"], r["asset"], r["amount"], r["time"]) for r in reports} <= transfers


def test_at_least_five_victims_pay_growing_amounts() -> None:
    """Seven victims; each pays more each time; one payment was reported by two; losses are below two million."""
    reports = rows("reports.csv")
    by_victim = defaultdict(list)
    for payment in story.PAYMENTS:
        by_victim[payment.victim].append(float(payment.amount))

    assert len({row["reporter"] for row in reports if "bank" not in row["reporter"]}) == 7
    assert all(a < b for paid in by_victim.values() for a, b in pairwise(paid))
    assert sorted(Counter(row["tx_hash"] for row in reports).values())[-2:] == [1, 2]
    assert sum(float(p.amount) * (2500 if p.coin is story.ETH else 1) for p in story.PAYMENTS) < 2_000_000


def test_enough_unrelated_transfers_surround_the_case() -> None:
    """At least 300 movements touch no unlabelled address of the case, some of them the same exchanges."""
    strangers = {story.address(f"stranger {n}") for n in range(140)}
    around = [r for r in rows("transfers.csv") if r["kind"] != "fee" and {r["sender"], r["recipient"]} & strangers]

    assert len(around) >= 300
    assert sum(1 for row in around if generate.ENTITY.get(row["recipient"])) > 30


def test_a_swap_is_one_transaction_with_several_rows() -> None:
    """The collector pays the router, the router the pool, the pool the collector; the initiator is named."""
    by_tx = defaultdict(list)
    for row in rows("transfers.csv"):
        by_tx[row["tx_hash"]].append(row)
    swaps = [legs for legs in by_tx.values() if story.TIDE_ROUTER in {leg["recipient"] for leg in legs}]

    assert len(swaps) == len(story.SWAPS)
    assert all([leg["kind"] for leg in legs][-1] == "fee" and len(legs) == 4 for legs in swaps)
    assert all(legs[0]["sender"] == legs[2]["recipient"] == legs[0]["initiator"] for legs in swaps)


def test_look_alikes_share_ends_and_move_no_value() -> None:
    """Three leading and four trailing hex digits agree; what they send is dust below 1 % or a counterfeit."""
    for genuine in (story.COLLECTOR, story.PEELS[1]):
        copy = story.lookalike(genuine)
        assert copy != genuine
        assert copy[:5].lower() == genuine[:5].lower() and copy[-4:].lower() == genuine[-4:].lower()
        sent = [r for r in rows("transfers.csv") if r["sender"] == copy]
        assert sent and all(int(row["amount"]) <= 50_000 for row in sent)


def test_counterfeits_look_like_a_verified_token() -> None:
    """One copies the symbol, one writes it with a Cyrillic letter; neither has the verified contract."""
    real = {story.USDC.contract, story.USDT.contract, "native"}
    fakes = {row["symbol"] for row in rows("transfers.csv") if row["asset"] not in real}

    assert fakes == {"USDT", "U\u0405DT"}


def test_every_file_that_can_says_it_is_invented() -> None:
    """Labels, reports, entities, the answer and the page beside them carry the mark."""
    services = yaml.safe_load((generate.FOLDER / "entities.yaml").read_text(encoding="utf-8"))
    page = (generate.FOLDER / "README.md").read_text(encoding="utf-8")
    headings = [line for line in page.splitlines() if line.startswith("#")]

    assert all("invented" in row["source"] and "invented" in row["entity"] for row in rows("labels.csv"))
    assert all("invented" in row["reporter"] and "invented" in row["note"] for row in rows("reports.csv"))
    assert all("invented" in service["name"] and "Invented" in service["note"] for service in services)
    assert "invented" in answer()["note"]
    assert headings and all("invented" in line for line in headings)


def test_the_page_names_every_unlabelled_wallet_rightly() -> None:
    """A reader finds each address of the story in README.md."""
    page = (generate.FOLDER / "README.md").read_text(encoding="utf-8")
    wallets = [*story.WALLETS.values(), *story.INTAKES.values(), *story.PEELS.values()]
    others = [story.COLLECTOR, story.OPERATOR, story.GAS_STATION, story.TO_OXBOW, story.lookalike(story.COLLECTOR)]

    assert [address for address in (*wallets, *others) if f"`{address}`" not in page] == []


def test_facts_are_invented_short_and_cover_the_labels() -> None:
    """Each label names a service of entities.yaml; quotes have at most 20 words; links lead nowhere."""
    services = yaml.safe_load((generate.FOLDER / "entities.yaml").read_text(encoding="utf-8"))
    facts = [fact for service in services for fact in service["facts"]]

    assert {row["entity"] for row in rows("labels.csv")} == {service["id"] for service in services}
    assert all(fact["source_url"].startswith("https://invented.example/") for fact in facts)
    assert all(len(fact["quote"].split()) <= 20 and "nvented" in fact["note"] for fact in facts)


def test_no_tainted_address_is_a_hub() -> None:
    """An address of the case has far fewer than 100 counterparties in all its life."""
    met = defaultdict(set)
    for row in rows("transfers.csv"):
        met[row["sender"]].add(row["recipient"])
        met[row["recipient"]].add(row["sender"])
    case = [story.COLLECTOR, *story.INTAKES.values(), *story.PEELS.values(), *story.WALLETS.values()]

    assert max(len(met[address]) for address in case) < 30


def test_each_origin_is_accounted_for_to_the_unit(settled: ledger.Ledger) -> None:
    """Originated = held + fees + ends + rounding, per origin."""
    found = Counter(settled.rounding)
    for lots in (settled.fees, *settled.pots.values(), *settled.ends.values()):
        for lot in lots:
            found.update({lot.origin: lot.worth} if lot.origin else {})

    assert found == settled.originated


def test_only_the_last_wallet_before_oxbow_pays_more_than_was_seen(settled: ledger.Ledger) -> None:
    """The gap of the story is the one it tells of, and it is 5,000 USDT."""
    case = {*story.INTAKES.values(), *story.PEELS.values(), *story.WALLETS.values(), story.COLLECTOR, story.TO_OXBOW}
    case |= {story.TO_MIXER, story.TO_BRIDGE, story.TO_QUAY, story.LAST_SPLIT, story.GAS_STATION, story.OPERATOR}

    gaps = {place: amount for place, amount in settled.unseen.items() if place[0] in case}

    assert gaps == {(story.TO_OXBOW, story.USDT.contract): 5_000_000_000}


def test_the_plain_ledger_splits_as_a_bookkeeper_would() -> None:
    """Three tainted then seven clean, five paid: each method's taint in what left, worked by hand."""
    pot = [ledger.Lot("theft", 3, 3), ledger.Lot(None, 7, 7)]

    tainted = {
        name: sum(lot.amount for lot in spend(pot, 5)[0] if lot.origin) for name, spend in ledger.METHODS.items()
    }

    assert tainted == {"fifo": 3, "lifo": 0, "haircut": 1, "dirty_first": 3, "clean_first": 0}


def test_running_totals_lose_nothing() -> None:
    """7 over three equal weights is 2, 2, 3 in that order."""
    assert ledger.shares(7, [1, 1, 1]) == [2, 2, 3]


def test_the_answer_flags_each_kind_once_or_more() -> None:
    """Arrivals at exchanges, low-KYC and others; a sanction, a mixer, a bridge; three patterns."""
    counts = Counter(flag["rule"] for flag in answer()["flags"])

    assert counts == {
        "exchange_arrival": 3,
        "low_kyc_arrival": 2,
        "sanctioned_contact": 1,
        "mixer_entry": 1,
        "bridge_exit": 1,
        "victim_convergence": 1,
        "peel_chain": 1,
        "inducement_payback": 1,
    }


def test_methods_differ_and_each_states_its_amounts() -> None:
    """Each flag has an amount under each method, and for most flags the methods disagree."""
    flags = answer()["flags"]

    assert all(set(flag["amounts"]) == set(ledger.METHODS) for flag in flags)
    assert sum(len({json.dumps(a) for a in flag["amounts"].values()}) > 2 for flag in flags) >= 4


def test_nobody_is_both_flagged_and_not() -> None:
    """The addresses that must stay clean are not among the flagged, and each says why."""
    kept = answer()

    assert not {flag["address"] for flag in kept["flags"]} & {row["address"] for row in kept["not_flagged"]}
    assert all(len(row["why"]) > 20 for row in kept["not_flagged"])
