"""What arrivals were worth: exact sums, each with price and moment, honest gaps, and a digest that knows nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import stamina

from tests.makers import ETHEREUM, START, USDT, address, label, transaction, transfer, tx_hash
from tests.servers.defillama import Llama
from tests.servers.serve import Given, serving
from tracer.actions.export import case_document, export
from tracer.actions.price import price, worths
from tracer.actions.trace import trace
from tracer.cli import main
from tracer.errors import NotFound, SourceBusy
from tracer.exports.person import assets_of
from tracer.exports.usd import arrival_lines, dollars, usd_line
from tracer.model import Asset, AssetId, Case, OriginSpec
from tracer.sources.budget import Budget
from tracer.sources.prices import Prices
from tracer.sources.web import ATTEMPTS
from tracer.store.store import Store

VICTIM, THIEF, EXCHANGE = (address(n) for n in (1, 2, 3))
ODD = AssetId(ETHEREUM, f"0x{7:040x}")
TETHER, STRANGE = f"ethereum:{USDT.contract}", f"ethereum:{ODD.contract}"
LATER = START + timedelta(hours=30, minutes=59)


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Second attempts follow at once."""
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        yield


def fill(store: Store) -> str:
    """A thief pays an exchange 1,000.5 USDT, later 2,000 more and 3 of a token on no list; the digest of the trace."""
    history = (
        transaction((VICTIM, THIEF, 5_000_000_000), transfer(VICTIM, THIEF, 3, asset=ODD), tx=1, block=1),
        transaction((THIEF, EXCHANGE, 1_000_500_000), tx=2, block=2),
        transaction((THIEF, EXCHANGE, 2_000_000_000), tx=3, block=3, at=LATER),
        transaction(transfer(THIEF, EXCHANGE, 3, asset=ODD, tx=4), tx=4, block=4, at=LATER + timedelta(minutes=1)),
    )
    with store.act("ana", "fill", "harbour") as work:
        work.add_assets([Asset(USDT, "USDT", 6, listed=True), Asset(ODD, "ODD", 0)])
        work.add_transactions(history)
        work.add_labels([label(EXCHANGE)])
        specs = (OriginSpec(THIEF, USDT), OriginSpec(THIEF, ODD))
        work.open_case(Case("c-1", "harbour", specs, START))
    return str(trace(store, "harbour", "ana").document["digest"])


def priced(store: Store, llama: Llama) -> dict[str, Any]:
    """The case priced by this server."""
    with serving(llama) as served:
        source = Prices(served.url, Budget("defillama", sleep=lambda _: None), timeout_seconds=5)
        return price(store, source, "harbour", "ana")


def test_arrivals_are_worth_what_they_were_worth_then(store: Store) -> None:
    """Amount times price of the arrival's own hour, to the last digit; what has no price says so and counts nothing."""
    digest = fill(store)
    llama = Llama({TETHER: "0.9985"})

    found = priced(store, llama)

    (flag,) = found["flags"]
    assert (digest, 3) == (found["digest"], found["asked"])
    assert [START, START + timedelta(hours=30), START + timedelta(hours=31)] == [
        datetime.fromtimestamp(at, UTC) for at, _ in llama.asked
    ]
    assert [("998.99925000", None), ("1997.00000000", None), (None, "no price known")] == [
        (row["usd"] and f"{Decimal(row['usd']):.8f}", row["why"]) for row in flag["arrivals"]
    ]
    assert Decimal("2995.99925") == Decimal(flag["usd"])
    assert ("fifo", 1) == (flag["method"], flag["unpriced"])
    assert {"defillama"} == {row["source"] for row in flag["arrivals"]}
    assert "2024-01-01T00:02:05" in flag["arrivals"][0]["price_at"]


def test_what_is_known_is_never_asked_for_again(store: Store) -> None:
    """A second run asks nobody, and says the same."""
    fill(store)
    first = priced(store, Llama({TETHER: "0.9985", STRANGE: "12"}))
    llama = Llama({TETHER: "7"})

    again = priced(store, llama)

    assert [] == llama.asked
    assert (0, first["flags"]) == (again["asked"], again["flags"])
    assert "3031.99925" == f"{Decimal(again['flags'][0]['usd']).normalize():f}"


def test_prices_are_in_no_document(store: Store) -> None:
    """The exported case, its digest and its flags are the same before and after."""
    fill(store)
    before = export(store, "harbour", "json")
    priced(store, Llama({TETHER: "0.9985"}))

    assert before == export(store, "harbour", "json")
    assert not trace(store, "harbour", "ana").new
    assert ["price"] == [row.act for row in store.audit() if row.act == "price"]


def test_a_bad_day_keeps_what_was_read(store: Store) -> None:
    """The second hour is refused: the first one's price stays, and is not asked for again."""
    fill(store)
    llama = Llama({TETHER: "0.9985"})
    first = str(int(START.timestamp()))
    with (
        serving(lambda asked: llama(asked) if first in asked.path else Given(503, b"")) as served,
        pytest.raises(SourceBusy),
    ):
        price(store, Prices(served.url, Budget("defillama", sleep=lambda _: None)), "harbour", "ana")

    assert [Decimal("0.9985")] == [one.usd for one in store.prices([USDT])]
    assert 2 == priced(store, llama)["asked"]


def test_no_case_no_price(store: Store) -> None:
    """A case that does not exist, or was not traced, is named."""
    with store.act("ana", "fill", "harbour") as work:
        work.open_case(Case("c-1", "harbour", (OriginSpec(THIEF, USDT, tx_hash(1)),), START))
    with pytest.raises(NotFound, match="not traced"):
        priced(store, Llama({}))


def test_it_is_told_in_one_line(store: Store) -> None:
    """Beside the amounts: about how much, at which prices, by whom, under which method, and what has none."""
    fill(store)
    document = case_document(store, "harbour")
    assets, flags = assets_of(document), document["flags"]
    unasked = usd_line(worths(store, flags, assets)[0])
    priced(store, Llama({}))
    unknown = usd_line(worths(store, flags, assets)[0])
    known_later(store)
    (worth,) = worths(store, flags, assets)

    assert ("", "no price known") == (unasked, unknown)
    assert (
        "about 2,996 USD at prices of 2024-01-01 00:00 to 2024-01-02 06:00 by defillama, under fifo; "
        "1 of 3 arrivals without a known price" == usd_line(worth)
    )
    assert [
        "    2024-01-01 00:02  1,000.5 USDT  about 999 USD: 0.9985 USD each at 2024-01-01 00:00 by defillama, "
        "confidence 0.99  tx 0x000000…000002",
        "    2024-01-02 07:00  3 ODD  no price known  tx 0x000000…000004",
    ] == [list(arrival_lines(worth, assets))[n] for n in (0, 2)]


def known_later(store: Store) -> None:
    """The same hours have a price after all."""
    known = [
        replace(one, usd=Decimal("0.9985"), at=one.asked, confidence=Decimal("0.99")) for one in store.prices([USDT])
    ]
    with store.pages() as work:
        work.add_prices(known)


@pytest.mark.parametrize(
    ("usd", "told"),
    [("0.005", "0.00 USD"), ("99.994", "99.99 USD"), ("100.4", "100 USD"), ("123456789012345678901.6", None)],
)
def test_dollars_are_rounded_for_people_only(usd: str, told: str | None) -> None:
    """Cents below a hundred, whole dollars above; no amount is too large to be rounded rightly."""
    assert (told or "123,456,789,012,345,678,902 USD") == dollars(usd)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """`tracer price` asks and shows, then `tracer flags` shows the same line; where the server is, is never told."""
    monkeypatch.chdir(tmp_path)
    with Store.open("sqlite:///tracer.db") as store:
        fill(store)
    told: list[str] = []
    with serving(Llama({TETHER: "0.9985"})) as served:
        monkeypatch.setenv("TRACER_PRICES__URL", f"{served.url}/k3y-of-mine/coins")
        served.answers = lambda asked: Llama({TETHER: "0.9985"})(
            asked._replace(path=asked.path.removeprefix("/k3y-of-mine/coins"))
        )
        for words in ("price harbour", "price harbour --json", "flags harbour", "settings"):
            monkeypatch.setattr(sys, "argv", ["tracer", *words.split()])
            with pytest.raises(SystemExit) as ended:
                main()
            assert 0 == ended.value.code
            told.append(capfd.readouterr().out)

    line = (
        "about 2,996 USD at prices of 2024-01-01 00:02 to 2024-01-02 06:02 by defillama, under fifo; "
        "1 of 3 arrivals without a known price"
    )
    assert f"  worth   {line}" in told[0].splitlines()
    assert "3 prices asked for; amounts and digest are as they were" in told[0]
    assert ("tracer.price/1", 0) == (json.loads(told[1])["schema"], json.loads(told[1])["asked"])
    assert f"  worth   {line}" in told[2].splitlines()
    assert not any("k3y-of-mine" in text for text in told)
